// The counter of fences. It grows with the store's time and never falls behind a fence that a runner presents with a proof
// that it was issued, so that a store restored from an older copy never issues a fence twice. The proof is needed because a
// runner could invent a fence, to exhaust the numbers or to make the next ones guessable.

import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import type { Alarms } from "../alarms.ts";
import type { LeaseOwner } from "./lease-table.ts";

export type Fences = {
  /** A fence larger than every earlier one, and larger than `before`. Rejects when the store fails. */
  readonly next: (before: number) => Promise<number>;
  /** A proof that this fence was given to this runner for this attempt. Valid at every agent with the same key. */
  readonly prove: (ref: JobRef, runner: LeaseOwner) => string;
  /**
   * Compares the fence that a runner presents with `newest`, the newest fence that this store gave for the job (0: the job is
   * unknown). A larger one whose proof is valid shows that the store was restored from an older copy: the counter is raised
   * above it for good, and an alarm is raised. Without a valid proof, nothing but another alarm follows; older runners send
   * none. Rejects when the store fails.
   */
  readonly checkPresented: (ref: JobRef, newest: number, runner: LeaseOwner) => Promise<void>;
};

export type FencesDeps = {
  readonly journal: Journal;
  readonly alarms: Alarms;
  /** Signs the fences that are given. Kept outside of the journal, which may be restored from an older copy. */
  readonly key: Uint8Array;
};

/** `least`: every new fence is larger. */
const fenceStream = defineStream<{ readonly least: number }>({ prefix: "agent/fences" });
/** Runners repeat their requests, but an alarm is raised once. */
const MAX_REPORTED = 1_000;

/** Reads how far the counter was raised before. Rejects when the store fails. */
export async function openFences({ journal, alarms, key }: FencesDeps): Promise<Fences> {
  const saved = await fenceStream.load(journal);
  const reported = new Set<string>();
  // Prepared once: it costs several times as much as a signature.
  const secret = createSecretKey(key);
  let last = saved?.state.least ?? 0;

  const isFirst = (...what: readonly unknown[]): boolean => {
    const text = JSON.stringify(what);
    if (reported.has(text)) return false;
    if (reported.size >= MAX_REPORTED) reported.clear();
    reported.add(text);
    return true;
  };
  return {
    next: async (before) => {
      const micros = await journal.now();
      last = Math.max(last + 1, before + 1, micros);
      return last;
    },
    prove: (ref, runner) => proofOf(secret, ref, runner),
    checkPresented: async (ref, newest, owner) => {
      if (ref.fence <= newest) return;
      const { proof, ...presented } = ref;
      const fields = { ...presented, runner: owner.runner, site: owner.site, given: newest };
      if (proof === undefined || !isEqual(proof, proofOf(secret, ref, owner))) {
        if (isFirst(owner.runner)) alarms.raise("fence-unproven", fields, UNPROVEN);
        return;
      }
      if (!isFirst(presented)) return;
      alarms.raise("store-rolled-back", fields, ROLLED_BACK);
      if (ref.fence <= last) return;
      last = ref.fence;
      await raise(journal, ref.fence);
    },
  };
}

const ROLLED_BACK =
  "a runner presents a fence that this store issued but no longer knows: it may have been restored from an older copy";
const UNPROVEN =
  "a runner presents a fence without proof that it was issued: it is forged, or the store was restored from an older copy and the runner has an older version";

function proofOf(key: KeyObject, { task, job, attempt, fence }: JobRef, { site, runner }: LeaseOwner): string {
  const text = JSON.stringify([site, runner, task, job, attempt, fence]);
  return createHmac("sha256", key).update(text).digest("base64url");
}

function isEqual(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}

/** Several agents may do this at once: the highest number counts. */
async function raise(journal: Journal, fence: number): Promise<void> {
  for (;;) {
    const saved = await fenceStream.load(journal);
    const least = Math.max(fence, saved?.state.least ?? 0);
    const events = [{ kind: "FenceRaised", least }];
    const append = fenceStream.append("", { expected: saved?.version ?? 0, events, state: { least } });
    if ((await journal.append([append])).ok) return;
  }
}
