// The tokens of an enrolled runner: each is given for a signed challenge and lasts for some minutes.

import { createHash, sign } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import { fingerprintOf, signedText } from "@gantry/wire/runner/identity.ts";
import type { IdentityClient } from "@gantry/wire/runner/runner-client.ts";
import { isCode, type RunnerDeps } from "../ports.ts";
import { newKey, openKey, type RunnerKey, saveKey } from "./key-file.ts";

export type EnrolledOptions = {
  readonly runner: string;
  /** Folder of the runner. */
  readonly data: string;
  /** Reads the one-time token, which is no longer needed once the runner is enrolled. */
  readonly enrolment: () => Promise<string>;
  readonly client: IdentityClient;
  readonly deps: Pick<RunnerDeps, "files" | "clock" | "logger">;
};

/** A token is renewed when less than this share of its lifetime is left. */
const RENEW_AT = 0.3;

/**
 * Creates a key and enrols the runner unless it is enrolled. If the task-agent cannot be reached, the first call of the
 * returned function does this. An enrolled runner whose one-time token has changed creates a new key and enrols again. The
 * returned function resolves to a token that is valid now. It rejects with `unavailable`, and with `unauthenticated` when
 * the task-agent does not accept the key. Throws `enrolment-invalid`, `runner-name-taken`, `secret-unreadable` and
 * `data-unusable`.
 */
export async function openEnrolledToken(options: EnrolledOptions): Promise<() => Promise<string>> {
  const { client, deps, runner } = options;
  let key = await renewedKey(options, await openKey(deps.files, options.data, runner));
  let current: { readonly token: string; readonly lifetimeMs: number; readonly untilMs: number } | undefined;
  let renewing: Promise<void> | undefined;
  const renew = async (): Promise<void> => {
    if (!key.isEnrolled) key = await enrol(options, key);
    const sentMs = deps.clock.monotonicMs();
    const { challenge } = await client.challenge({ runner });
    const signature = sign(null, signedText(runner, challenge), key.privateKey).toString("base64url");
    const { token, expiresInMs } = await client.token({ runner, challenge, signature });
    current = { token, lifetimeMs: expiresInMs, untilMs: sentMs + expiresInMs };
  };
  const leftMs = (): number => (current ? current.untilMs - deps.clock.monotonicMs() : 0);
  if (!key.isEnrolled) {
    try {
      key = await enrol(options, key);
    } catch (error) {
      if (!isCode(error, "unavailable")) throw error;
      deps.logger.warn({ err: error }, "the runner cannot enrol yet; it tries again");
    }
  }
  return async () => {
    if (current && leftMs() > current.lifetimeMs * RENEW_AT) return current.token;
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
    try {
      await renewing;
    } catch (error) {
      // The current token is still valid for a while.
      if (leftMs() <= 0 || !isCode(error, "unavailable")) throw error;
    }
    if (!current) throw new GantryError("unauthenticated");
    return current.token;
  };
}

/**
 * The key, or a new one if the one-time token in the configuration differs from the one with which the key was enrolled. The
 * old key is kept if the new one is refused.
 */
async function renewedKey(options: EnrolledOptions, key: RunnerKey): Promise<RunnerKey> {
  if (!key.isEnrolled || key.enrolledWith === undefined) return key;
  const token = await options.enrolment().catch((error: unknown) => {
    if (isCode(error, "secret-unreadable")) return undefined;
    throw error;
  });
  if (token === undefined || digestOf(token) === key.enrolledWith) return key;
  const { files } = options.deps;
  const fresh = await newKey(files, options.data, options.runner);
  try {
    return await enrol(options, fresh);
  } catch (error) {
    if (isCode(error, "unavailable")) return fresh;
    await saveKey(files, options.data, key);
    throw error;
  }
}

async function enrol({ runner, data, enrolment, client, deps }: EnrolledOptions, key: RunnerKey): Promise<RunnerKey> {
  const token = await enrolment();
  const { site } = await client.enrol({ token, runner, publicKey: key.publicKey });
  const enrolled = { ...key, isEnrolled: true, enrolledWith: digestOf(token) };
  await saveKey(deps.files, data, enrolled);
  deps.logger.info({ runner, site, keyFingerprint: fingerprintOf(key.publicKey) }, "the runner is enrolled");
  return enrolled;
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
