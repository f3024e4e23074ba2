// Runners with a key of their own: their enrolment, and the tokens that they get for signing a challenge. Challenges and
// tokens are signed and not stored, so they are valid at every agent that shares the journal and the platform token.

import { createHash, createPublicKey, createSecretKey, randomBytes, verify } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import {
  type EnrolRequest,
  enrolRequest,
  fingerprintOf,
  signedText,
  type TokenReply,
  type TokenRequest,
} from "@gantry/wire/runner/identity.ts";
import type { RunnerState } from "../dispatch/decide-register.ts";
import {
  decideEnrol,
  decideName,
  type EnrolmentState,
  type RunnerIdentity,
  type RunnerKeyState,
} from "./decide-identity.ts";
import { readClaims, signClaims } from "./signed-text.ts";

export type Identities = {
  /**
   * Creates a one-time token with which one runner may enrol at this site. Only the answer contains it; its hash is stored.
   */
  readonly createEnrolment: (request: EnrolmentRequest) => Promise<Enrolment>;
  /** The key of a runner is invalid at once at every agent. Resolves with a token for a new one. Throws `not-found`. */
  readonly renewKey: (runner: string, by: string) => Promise<Enrolment>;
  /** Stores name and public key of a runner. Throws `enrolment-invalid` and `runner-name-taken`. */
  readonly enrol: (request: EnrolRequest) => Promise<{ readonly site: string }>;
  /** A challenge that the runner must sign within half a minute. */
  readonly challenge: (runner: string) => string;
  /** A token for a signed challenge. Throws `unauthenticated`, also for a runner that was taken out of service. */
  readonly issueToken: (request: TokenRequest) => Promise<TokenReply>;
  /** The owner of a token; undefined if it is not one of these tokens, or has expired. */
  readonly identify: (token: string | undefined) => RunnerIdentity | undefined;
  /** Throws `runner-name-taken` or `unauthenticated` unless the sender may register under this name. */
  readonly checkName: (sender: RunnerIdentity, runner: string) => Promise<void>;
};

/** `runner`: the only one that may use the token. `by`: the creator. */
export type EnrolmentRequest = { readonly site: string; readonly runner?: string | undefined; readonly by: string };
/** `expiresAt`: ms since 1970. */
export type Enrolment = {
  readonly site: string;
  readonly runner?: string | undefined;
  readonly token: string;
  readonly expiresAt: number;
};

export type IdentitiesDeps = {
  readonly journal: Pick<Journal, "load" | "append">;
  readonly clock: Pick<Clock, "nowMs">;
  /** Signs challenges and tokens. */
  readonly key: Uint8Array;
  /** What is stored about a runner that has registered. */
  readonly registered: (runner: string) => Promise<RunnerState | undefined>;
  /** A runner has a new key, or no longer has one: sessions with the previous key have ended. */
  readonly onKeyChanged: (runner: string) => void;
  /** The name of a runner now belongs to this site, even if another site registered it before. */
  readonly handOver: (runner: string, site: string) => Promise<void>;
};

/** By expiry. Those that an older version stored are in no index, and stay. */
const enrolmentStream = defineStream<EnrolmentState>({
  prefix: "enrolment/",
  index: ({ expiresAt }) => ({ enrolments: [expiryKey(expiresAt)] }),
});
const keyStream = defineStream<RunnerKeyState>({ prefix: "runner-key/" });

const ENROLMENT_MS = 600_000;
const CHALLENGE_MS = 30_000;
const TOKEN_MS = 600_000;

export function openIdentities(deps: IdentitiesDeps): Identities {
  const { journal, clock, registered } = deps;
  const key = createSecretKey(deps.key);
  const keyOf = async (runner: string): Promise<RunnerKeyState | undefined> => (await loadKey(journal, runner))?.state;
  const createEnrolment = async ({ site, runner, by }: EnrolmentRequest): Promise<Enrolment> => {
    const token = randomBytes(32).toString("base64url");
    const expiresAt = clock.nowMs() + ENROLMENT_MS;
    const of = runner === undefined ? {} : { runner, keyVersion: (await loadKey(journal, runner))?.version ?? 0 };
    const about = { site, by, ...of };
    const events = [{ kind: "EnrolmentCreated", site, by, ...(runner === undefined ? {} : { of: runner }) }];
    await journal.append([
      enrolmentStream.append(hashOf(token), { expected: 0, events, state: { ...about, expiresAt } }),
    ]);
    return { site, runner, token, expiresAt };
  };
  return {
    createEnrolment,
    renewKey: async (runner, by) => {
      const site = (await revokeKey(deps, runner, by)) ?? (await registered(runner))?.facts.site;
      if (site === undefined) throw new GantryError("not-found", { kind: "runner", name: runner });
      return createEnrolment({ site, runner, by });
    },
    enrol: (request) => enrol(deps, request),
    challenge: (runner) => {
      const nonce = randomBytes(16).toString("base64url");
      return signClaims(key, "challenge", { runner, nonce }, clock.nowMs() + CHALLENGE_MS);
    },
    issueToken: async ({ runner, challenge, signature }) => {
      const now = clock.nowMs();
      const known = await keyOf(runner);
      const isFresh = readClaims(key, "challenge", challenge, now)?.runner === runner;
      // The cheap test first: without a challenge of ours, no signature is verified.
      const isSigned =
        isFresh &&
        known !== undefined &&
        known.revoked === undefined &&
        isSignedBy(known.publicKey, signedText(runner, challenge), signature);
      if (!isSigned) throw new GantryError("unauthenticated");
      const { site, publicKey } = known;
      const before = await registered(runner);
      if (before?.removed && before.facts.site === site) throw new GantryError("unauthenticated");
      return { token: signClaims(key, "token", { runner, site, publicKey }, now + TOKEN_MS), expiresInMs: TOKEN_MS };
    },
    identify: (token) => {
      const { site, runner, publicKey } = readClaims(key, "token", token ?? "", clock.nowMs()) ?? {};
      return site && runner && publicKey ? { site, runner, publicKey } : undefined;
    },
    checkName: async (sender, runner) => {
      const key = await keyOf(runner);
      const refusal = decideName(sender, runner, key);
      if (refusal) throw refusal;
      if (key) await deps.handOver(runner, key.site);
    },
  };
}

/** Key and used token are committed together, so that a token enrols only one runner, even after a crash. */
async function enrol(
  { journal, clock, registered, onKeyChanged }: IdentitiesDeps,
  { token, runner, publicKey }: EnrolRequest,
): Promise<{ readonly site: string }> {
  const id = hashOf(token);
  for (;;) {
    const [enrolment, key] = [await enrolmentStream.load(journal, id), await keyStream.load(journal, runner)];
    const now = clock.nowMs();
    const known = { key: key?.state, keyVersion: key?.version ?? 0, registered: await registered(runner) };
    const decided = decideEnrol(enrolment?.state, known, { runner, publicKey }, now);
    if (decided instanceof GantryError) throw decided;
    const { site, isRepeat } = decided;
    if (isRepeat || !enrolment) return { site };
    const used = { ...enrolment.state, usedBy: { runner, publicKey } };
    const committed = await journal.append([
      enrolmentStream.append(id, {
        expected: enrolment.version,
        events: [{ kind: "EnrolmentUsed", runner }],
        state: used,
      }),
      keyStream.append(runner, {
        expected: key?.version ?? 0,
        events: [{ kind: "RunnerEnrolled", runner, site, by: enrolment.state.by }],
        state: { runner, site, publicKey, at: now },
      }),
    ]);
    if (!committed.ok) continue;
    onKeyChanged(runner);
    return { site };
  }
}

/** A name that cannot enrol has no key, and may be invalid as the name of a stream. */
async function loadKey(
  journal: Pick<Journal, "load">,
  runner: string,
): Promise<Awaited<ReturnType<typeof keyStream.load>>> {
  return enrolRequest.shape.runner.safeParse(runner).success ? keyStream.load(journal, runner) : undefined;
}

/** The site of the runner; undefined when it has no key. */
async function revokeKey(
  { journal, onKeyChanged }: IdentitiesDeps,
  runner: string,
  by: string,
): Promise<string | undefined> {
  for (;;) {
    const key = await loadKey(journal, runner);
    if (!key) return undefined;
    const events = [{ kind: "RunnerKeyRevoked", runner, by }];
    const state = { ...key.state, revoked: true as const };
    if (!(await journal.append([keyStream.append(runner, { expected: key.version, events, state })])).ok) continue;
    onKeyChanged(runner);
    return key.state.site;
  }
}

function isSignedBy(publicKey: string, text: Uint8Array, signature: string): boolean {
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey }, format: "jwk" });
  return verify(null, text, key, Buffer.from(signature, "base64url"));
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** Of the key with which the runner signs in now, as `SHA256:…`; undefined when it has none. */
export async function keyFingerprint(journal: Pick<Journal, "load">, runner: string): Promise<string | undefined> {
  const key = (await loadKey(journal, runner))?.state;
  return key === undefined || key.revoked ? undefined : fingerprintOf(key.publicKey);
}

function expiryKey(ms: number): string {
  return String(Math.floor(ms)).padStart(15, "0");
}

const DAY_MS = 86_400_000;
const PAGE = 100;

/** Removes one-time tokens a day after they have expired, used or not. Resolves with how many. */
export async function removeExpiredEnrolments(
  journal: Pick<Journal, "find" | "remove">,
  nowMs: number,
): Promise<number> {
  let count = 0;
  for (let cursor: string | undefined; ; ) {
    const page = await journal.find({ index: "enrolments", limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const { key, stream, version } of page.items) {
      if (key >= expiryKey(nowMs - DAY_MS)) return count;
      if ((await journal.remove([{ stream, expected: version }])).ok) count += 1;
    }
    cursor = page.cursor;
    if (cursor === undefined) return count;
  }
}
