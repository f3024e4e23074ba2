// What a delivery of any host says, and when it was sent.

import { bitbucketCloudWebhook } from "./bitbucket-cloud.ts";
import { bitbucketDcWebhook } from "./bitbucket-dc.ts";
import { type DeliveryFacts, other, type RawDelivery, type WebhookFormat, type WebhookHost } from "./delivery.ts";
import { giteaWebhook } from "./gitea.ts";
import { giteeWebhook } from "./gitee.ts";
import { githubWebhook } from "./github.ts";
import { gitlabWebhook } from "./gitlab.ts";
import { harborWebhook } from "./harbor.ts";
import { sonarqubeWebhook } from "./sonarqube.ts";

const FORMATS: { readonly [Host in WebhookHost]: WebhookFormat } = {
  "bitbucket-dc": bitbucketDcWebhook,
  "bitbucket-cloud": bitbucketCloudWebhook,
  github: githubWebhook,
  gitea: giteaWebhook,
  gitlab: gitlabWebhook,
  gitee: giteeWebhook,
  harbor: harborWebhook,
  sonarqube: sonarqubeWebhook,
};

/** Headers that are kept with a delivery, in lower case. */
export const KEPT_HEADERS: readonly string[] = [
  ...new Set(["content-type", "user-agent", ...Object.values(FORMATS).flatMap(({ headers }) => headers)]),
];

/** A delivery that was sent longer ago starts nothing by itself: it may be an old one that somebody has copied. */
export const LATE_MS = 86_400_000;

/** Never throws, whatever the body is. */
export function readDelivery(host: WebhookHost, { headers, body }: RawDelivery): DeliveryFacts {
  const json = parse(body);
  return json === undefined ? other("Its body is not JSON.") : FORMATS[host].read(json, headers);
}

/** In ms since 1970; undefined where the host does not say. Never throws. */
export function sentAtOf(host: WebhookHost, { headers, body }: RawDelivery): number | undefined {
  const time = FORMATS[host].sentAtMs?.(parse(body), headers);
  return time !== undefined && Number.isFinite(time) ? time : undefined;
}

/** Undefined: it is no JSON. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
