// Classifies the HTTP answer of a receiver of messages: delivered, retry, or refused.

import { isJsonObject } from "@gantry/core/json.ts";
import type { SendResult } from "@gantry/core/notify/channel.ts";
import { truncate } from "@gantry/core/truncate.ts";

export type ChannelAnswer = {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly retryAfter: string | null;
};

const HOUR_MS = 3_600_000;

/**
 * 404 and 410: the address no longer exists (Slack: hook revoked, channel archived). 401: the token has to be renewed, and
 * the message can wait for that. Other 4xx: the receiver will never accept this message. A web page, and a 403 or 404 without
 * a body or with the words of a proxy, comes from what stands in front of a receiver that restarts: it says nothing about
 * the message.
 */
export function readChannelAnswer(answer: ChannelAnswer, nowMs: number): SendResult {
  const { status } = answer;
  if (status >= 200 && status < 300) {
    if (isPage(answer)) return { kind: "retry", problem: "a web page answered in place of the receiver" };
    const refused = saysNo(answer.text);
    return refused === undefined
      ? { kind: "delivered" }
      : { kind: "retry", problem: `status ${status}, but it says: ${refused}` };
  }
  const problem = `status ${status}${isPage(answer) ? " with a web page" : said(answer.text)}`;
  if (isOfProxy(answer)) return { kind: "retry", problem: `${problem}; this is not from the receiver` };
  if (status === 429 || status === 503) {
    const afterMs = retryAfterMs(answer.retryAfter, nowMs);
    return { kind: "retry", problem, ...(afterMs === undefined ? {} : { afterMs }) };
  }
  if (status >= 500 || status === 408 || status === 401) return { kind: "retry", problem };
  if (status < 400) return { kind: "retry", problem: `it redirects elsewhere (status ${status})` };
  return { kind: "refused", problem };
}

function isPage({ type, text }: ChannelAnswer): boolean {
  return type.includes("html") || /^\s*<(!doctype|html)/i.test(text);
}

const MAY_BE_OF_PROXY = [400, 403, 404, 405];
/** What ingresses and load balancers say when they know no receiver yet. */
const WORDS_OF_PROXY =
  /^(default backend - 404|404 page not found|response 404 \(backend NotFound\).*|RBAC: access denied)$/i;

function isOfProxy(answer: ChannelAnswer): boolean {
  if (!MAY_BE_OF_PROXY.includes(answer.status)) return false;
  const text = answer.text.trim();
  return isPage(answer) || WORDS_OF_PROXY.test(text) || (text === "" && [403, 404].includes(answer.status));
}

/** Some receivers answer 200 and report the failure in the body. */
function saysNo(text: string): string | undefined {
  const body = parse(text);
  if (!isJsonObject(body)) return undefined;
  const { success, ok, error } = body;
  if (success !== false && ok !== false) return undefined;
  return typeof error === "string" ? truncate(error, 200) : "it did not work";
}

function said(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line === "" ? "" : `: ${truncate(line, 300)}`;
}

/** Seconds or an HTTP date; at most an hour. */
function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), HOUR_MS) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
