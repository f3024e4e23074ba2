// The logs of all attempts, as the runners had them on their disks when they removed them. At the end the task-agent must
// have the same bytes.

import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import type { StoredLogs } from "../machine/log-store.ts";
import type { Invariants } from "./invariants.ts";

export type LogInvariants = {
  /**
   * A runner removes a file of a log. `torn`: a power cut took bytes of it that the agent may have, or the line of the
   * runner's journal that says that there is a log.
   */
  readonly removed: (path: string, bytes: Buffer, torn: boolean) => void;
  readonly check: () => void;
};

/**
 * `hasGoodNetwork`: no connection is ever bad. Else a runner that learns that its work was given away does not try to bring its log
 * for longer than a minute, and the agent has only the beginning of it.
 */
export function createLogInvariants(
  invariants: Invariants,
  stored: StoredLogs,
  hasGoodNetwork: boolean,
): LogInvariants {
  const books = new Map<string, { readonly bytes: Buffer; readonly torn: boolean }>();
  return {
    removed: (path, bytes, torn) => void books.set(path, { bytes, torn }),
    check: () => {
      for (const [path, { bytes, torn }] of books) {
        const ref = refOf(path, invariants);
        const name = `${ref.task}/${ref.job}/${ref.attempt}/${stepOf(path)}`;
        const told = stored.get(name)?.bytes ?? Buffer.alloc(0);
        const end = invariants.account(ref.task, ref.job).ends.get(ref.attempt);
        const isGivenAway = end === "lost" || end === "cut off";
        if (told.equals(bytes) || ((torn || (isGivenAway && !hasGoodNetwork)) && isBeginning(told, bytes))) continue;
        invariants.violated(
          "logs-equal",
          `${name}: the agent has ${told.length} bytes, the runner had ${bytes.length}`,
        );
      }
    },
  };
}

/** Is one of them the beginning of the other? */
function isBeginning(one: Buffer, other: Buffer): boolean {
  const length = Math.min(one.length, other.length);
  return one.subarray(0, length).equals(other.subarray(0, length));
}

/** Folders of logs are named by fences. */
function refOf(path: string, invariants: Invariants): JobRef {
  const ref = invariants.claimed(Number(/\/logs\/(\d+)-/.exec(path)?.[1]));
  if (!ref) throw new Error(`whose log is ${path}?`);
  return ref;
}

/** Files of logs are named by the numbers of their steps, which here are s0, s1, … */
function stepOf(path: string): string {
  return `s${Number(/(\d+)\.log$/.exec(path)?.[1]) - 1}`;
}
