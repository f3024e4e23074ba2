// Decides who may enrol under which name, and which signatures and tokens are valid. Pure.

import { GantryError } from "@gantry/core/errors.ts";
import type { EnrolRequest } from "@gantry/wire/runner/identity.ts";
import type { RunnerState } from "../dispatch/decide-register.ts";

/** A one-time token; its stream is named after the hash of the token. */
export type EnrolmentState = {
  readonly site: string;
  /** The only runner that may use it; absent: any runner. */
  readonly runner?: string;
  /** With `runner`: of the stream of its key when the token was created, 0 without a key. Absent: created by an older version. */
  readonly keyVersion?: number;
  /** The creator. */
  readonly by: string;
  /** ms since 1970. */
  readonly expiresAt: number;
  readonly usedBy?: { readonly runner: string; readonly publicKey: string };
};

/** An enrolled runner. */
export type RunnerKeyState = {
  readonly runner: string;
  readonly site: string;
  /** Ed25519, base64url. */
  readonly publicKey: string;
  readonly at: number;
  /** The key is invalid; the name still belongs to the site, and needs a new key. */
  readonly revoked?: true;
};

/** The sender of a request: any runner of the site; with `runners`, one of these; with `runner`, exactly this one. */
export type RunnerIdentity = {
  readonly site: string;
  readonly runner?: string;
  readonly publicKey?: string;
  /** A `*` at the end of a name matches any text. */
  readonly runners?: readonly string[];
};

/**
 * The site for which the runner is enrolled. `isRepeat`: it was already enrolled, and the answer was lost. Refuses with
 * `enrolment-invalid`, and with `runner-name-taken` when the name belongs to another site. A name that has had a key, or
 * that runners of another site use without one, requires a token that an administrator created for this name: after the last change of
 * its key, so that a token which was lost before a renewal does not undo it.
 */
export function decideEnrol(
  enrolment: EnrolmentState | undefined,
  known: {
    readonly key: RunnerKeyState | undefined;
    readonly keyVersion: number;
    readonly registered: RunnerState | undefined;
  },
  { runner, publicKey }: Pick<EnrolRequest, "runner" | "publicKey">,
  now: number,
): { readonly site: string; readonly isRepeat: boolean } | GantryError {
  if (!enrolment) return new GantryError("enrolment-invalid");
  const { site, usedBy } = enrolment;
  if ((enrolment.runner ?? runner) !== runner) return new GantryError("enrolment-invalid");
  if (usedBy) {
    const isRepeat = usedBy.runner === runner && usedBy.publicKey === publicKey && known.key?.publicKey === publicKey;
    return isRepeat ? { site, isRepeat } : new GantryError("enrolment-invalid");
  }
  const isOutdated = (enrolment.keyVersion ?? known.keyVersion) !== known.keyVersion;
  if (now >= enrolment.expiresAt || isOutdated) return new GantryError("enrolment-invalid");
  const user = enrolment.runner === runner ? undefined : known.registered?.facts.site;
  const owner = known.key?.site ?? user ?? site;
  const isClosed = known.key !== undefined && enrolment.runner !== runner;
  if (owner !== site || isClosed) return new GantryError("runner-name-taken", { runner });
  return { site, isRepeat: false };
}

/** Whether the sender may register under this name. A name with a key belongs to the holder of the key. */
export function decideName(
  sender: RunnerIdentity,
  runner: string,
  key: RunnerKeyState | undefined,
): GantryError | undefined {
  if (sender.runners && !sender.runners.some((pattern) => matches(pattern, runner)))
    return new GantryError("forbidden", {
      who: `This token of site ${sender.site}`,
      verb: `register runner ${runner}`,
    });
  const isOwn = key ? isSignedIn(sender, key) : sender.publicKey === undefined;
  if (isOwn && (sender.runner ?? runner) === runner) return undefined;
  if (sender.publicKey !== undefined && sender.runner === runner) return new GantryError("unauthenticated");
  return new GantryError("runner-name-taken", { runner });
}

/** Whether the sender may act as the runner that has registered with this key, or without one. */
export function mayRegister(
  sender: RunnerIdentity,
  { runner, site }: { readonly runner: string; readonly site: string },
  publicKey: string | undefined,
): boolean {
  const key = publicKey === undefined ? undefined : { runner, site, publicKey, at: 0 };
  return sender.site === site && decideName(sender, runner, key) === undefined;
}

function isSignedIn(sender: RunnerIdentity, key: RunnerKeyState): boolean {
  return sender.publicKey === key.publicKey && sender.site === key.site && key.revoked === undefined;
}

function matches(pattern: string, runner: string): boolean {
  return pattern.endsWith("*") ? runner.startsWith(pattern.slice(0, -1)) : runner === pattern;
}
