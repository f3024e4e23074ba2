// Changes. Those that arrive together share one script call and one WAIT for the replicas, and nothing is acknowledged
// before both have answered. When an answer is lost, the same batch is sent again for up to RETRY_MS, unchanged and under
// the same id: the script applies it once.

import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { AppendResult, RemoveResult, StreamRemoval } from "../journal.ts";
import type { PreparedAppend } from "../validation.ts";
import { type Batch, type Now, type Operation, type Reply, refuseBatch, sendBatches, takeBatches } from "./batches.ts";
import { textOf, unavailable } from "./client.ts";
import { type Connection, shaOf } from "./connection.ts";
import type { Connections } from "./connections.ts";
import type { HighWaterMarks } from "./high-water-marks.ts";
import type { Keys } from "./keys.ts";

export type Committed = {
  readonly op: string;
  readonly parts: readonly PreparedAppend[];
  /** Numbers of its first and its last event; `first` is above `seq` when it has none. */
  readonly first: number;
  readonly seq: number;
  readonly micros: number;
};

export type Writer = {
  readonly append: (parts: readonly PreparedAppend[]) => Promise<AppendResult>;
  readonly remove: (batch: readonly StreamRemoval[]) => Promise<RemoveResult>;
  readonly now: () => Promise<number>;
  /** A turn is in progress; `onTurnOver` is called at its end. */
  readonly isBusy: () => boolean;
  /** Resolves when nothing is queued and no call is in progress. */
  readonly drain: () => Promise<void>;
};

export type WriterDeps = {
  readonly connections: Connections;
  readonly keys: Keys;
  readonly marks: HighWaterMarks;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly waitReplicas: number;
  readonly waitMs: number;
  /** What one script call has committed, in its order. Called before any of it is answered. */
  readonly onCommitted: (committed: readonly Committed[]) => void;
  /** Called before a removal is answered. */
  readonly onRemoved: (streams: readonly string[]) => void;
  /** Called before a time is answered. */
  readonly onTime: (micros: number) => void;
  /** Something may have been confirmed. */
  readonly onTurnOver: () => void;
};

/** How long an operation whose answer was lost is sent again. */
const RETRY_MS = 900;
const LOST =
  /closed|writeable|timed out|ECONN|EPIPE|^(READONLY|MOVED|NOSCRIPT|LOADING|MASTERDOWN|CLUSTERDOWN|UNBLOCKED)/i;

export function openWriter(deps: WriterDeps): Writer {
  let queue: Operation[] = [];
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    // Waits until the event loop has delivered every request of its current turn.
    await new Promise((resolve) => setImmediate(resolve));
    let batches: readonly Batch[] = [];
    while (queue.length > 0 || batches.length > 0) {
      if (batches.length === 0) ({ batches, rest: queue } = takeBatches(queue, deps.newId));
      batches = await commit(deps, batches);
      deps.onTurnOver();
    }
    running = undefined;
  };
  const push = (operation: Operation): void => {
    queue.push(operation);
    running ??= run();
  };

  const giveUpAt = (): number => deps.clock.monotonicMs() + RETRY_MS;
  return {
    append: (parts) =>
      new Promise((resolve, reject) => {
        push({ kind: "append", parts, resolve, reject, giveUpAt: giveUpAt() });
      }),
    remove: (batch) =>
      new Promise((resolve, reject) => {
        push({ kind: "remove", batch, resolve, reject, giveUpAt: giveUpAt() });
      }),
    now: () =>
      new Promise((resolve, reject) => {
        push({ kind: "now", resolve, reject, giveUpAt: giveUpAt() });
      }),
    isBusy: () => running !== undefined,
    drain: async () => {
      while (running) await running;
    },
  };
}

/** Settles the batches, and answers those that are worth sending again. Never rejects. */
async function commit(deps: WriterDeps, batches: readonly Batch[]): Promise<readonly Batch[]> {
  try {
    const connection = await deps.connections.ready();
    const { replies, wait } = await sendBatches(deps, connection, batches);
    return settle(deps, connection, batches, replies, wait);
  } catch (error) {
    const reason = error instanceof GantryError ? error : unavailable(textOf(error), error);
    for (const batch of batches) refuseBatch(batch, reason);
    return [];
  }
}

function settle(
  deps: WriterDeps,
  connection: Connection,
  batches: readonly Batch[],
  replies: readonly Reply[],
  wait: Reply | undefined,
): readonly Batch[] {
  const again: Batch[] = [];
  const waited = wait === undefined || wait[0] ? undefined : Number(wait[1]);
  const enough = deps.waitReplicas === 0 || (waited !== undefined && waited >= deps.waitReplicas);
  const missing = enough ? undefined : unknown(`${waited ?? 0} of ${counted(deps.waitReplicas, "replica")} confirmed`);
  const lost = (batch: Batch, problem: string): void => {
    deps.connections.drop(connection, problem);
    if (deps.clock.monotonicMs() < batch.giveUpAt) again.push(batch);
    else refuseBatch(batch, unknown(problem));
  };
  let acked = 0;
  for (const [at, batch] of batches.entries()) {
    const [error, answer] = replies[at] ?? [new Error("no answer"), undefined];
    const [word, ...rest] = Array.isArray(answer) ? answer : [];
    if (error && LOST.test(error.message)) lost(batch, error.message);
    else if (error) refuseBatch(batch, unavailable(`Redis refused: ${error.message}`, error));
    else if (word === "moved") lost(batch, "The store was taken over or emptied.");
    else if (wait?.[0]) lost(batch, wait[0].message);
    else {
      if (enough) acked = Math.max(acked, sawSeq(deps.marks, word, rest));
      if (batch.kind === "commit") settleCommit(deps, batch, rest, missing);
      else settleRemoval(deps, batch, String(word), rest, missing);
    }
  }
  // Without replicas the script itself has notified the readers.
  if (acked > 0 && deps.waitReplicas > 0) publishAcked(deps, connection, acked);
  return again;
}

/** The seq of a confirmed answer; 0 for a conflict. */
function sawSeq(marks: HighWaterMarks, word: unknown, [first]: readonly unknown[]): number {
  if (word === "conflict") return 0;
  const seq = Number(first);
  marks.sawSeq(seq);
  marks.sawAcked(seq);
  return seq;
}

/** `missing`: why it is unknown whether the commit will survive. */
function settleCommit(
  deps: WriterDeps,
  { id, appends, nows }: Batch & { kind: "commit" },
  [, first, answers]: readonly unknown[],
  missing: GantryError | undefined,
): void {
  const words = (answers as readonly unknown[]).map(String);
  const outcomes = appends.map((append, at) => {
    const [word, second = "", third] = words.slice(at * 3, at * 3 + 3);
    return { append, conflict: word === "conflict" ? second : undefined, seq: Number(second), third: Number(third) };
  });
  if (!missing) {
    const committed = outcomes
      .filter(({ conflict }) => conflict === undefined)
      .map(({ append: { parts }, seq, third }) => {
        return { op: id, parts, first: seq - countEvents(parts) + 1, seq, micros: third };
      });
    const last = Number(first) + nows.length - 1;
    deps.marks.heardTime(Math.max(last, committed.at(-1)?.micros ?? 0));
    if (committed.length > 0) deps.onCommitted(committed);
    if (nows.length > 0) deps.onTime(last);
  }
  for (const { append, conflict, seq, third } of outcomes) {
    if (conflict !== undefined) append.resolve({ ok: false, conflict, version: third });
    else if (missing) append.reject(missing);
    else append.resolve({ ok: true, seq });
  }
  settleTimes(nows, Number(first), missing);
}

function settleTimes(nows: readonly Now[], first: number, missing: GantryError | undefined): void {
  for (const [at, now] of nows.entries()) {
    if (missing) now.reject(missing);
    else now.resolve(first + at);
  }
}

function settleRemoval(
  deps: WriterDeps,
  { removal }: Batch & { kind: "remove" },
  word: string,
  [first, second]: readonly unknown[],
  missing: GantryError | undefined,
): void {
  if (word === "conflict") removal.resolve({ ok: false, conflict: String(first), version: Number(second) });
  else if (missing) removal.reject(missing);
  else {
    deps.onRemoved(removal.batch.map(({ stream }) => stream));
    removal.resolve({ ok: true, removed: Number(second) });
  }
}

/** Not awaited: if it fails, the watch of every agent finds out within a second. */
function publishAcked({ connections, keys }: WriterDeps, connection: Connection, acked: number): void {
  connection.write.evalsha(shaOf("acked"), 1, keys.meta, acked, keys.news).catch((error: unknown) => {
    connections.drop(connection, textOf(error));
  });
}

function countEvents(parts: readonly PreparedAppend[]): number {
  return parts.reduce((sum, { events }) => sum + events.length, 0);
}

function unknown(problem: string): GantryError {
  return unavailable(`It is unknown whether this was committed: ${problem}. Repeat it with the same key.`);
}
