// Whether a git host has sent a webhook: it has signed the body with the secret, or sends the secret. Pure.

import { createHmac, hash, timingSafeEqual } from "node:crypto";

export type Received = {
  /** A header of the request; empty when it is missing. */
  readonly header: (name: string) => string;
  /** As it was sent. */
  readonly body: Buffer;
};

/** What the headers of one kind of host say; undefined when another one has sent the request. */
type Scheme = (
  received: Received,
  secret: string,
  nowMs: number,
) => { readonly isGenuine: boolean; readonly delivery: string } | undefined;

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

const SCHEMES: readonly Scheme[] = [gitlab, gitee, gitea, hub];

/**
 * Keys by which the same delivery is recognised if it comes again; undefined when no host that knows the secret has sent it.
 * Takes the same time for every wrong signature.
 */
export function keysOfDelivery(received: Received, secret: string, nowMs: number): readonly string[] | undefined {
  for (const scheme of SCHEMES) {
    const found = scheme(received, secret, nowMs);
    if (!found) continue;
    if (!found.isGenuine) return undefined;
    // Headers are not signed, so a copy can have another id.
    const body = `body ${hash("sha256", received.body)}`;
    return found.delivery === "" ? [body] : [`id ${found.delivery.slice(0, 200)}`, body];
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
