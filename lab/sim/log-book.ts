// The logs of all attempts, as the runners had them on their disks when they removed them. At the end the task-agent must
// have the same bytes.

import type { Judge } from "./judge.ts";
import type { StoredLogs } from "./log-store.ts";

export type LogBook = {
  /**
   * A runner removes a file of a log. `torn`: a power cut took bytes of it that the agent may have, or the line of the
   * runner's journal that says that there is a log.
   */
  readonly removed: (path: string, bytes: Buffer, torn: boolean) => void;
  readonly check: () => void;
};

export function createLogBook(judge: Judge, stored: StoredLogs): LogBook {
  const books = new Map<string, { readonly bytes: Buffer; readonly torn: boolean }>();
  return {
    removed: (path, bytes, torn) => void books.set(path, { bytes, torn }),
    check: () => {
      for (const [path, { bytes, torn }] of books) {
        const name = nameOf(path, judge);
        const told = stored.get(name)?.bytes ?? Buffer.alloc(0);
        if (told.equals(bytes) || (torn && isBeginning(told, bytes))) continue;
        judge.violated("logs-equal", `${name}: the agent has ${told.length} bytes, the runner had ${bytes.length}`);
      }
    },
  };
}

/** Is one of them the beginning of the other? */
function isBeginning(one: Buffer, other: Buffer): boolean {
  const length = Math.min(one.length, other.length);
  return one.subarray(0, length).equals(other.subarray(0, length));
}

/** Folders of logs are named by fences, and files by the number of the step; steps here are s0, s1, … */
function nameOf(path: string, judge: Judge): string {
  const [, fence, number] = /\/logs\/(\d+)-[^/]*\/(\d+)\.log$/.exec(path) ?? [];
  const ref = judge.claimed(Number(fence));
  if (!ref || number === undefined) throw new Error(`whose log is ${path}?`);
  return `${ref.task}/${ref.job}/${ref.attempt}/s${Number(number) - 1}`;
}
