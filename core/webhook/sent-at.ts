// When a delivery was sent, where what the host has signed, or sent with its token, says so. Pure and total.

import type { RawDelivery, WebhookHost } from "./delivery.ts";
import { numberAt, textAt } from "./look-up.ts";

/** A delivery that was sent longer ago starts nothing by itself: it may be an old one that somebody has copied. */
export const LATE_MS = 86_400_000;

/** In ms since 1970; undefined where the host does not say. */
export function sentAtOf(host: WebhookHost, { headers, body }: RawDelivery): number | undefined {
  const time = timeIn(host, body, headers);
  return time !== undefined && Number.isFinite(time) ? time : undefined;
}

function timeIn(host: WebhookHost, body: string, headers: RawDelivery["headers"]): number | undefined {
  if (host === "gitee") return Number(headers["x-gitee-timestamp"] ?? Number.NaN);
  if (host !== "bitbucket-dc" && host !== "harbor") return undefined;
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (host === "bitbucket-dc") return Date.parse(textAt(json, "date") ?? "");
  const seconds = numberAt(json, "occur_at");
  return seconds === undefined ? Date.parse(textAt(json, "time") ?? "") : seconds * 1_000;
}
