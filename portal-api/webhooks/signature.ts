// Whether a host has sent a webhook: it has signed the body with the secret, or sends the secret. Pure.

import { createHmac, hash, timingSafeEqual } from "node:crypto";
import { GIT_PROVIDERS } from "@gantry/core/site/git-providers.ts";
import type { WebhookHost } from "@gantry/core/webhook/delivery.ts";

export type Received = {
  /** A header of the request; empty when it is missing. */
  readonly header: (name: string) => string;
  /** As it was sent. */
  readonly body: Buffer;
};

type Said = {
  readonly isGenuine: boolean;
  /** The id that the host has given to the delivery; empty: none. */
  readonly delivery: string;
};

/** What the headers of one kind of host say; undefined when another one has sent the request. */
type Scheme = (received: Received, secret: string, nowMs: number) => Said | undefined;

/** Gitee says in its documentation that older signatures are to be refused. */
const GITEE_MAX_AGE_MS = 3_600_000;

const gitlab: Scheme = ({ header }, secret) => {
  const token = header("x-gitlab-token");
  if (token === "") return undefined;
  return { isGenuine: isEqual(token, secret), delivery: header("idempotency-key") || header("x-gitlab-event-uuid") };
};

/** Its signature is of the time and the secret, not of the body. */
const gitee: Scheme = ({ header }, secret, nowMs) => {
  const token = header("x-gitee-token");
  if (token === "") return undefined;
  const sent = header("x-gitee-timestamp");
  const wanted = createHmac("sha256", secret).update(`${sent}\n${secret}`).digest("base64");
  const isRecent = Math.abs(nowMs - Number(sent)) <= GITEE_MAX_AGE_MS;
  // Versions differ in whether it is escaped as in an address.
  const isWanted = isEqual(token, wanted) || isEqual(token, encodeURIComponent(wanted));
  return { isGenuine: isWanted && isRecent, delivery: sent };
};

const gitea: Scheme = ({ header, body }, secret) => {
  const signature = header("x-gitea-signature");
  if (signature === "") return undefined;
  return { isGenuine: isEqual(signature, signatureOf(body, secret)), delivery: header("x-gitea-delivery") };
};

/** GitHub, Bitbucket Data Center and Bitbucket Cloud. GitHub sends a weaker one as well, in the header of the others. */
const hub: Scheme = ({ header, body }, secret) => {
  const signature = header("x-hub-signature-256") || header("x-hub-signature");
  if (signature === "") return undefined;
  const delivery = header("x-github-delivery") || header("x-request-uuid") || header("x-request-id");
  return { isGenuine: isEqual(signature, `sha256=${signatureOf(body, secret)}`), delivery };
};

/** It signs nothing: it sends what its webhook has as the authorization header. */
const harbor: Scheme = ({ header }, secret) => {
  const sent = header("authorization");
  const isGenuine = [secret, `Bearer ${secret}`].map((wanted) => isEqual(sent, wanted)).includes(true);
  return sent === "" ? undefined : { isGenuine, delivery: "" };
};

const sonarqube: Scheme = ({ header, body }, secret) => {
  const signature = header("x-sonar-webhook-hmac-sha256");
  return signature === "" ? undefined : { isGenuine: isEqual(signature, signatureOf(body, secret)), delivery: "" };
};

const SCHEMES: { readonly [Host in WebhookHost]: Scheme } = {
  "bitbucket-dc": hub,
  "bitbucket-cloud": hub,
  github: hub,
  gitea,
  gitlab,
  gitee,
  harbor,
  sonarqube,
};

/** The general one is last: some hosts send its header beside their own. */
const GIT_SCHEMES: ReadonlySet<Scheme> = new Set([
  ...GIT_PROVIDERS.map((host) => SCHEMES[host]).filter((one) => one !== hub),
  hub,
]);

/** GitLab sends the secret, so nobody who lacks it can copy a delivery; and the same push, made twice, has the same body. */
const SAME_BODY_TWICE: readonly WebhookHost[] = ["gitlab"];

/**
 * Keys by which the same delivery is recognised if it comes again; undefined when no host that knows the secret has sent it.
 * Takes the same time for every wrong signature. `host`: absent, it may be any git host.
 */
export function keysOfDelivery(
  received: Received,
  secret: string,
  nowMs: number,
  host?: WebhookHost,
): readonly string[] | undefined {
  for (const scheme of host ? [SCHEMES[host]] : GIT_SCHEMES) {
    const found = scheme(received, secret, nowMs);
    if (!found) continue;
    if (!found.isGenuine) return undefined;
    const body = `body ${hash("sha256", received.body)}`;
    // Many repositories may be told of in the same millisecond.
    if (found.delivery === "" || host === "gitee") return [body];
    const id = `id ${found.delivery.slice(0, 200)}`;
    // Headers are not signed, so a copy can have another id.
    return host && SAME_BODY_TWICE.includes(host) ? [id] : [id, body];
  }
  return undefined;
}

function signatureOf(body: Buffer, secret: string): string {
  return createHmac("sha256", secret).update(body).digest("hex");
}

/** Of digests, so that the length tells nothing either. */
function isEqual(given: string, wanted: string): boolean {
  return timingSafeEqual(hash("sha256", given, "buffer"), hash("sha256", wanted, "buffer"));
}
