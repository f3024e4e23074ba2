// Compares the logs that runners had on disk when they removed them with what the task-agent has at the end: the bytes
// must be equal.

import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import type { StoredLogs } from "../machine/log-store.ts";
import type { Invariants } from "./invariants.ts";

export type LogInvariants = {
  /**
   * A runner removes a log file. `torn`: a power cut took bytes of it that the agent may have, or the line of the runner's
   * journal that records the log.
   */
  readonly removed: (path: string, bytes: Buffer, torn: boolean) => void;
  readonly check: () => void;
};

/**
 * `hasGoodNetwork`: no fault affects connections. Otherwise a runner whose work was given away tries to deliver its log for a
 * minute only, and the agent may have just the beginning.
 */
export function createLogInvariants(
  invariants: Invariants,
  stored: StoredLogs,
  hasGoodNetwork: boolean,
): LogInvariants {
  const removedLogs = new Map<string, { readonly bytes: Buffer; readonly torn: boolean }>();
  return {
    removed: (path, bytes, torn) => void removedLogs.set(path, { bytes, torn }),
    check: () => {
      for (const [path, { bytes, torn }] of removedLogs) {
        const ref = refOf(path, invariants);
        const name = `${ref.task}/${ref.job}/${ref.attempt}/${stepOf(path)}`;
        const received = stored.get(name)?.bytes ?? Buffer.alloc(0);
        const end = invariants.account(ref.task, ref.job).ends.get(ref.attempt);
        const isGivenAway = end === "lost" || end === "cut off";
        if (received.equals(bytes) || ((torn || (isGivenAway && !hasGoodNetwork)) && isPrefix(received, bytes)))
          continue;
        invariants.violated(
          "logs-equal",
          `${name}: the agent has ${received.length} bytes, the runner had ${bytes.length}`,
        );
      }
    },
  };
}

/** True when one is a prefix of the other. */
function isPrefix(one: Buffer, other: Buffer): boolean {
  const length = Math.min(one.length, other.length);
  return one.subarray(0, length).equals(other.subarray(0, length));
}

/** Log folders are named after fences. */
function refOf(path: string, invariants: Invariants): JobRef {
  const ref = invariants.claimed(Number(/\/logs\/(\d+)-/.exec(path)?.[1]));
  if (!ref) throw new Error(`no claim is known for the log ${path}`);
  return ref;
}

/** Log files are named after the numbers of their steps, which are called s0, s1, … in the simulation. */
function stepOf(path: string): string {
  return `s${Number(/(\d+)\.log$/.exec(path)?.[1]) - 1}`;
}
