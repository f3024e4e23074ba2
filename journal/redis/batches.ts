// Which queued operations go into one script call, and how a call is sent.

import type { GantryError } from "@gantry/core/errors.ts";
import type { AppendResult, RemoveResult, StreamRemoval } from "../journal.ts";
import type { PreparedAppend } from "../validation.ts";
import { type Connection, shaOf } from "./connection.ts";
import type { HighWaterMarks } from "./high-water-marks.ts";
import type { Keys } from "./keys.ts";

type Settle<T> = {
  readonly resolve: (result: T) => void;
  readonly reject: (error: unknown) => void;
  /** Monotonic ms; after this an operation whose answer was lost is not sent again. */
  readonly giveUpAt: number;
};
export type Append = Settle<AppendResult> & { readonly kind: "append"; readonly parts: readonly PreparedAppend[] };
export type Now = Settle<number> & { readonly kind: "now" };
export type Remove = Settle<RemoveResult> & { readonly kind: "remove"; readonly batch: readonly StreamRemoval[] };
export type Operation = Append | Remove | Now;

/** One script call. Never changed after it was first sent: the script knows it by its id. */
export type Batch = { readonly id: string; readonly giveUpAt: number } & (
  | { readonly kind: "commit"; readonly appends: readonly Append[]; readonly nows: readonly Now[] }
  | { readonly kind: "remove"; readonly removal: Remove }
);
export type Reply = readonly [error: Error | null, answer: unknown];

/** Redis does nothing else during a script, so one call takes no more than this. */
const MAX_BATCH = 100;
const MAX_BATCH_CHARS = 1_000_000;
/** Batches of one turn; the rest waits for the next. */
const MAX_BATCHES = 5;
/** How long the script remembers an operation, ms: longer than any is retried, and longer than clocks differ. */
const REMEMBER_MS = 600_000;

/** The batches of the next turn, and what is left for later turns. */
export function takeBatches(
  queue: readonly Operation[],
  newId: () => string,
): { readonly batches: readonly Batch[]; readonly rest: Operation[] } {
  const batches: Batch[] = [];
  let taken = 0;
  while (taken < queue.length && batches.length < MAX_BATCHES) {
    const operations = nextBatch(queue, taken);
    batches.push(makeBatch(newId(), operations));
    taken += operations.length;
  }
  return { batches, rest: queue.slice(taken) };
}

export function refuseBatch(batch: Batch, error: GantryError): void {
  const operations = batch.kind === "remove" ? [batch.removal] : [...batch.appends, ...batch.nows];
  for (const operation of operations) operation.reject(error);
}

export type SendDeps = {
  readonly keys: Keys;
  readonly marks: Pick<HighWaterMarks, "seq" | "micros">;
  readonly waitReplicas: number;
  readonly waitMs: number;
};

/** `wait`: the answer of WAIT; undefined when no replica has to confirm. */
export async function sendBatches(
  { keys, marks, waitReplicas, waitMs }: SendDeps,
  connection: Connection,
  batches: readonly Batch[],
): Promise<{ readonly replies: readonly Reply[]; readonly wait: Reply | undefined }> {
  const pipeline = connection.write.pipeline();
  for (const batch of batches) {
    const { id } = batch;
    if (batch.kind === "remove") {
      const removals = batch.removal.batch;
      const head = [keys.prefix, connection.run, id, REMEMBER_MS, removals.length];
      const args = [...head, ...removals.flatMap(({ stream, expected }) => [stream, expected])];
      pipeline.evalsha(shaOf("remove"), 3, keys.meta, keys.feed, keys.op(id), ...args);
    } else {
      const { appends, nows } = batch;
      const news = waitReplicas > 0 ? "" : keys.news;
      const known = [marks.seq, marks.micros];
      const head = [keys.prefix, connection.run, id, ...known, REMEMBER_MS, news, nows.length, appends.length];
      const args = [...head, ...appends.flatMap(({ parts }) => [parts.length, ...parts.flatMap(partArgs)])];
      pipeline.evalsha(shaOf("commit"), 3, keys.meta, keys.feed, keys.op(id), ...args);
    }
  }
  if (waitReplicas > 0) pipeline.call("WAIT", waitReplicas, waitMs);
  const replies = ((await pipeline.exec()) ?? []) as Reply[];
  const wait = waitReplicas > 0 ? (replies[batches.length] ?? [new Error("closed"), undefined]) : undefined;
  return { replies, wait: wait as Reply | undefined };
}

/** Index entries as a script reads them: their number and texts, or -1 when they stay as they are. */
export function entryArgs(entries: readonly string[] | undefined): (string | number)[] {
  return entries ? [entries.length, ...entries] : [-1];
}

/** The operations from `at` on that fit into one script call, at least one. A removal goes alone. */
function nextBatch(queue: readonly Operation[], at: number): readonly Operation[] {
  let [end, chars] = [at, 0];
  for (const operation of queue.slice(at, at + MAX_BATCH)) {
    if (end > at && (operation.kind === "remove" || chars >= MAX_BATCH_CHARS)) break;
    end += 1;
    if (operation.kind === "remove") break;
    if (operation.kind === "append") chars += operation.parts.reduce((sum, part) => sum + charsOf(part), 0);
  }
  return queue.slice(at, end);
}

function charsOf({ snapshot, events }: PreparedAppend): number {
  return events.reduce((sum, event) => sum + event.length, snapshot.length);
}

function makeBatch(id: string, operations: readonly Operation[]): Batch {
  const giveUpAt = Math.min(...operations.map((one) => one.giveUpAt));
  const [first] = operations;
  if (first?.kind === "remove") return { kind: "remove", id, giveUpAt, removal: first };
  const appends = operations.filter((one) => one.kind === "append");
  return { kind: "commit", id, giveUpAt, appends, nows: operations.filter((one) => one.kind === "now") };
}

function partArgs({ stream, expected, events, snapshot, entries }: PreparedAppend): (string | number)[] {
  const listed = entryArgs(entries?.flatMap(({ index, key }) => [index, key]));
  return [stream, expected, events.length, ...events, snapshot, ...listed];
}
