// OpenID Connect Back-Channel Logout 1.0: an issuer says that a session of its own, or all of a person, have ended.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { errors, type JWTPayload, jwtVerify } from "jose";
import { wrongTime } from "./decide-times.ts";
import { type Issuer, unavailable } from "./issuers.ts";

/** What has ended: the session `sid`, or without it all sessions of the person `sub`. */
export type Logout = { readonly sid: string | undefined; readonly sub: string | undefined };

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
/** The signature algorithms of OIDC, except `none` and those with a shared secret. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const MAX_AGE_S = 300;
const TOLERANCE_S = 30;
const MAX_SEEN = 100_000;

/** Throws `bad-request` for a token that fails any check of the specification, and `unavailable` without the keys. */
export function makeLogoutTokens(clock: Pick<Clock, "nowMs">): (issuer: Issuer, token: string) => Promise<Logout> {
  const seen = new Map<string, number>();
  return async (issuer, token) => {
    const payload = await verify(issuer, token, new Date(clock.nowMs()));
    const { sid, sub, jti } = contentOf(payload);
    const id = `${issuer.settings.id} ${jti}`;
    const nowMs = clock.nowMs();
    for (const [old, untilMs] of seen) {
      if (untilMs > nowMs && seen.size < MAX_SEEN) break;
      seen.delete(old);
    }
    if (seen.has(id)) throw refuse("it was used already");
    // Afterwards it is too old to be accepted.
    seen.set(id, nowMs + (MAX_AGE_S + 2 * TOLERANCE_S) * 1_000);
    return { sid, sub };
  };
}

async function verify(issuer: Issuer, token: string, currentDate: Date): Promise<JWTPayload> {
  const configuration = await issuer.configuration();
  try {
    const { payload, protectedHeader } = await jwtVerify(token, await issuer.keys(), {
      issuer: configuration.serverMetadata().issuer,
      audience: issuer.settings.clientId,
      algorithms: ALGORITHMS,
      requiredClaims: ["iat", "jti", "events"],
      maxTokenAge: MAX_AGE_S,
      clockTolerance: TOLERANCE_S,
      currentDate,
    });
    const { typ } = protectedHeader;
    // An ID token must not be accepted as a logout token. Issuers older than the final specification write JWT, or no type.
    if (typ !== undefined && !/^(?:application\/)?(?:logout\+jwt|jwt)$/i.test(typ)) throw refuse(`its type is ${typ}`);
    const problem = wrongTime(payload, currentDate.getTime() / 1_000);
    if (problem !== undefined) throw refuse(problem);
    return payload;
  } catch (error) {
    if (error instanceof errors.JWKSTimeout || error instanceof TypeError) throw unavailable(issuer.settings, error);
    if (error instanceof errors.JOSEError) throw refuse(error.message, error);
    throw error;
  }
}

function contentOf(payload: JWTPayload): Logout & { readonly jti: string } {
  const { sub, jti, sid, nonce, events } = payload;
  const event = isRecord(events) && Object.hasOwn(events, EVENT) ? events[EVENT] : undefined;
  if (!isRecord(event)) throw refuse("its events are not those of a logout");
  if (nonce !== undefined) throw refuse("it has a nonce, which only ID tokens have");
  if (typeof jti !== "string" || jti === "" || jti.length > 500) throw refuse("its jti is not a text");
  if (sid !== undefined && (typeof sid !== "string" || sid === "")) throw refuse("its sid is not a text");
  if (sid === undefined && (typeof sub !== "string" || sub === "")) throw refuse("it has neither sub nor sid");
  return { sid, sub, jti };
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(problem: string, cause?: unknown): GantryError {
  const details = { problem: `the logout token is not accepted: ${problem.replace(/\.$/, "")}` };
  return new GantryError("bad-request", details, cause === undefined ? {} : { cause });
}
