// Changes. Those that arrive together are made by one script call and share one WAIT for the replicas. Nothing is
// acknowledged before that. Where an answer was lost the same batch is sent again, whole and under the same id, for at most
// a moment: the script makes it once.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { AppendResult, RemoveResult, StreamRemoval } from "../journal.ts";
import type { PreparedAppend } from "../validation.ts";
import { textOf, unavailable } from "./client.ts";
import { type Connection, type Connections, shaOf } from "./connections.ts";
import type { HighWaterMarks } from "./high-water-marks.ts";
import type { Keys } from "./keys.ts";

export type Committed = {
  readonly op: string;
  readonly parts: readonly PreparedAppend[];
  readonly seq: number;
  readonly micros: number;
};

export type Writer = {
  readonly append: (parts: readonly PreparedAppend[]) => Promise<AppendResult>;
  readonly remove: (batch: readonly StreamRemoval[]) => Promise<RemoveResult>;
  readonly now: () => Promise<number>;
  /** A turn is under way, at whose end `onTurnOver` is called. */
  readonly isBusy: () => boolean;
  /** Resolves when nothing waits any more. */
  readonly drain: () => Promise<void>;
};

export type WriterDeps = {
  readonly links: Connections;
  readonly keys: Keys;
  readonly known: HighWaterMarks;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly waitReplicas: number;
  readonly waitMs: number;
  /** What one script call has made, in its order; before any of it is answered. */
  readonly onCommitted: (committed: readonly Committed[]) => void;
  /** Before a removal is answered. */
  readonly onRemoved: (streams: readonly string[]) => void;
  /** Before a time is answered. */
  readonly onTime: (micros: number) => void;
  /** Something may have been confirmed. */
  readonly onTurnOver: () => void;
};

type Append = {
  readonly kind: "append";
  readonly parts: readonly PreparedAppend[];
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
  readonly giveUpAt: number;
};
type Now = Pick<Append, "reject" | "giveUpAt"> & {
  readonly kind: "now";
  readonly resolve: (micros: number) => void;
};
type Remove = Pick<Append, "reject" | "giveUpAt"> & {
  readonly kind: "remove";
  readonly batch: readonly StreamRemoval[];
  readonly resolve: (result: RemoveResult) => void;
};
type Op = Append | Remove | Now;
/** One script call. Never changed after it was sent for the first time: the script knows it by its id. */
type Batch = { readonly id: string; readonly giveUpAt: number } & (
  | { readonly kind: "commit"; readonly appends: readonly Append[]; readonly nows: readonly Now[] }
  | { readonly kind: "remove"; readonly removal: Remove }
);
type Reply = readonly [error: Error | null, answer: unknown];

/** Redis does nothing else during a script: one takes no more than this. */
const MAX_BATCH = 100;
const MAX_BATCH_CHARS = 1_000_000;
/** Batches of one turn; the rest waits for the next. */
const MAX_BATCHES = 5;
/** An operation whose answer was lost is sent again for so long. */
const RETRY_MS = 900;
/** Longer than any operation is sent again, and than clocks differ. */
const REMEMBER_MS = 600_000;
const LOST =
  /closed|writeable|timed out|ECONN|EPIPE|^(READONLY|MOVED|NOSCRIPT|LOADING|MASTERDOWN|CLUSTERDOWN|UNBLOCKED)/i;

export function openWriter(deps: WriterDeps): Writer {
  let queue: Op[] = [];
  let running: Promise<void> | undefined;

  const push = (op: Op): void => {
    queue.push(op);
    running ??= run();
  };

  const run = async (): Promise<void> => {
    // After all requests that the last turn of the loop brought in.
    await new Promise((resolve) => setImmediate(resolve));
    let batches: readonly Batch[] = [];
    while (queue.length > 0 || batches.length > 0) {
      if (batches.length === 0) batches = take();
      batches = await commit(batches);
      deps.onTurnOver();
    }
    running = undefined;
  };

  const take = (): readonly Batch[] => {
    const batches: Batch[] = [];
    let taken = 0;
    while (taken < queue.length && batches.length < MAX_BATCHES) {
      const ops = nextBatch(queue, taken);
      batches.push(makeBatch(deps.newId(), ops));
      taken += ops.length;
    }
    queue = queue.slice(taken);
    return batches;
  };

  /** Settles all but those that are worth sending again. Never rejects. */
  const commit = async (batches: readonly Batch[]): Promise<readonly Batch[]> => {
    try {
      const link = await deps.links.ready();
      const { replies, wait } = await send(deps, link, batches);
      return settle(link, batches, replies, wait);
    } catch (error) {
      const reason = error instanceof GantryError ? error : unavailable(textOf(error), error);
      for (const batch of batches) refuse(batch, reason);
      return [];
    }
  };

  const settle = (
    link: Connection,
    batches: readonly Batch[],
    replies: readonly Reply[],
    wait: Reply | undefined,
  ): readonly Batch[] => {
    const again: Batch[] = [];
    const waited = wait === undefined || wait[0] ? undefined : Number(wait[1]);
    const enough = deps.waitReplicas === 0 || (waited !== undefined && waited >= deps.waitReplicas);
    const missing = enough ? undefined : unknown(`${waited ?? 0} of ${deps.waitReplicas} replicas have confirmed`);
    const lost = (batch: Batch, problem: string): void => {
      deps.links.drop(link, problem);
      if (deps.clock.monotonicMs() < batch.giveUpAt) again.push(batch);
      else refuse(batch, unknown(problem));
    };
    let acked = 0;
    for (const [at, batch] of batches.entries()) {
      const [error, answer] = replies[at] ?? [new Error("no answer"), undefined];
      const [word, ...rest] = Array.isArray(answer) ? answer : [];
      if (error && LOST.test(error.message)) lost(batch, error.message);
      else if (error) refuse(batch, unavailable(`Redis refused: ${error.message}`, error));
      else if (word === "moved") lost(batch, "The store was taken over or emptied.");
      else if (wait?.[0]) lost(batch, wait[0].message);
      else {
        if (enough) acked = Math.max(acked, sawSeq(word, rest));
        if (batch.kind === "commit") settleCommit(batch, rest, missing);
        else settleRemoval(batch.removal, String(word), rest, missing);
      }
    }
    // Without replicas the script has told the readers itself.
    if (acked > 0 && deps.waitReplicas > 0) callOut(link, acked);
    return again;
  };

  /** The seq of an answer, which is confirmed. */
  const sawSeq = (word: unknown, [first]: readonly unknown[]): number => {
    if (word === "conflict") return 0;
    const seq = Number(first);
    deps.known.sawSeq(seq);
    deps.known.sawAcked(seq);
    return seq;
  };

  /** `missing`: why it is not known whether what was made will stay. */
  const settleCommit = (
    { id, appends, nows }: Batch & { kind: "commit" },
    [, first, answers]: readonly unknown[],
    missing: GantryError | undefined,
  ): void => {
    const words = (answers as readonly unknown[]).map(String);
    const outcomes = appends.map((append, at) => {
      const [word, second = "", third] = words.slice(at * 3, at * 3 + 3);
      return { append, conflict: word === "conflict" ? second : undefined, seq: Number(second), third: Number(third) };
    });
    if (!missing) {
      const made = outcomes.filter(({ conflict }) => conflict === undefined);
      const committed = made.map(({ append, seq, third }) => ({ op: id, parts: append.parts, seq, micros: third }));
      const last = Number(first) + nows.length - 1;
      deps.known.heardTime(Math.max(last, committed.at(-1)?.micros ?? 0));
      if (committed.length > 0) deps.onCommitted(committed);
      if (nows.length > 0) deps.onTime(last);
    }
    for (const { append, conflict, seq, third } of outcomes) {
      if (conflict !== undefined) append.resolve({ ok: false, conflict, version: third });
      else if (missing) append.reject(missing);
      else append.resolve({ ok: true, seq });
    }
    for (const [at, now] of nows.entries()) {
      if (missing) now.reject(missing);
      else now.resolve(Number(first) + at);
    }
  };

  const settleRemoval = (
    removal: Remove,
    word: string,
    [first, second]: readonly unknown[],
    missing: GantryError | undefined,
  ): void => {
    if (word === "conflict") removal.resolve({ ok: false, conflict: String(first), version: Number(second) });
    else if (missing) removal.reject(missing);
    else {
      deps.onRemoved(removal.batch.map(({ stream }) => stream));
      removal.resolve({ ok: true, removed: Number(second) });
    }
  };

  /** Not waited for: where it fails, the watch of every agent finds out by itself. */
  const callOut = (link: Connection, acked: number): void => {
    link.write.evalsha(shaOf("acked"), 1, deps.keys.meta, acked, deps.keys.news).catch((error: unknown) => {
      deps.links.drop(link, textOf(error));
    });
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

/** Those from `at` on that fit into one script call, at least one. A removal goes alone. */
function nextBatch(queue: readonly Op[], at: number): readonly Op[] {
  let [end, chars] = [at, 0];
  for (const op of queue.slice(at, at + MAX_BATCH)) {
    if (end > at && (op.kind === "remove" || chars >= MAX_BATCH_CHARS)) break;
    end += 1;
    if (op.kind === "remove") break;
    if (op.kind === "append") chars += op.parts.reduce((sum, part) => sum + charsOf(part), 0);
  }
  return queue.slice(at, end);
}

function charsOf({ snapshot, events }: PreparedAppend): number {
  return events.reduce((sum, event) => sum + event.length, snapshot.length);
}

function makeBatch(id: string, ops: readonly Op[]): Batch {
  const giveUpAt = Math.min(...ops.map((op) => op.giveUpAt));
  const [first] = ops;
  if (first?.kind === "remove") return { kind: "remove", id, giveUpAt, removal: first };
  const appends = ops.filter((op) => op.kind === "append");
  return { kind: "commit", id, giveUpAt, appends, nows: ops.filter((op) => op.kind === "now") };
}

function refuse(batch: Batch, error: GantryError): void {
  const ops = batch.kind === "remove" ? [batch.removal] : [...batch.appends, ...batch.nows];
  for (const op of ops) op.reject(error);
}

async function send(
  deps: WriterDeps,
  link: Connection,
  batches: readonly Batch[],
): Promise<{ replies: readonly Reply[]; wait: Reply | undefined }> {
  const { keys, known, waitReplicas, waitMs } = deps;
  const pipeline = link.write.pipeline();
  for (const batch of batches) {
    const { id } = batch;
    if (batch.kind === "remove") {
      const removals = batch.removal.batch;
      const head = [keys.prefix, link.run, id, REMEMBER_MS, removals.length];
      const args = [...head, ...removals.flatMap(({ stream, expected }) => [stream, expected])];
      pipeline.evalsha(shaOf("remove"), 3, keys.meta, keys.feed, keys.op(id), ...args);
    } else {
      const { appends, nows } = batch;
      const news = waitReplicas > 0 ? "" : keys.news;
      const head = [keys.prefix, link.run, id, known.seq, known.micros, REMEMBER_MS, news, nows.length, appends.length];
      const args = [...head, ...appends.flatMap(({ parts }) => [parts.length, ...parts.flatMap(partArgs)])];
      pipeline.evalsha(shaOf("commit"), 3, keys.meta, keys.feed, keys.op(id), ...args);
    }
  }
  if (waitReplicas > 0) pipeline.call("WAIT", waitReplicas, waitMs);
  const all = ((await pipeline.exec()) ?? []) as Reply[];
  return {
    replies: all,
    wait: waitReplicas > 0 ? (all[batches.length] ?? [new Error("closed"), undefined]) : undefined,
  };
}

export function countEvents(parts: readonly PreparedAppend[]): number {
  return parts.reduce((sum, { events }) => sum + events.length, 0);
}

export function partArgs(part: PreparedAppend): (string | number)[] {
  const { stream, expected, events, snapshot, entries } = part;
  return [
    stream,
    expected,
    events.length,
    ...events,
    snapshot,
    ...entryArgs(entries?.flatMap((e) => [e.index, e.key])),
  ];
}

export function entryArgs(entries: readonly string[] | undefined): (string | number)[] {
  return entries ? [entries.length, ...entries] : [-1];
}

function unknown(problem: string): GantryError {
  return unavailable(`It is not known whether this was committed: ${problem}. Repeat it with the same key.`);
}
