// Appends that arrive together are committed together: one fsync serves many.

import type { AppendOptions, AppendResult } from "../journal.ts";
import type { PreparedAppend } from "../validation.ts";

type Batch = readonly PreparedAppend[];
type Waiting = {
  readonly batch: Batch;
  readonly needsSync: boolean;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
};

export type CommitQueue = {
  readonly append: (batch: Batch, options?: AppendOptions) => Promise<AppendResult>;
  /** Commits everything that is queued, now. */
  readonly drain: () => void;
};

/** A commit blocks the process, so more appends than this wait for the next one. */
const MAX_GROUP = 500;

/**
 * `commit` is synchronous: while it runs, new appends gather for the next one. When it throws, the group rejects. `needsSync`:
 * whether an append of the group must survive a power cut.
 */
export function makeCommitQueue(
  commit: (group: readonly Batch[], needsSync: boolean) => readonly AppendResult[],
  onCommitted: () => void,
): CommitQueue {
  let queue: Waiting[] = [];
  let scheduled = false;

  const flush = (): void => {
    scheduled = false;
    const group = queue.slice(0, MAX_GROUP);
    queue = queue.slice(MAX_GROUP);
    if (group.length === 0) return;
    try {
      const needsSync = group.some((one) => one.needsSync);
      const results = commit(
        group.map((one) => one.batch),
        needsSync,
      );
      for (const [at, one] of group.entries()) one.resolve(results[at] as AppendResult);
      onCommitted();
    } catch (error) {
      for (const one of group) one.reject(error);
    }
    if (queue.length > 0) schedule();
  };

  // setImmediate, not a microtask: it runs after the event loop has delivered all requests of its current turn.
  const schedule = (): void => {
    if (!scheduled) setImmediate(flush);
    scheduled = true;
  };

  return {
    append: (batch, { survives = "power-cut" } = {}) =>
      new Promise((resolve, reject) => {
        queue.push({ batch, needsSync: survives === "power-cut", resolve, reject });
        schedule();
      }),
    drain: () => {
      while (queue.length > 0) flush();
    },
  };
}
