// How an enrolled runner proves who it is. It has a key pair (Ed25519) of its own, and the task-agent knows the public key:
//
//   POST enrol       a one-time token of an administrator, with the runner's name and public key
//   POST challenge   what the runner is to sign
//   POST token       the signature; the answer is a token for all calls of the runner protocol, for some minutes
//
// These calls carry no token. All of them are safe to repeat.

import { hash } from "node:crypto";
import { type RouteTable, route } from "@gantry/runtime/http/route.ts";
import { z } from "zod";

/** The configuration of a runner has the same rule. Other names could not be taken out of service by their address. */
export const runnerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, "lower case letters, digits and hyphens")
  .max(63);

export const enrolRequest = z.object({
  token: z.string().min(1).max(200),
  runner: runnerName,
  /** The 32 bytes of an Ed25519 key, base64url. */
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/, "32 bytes in base64url"),
});
export type EnrolRequest = z.infer<typeof enrolRequest>;
export const enrolReply = z.object({ site: z.string() });

export const challengeRequest = z.object({ runner: runnerName });
export const challengeReply = z.object({ challenge: z.string().max(200) });

export const tokenRequest = z.object({
  runner: runnerName,
  challenge: z.string().max(200),
  /** Of `signedText`, base64url. */
  signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/, "64 bytes in base64url"),
});
export type TokenRequest = z.infer<typeof tokenRequest>;
export const tokenReply = z.object({ token: z.string().max(2_000), expiresInMs: z.int().min(0) });
export type TokenReply = z.infer<typeof tokenReply>;

/** As people compare it: in the log of the runner and in the list of runners. */
export function fingerprintOf(publicKey: string): string {
  return `SHA256:${hash("sha256", Buffer.from(publicKey, "base64url"), "base64url")}`;
}

/** What the runner signs. */
export function signedText(runner: string, challenge: string): Uint8Array {
  return new TextEncoder().encode(`gantry runner ${runner}\n${challenge}`);
}

/** Whoever sends these is not known yet. */
const BODY_LIMIT = 16_384;

/** Below `RUNNER_PREFIX`. */
export const IDENTITY_ROUTES = {
  enrol: route({
    method: "POST",
    path: "/enrol",
    body: enrolRequest,
    bodyLimit: BODY_LIMIT,
    answer: enrolReply,
    errors: ["enrolment-invalid", "runner-name-taken"],
  }),
  challenge: route({
    method: "POST",
    path: "/challenge",
    body: challengeRequest,
    bodyLimit: BODY_LIMIT,
    answer: challengeReply,
  }),
  token: route({ method: "POST", path: "/token", body: tokenRequest, bodyLimit: BODY_LIMIT, answer: tokenReply }),
} satisfies RouteTable;
