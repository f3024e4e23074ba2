// Changes. Those that arrive together go to Redis together and share one WAIT for the replicas. Nothing is acknowledged
// before that. Where an answer was lost the same operation is sent again, under the same id, for at most a moment: the
// script makes it once.

import { GantryError } from "@gantry/core/errors.ts";
import type { PreparedAppend } from "../checks.ts";
import type { Clock } from "../clock.ts";
import type { AppendResult, RemoveResult, StreamRemoval } from "../journal.ts";
import { textOf, unavailable } from "./client.ts";
import type { Keys } from "./keys.ts";
import type { Known } from "./known.ts";
import { type Link, type Links, shaOf } from "./links.ts";

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
  /** Resolves when nothing waits any more. */
  readonly drain: () => Promise<void>;
};

export type WriterDeps = {
  readonly links: Links;
  readonly keys: Keys;
  readonly known: Known;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly waitReplicas: number;
  readonly waitMs: number;
  /** Before an append is answered. */
  readonly onCommitted: (committed: Committed) => void;
  /** Before a removal is answered. */
  readonly onRemoved: (streams: readonly string[]) => void;
  /** Before a time is answered. */
  readonly onTime: (micros: number) => void;
  readonly onAcked: () => void;
};

type Append = {
  readonly kind: "append";
  readonly id: string;
  readonly parts: readonly PreparedAppend[];
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
  readonly giveUpAt: number;
};
type Now = Pick<Append, "reject" | "giveUpAt"> & {
  readonly kind: "now";
  readonly resolve: (micros: number) => void;
};
type Remove = Pick<Append, "id" | "reject" | "giveUpAt"> & {
  readonly kind: "remove";
  readonly batch: readonly StreamRemoval[];
  readonly resolve: (result: RemoveResult) => void;
};
type Op = Append | Remove | Now;
type Reply = readonly [error: Error | null, answer: unknown];

/** One turn takes no more than this; the rest waits for the next. */
const MAX_GROUP = 500;
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
    while (queue.length > 0) {
      const group = queue.slice(0, MAX_GROUP);
      queue = queue.slice(MAX_GROUP);
      const again = await commit(group);
      queue = [...again, ...queue];
    }
    running = undefined;
  };

  /** Settles all but those that are worth sending again. Never rejects. */
  const commit = async (group: readonly Op[]): Promise<readonly Op[]> => {
    try {
      const link = await deps.links.ready();
      const { replies, wait } = await send(deps, link, group);
      return settle(link, group, replies, wait);
    } catch (error) {
      const reason = error instanceof GantryError ? error : unavailable(textOf(error), error);
      for (const op of group) op.reject(reason);
      return [];
    }
  };

  const settle = (link: Link, group: readonly Op[], replies: readonly Reply[], wait: Reply | undefined): Op[] => {
    const again: Op[] = [];
    const waited = wait === undefined || wait[0] ? undefined : Number(wait[1]);
    const enough = deps.waitReplicas === 0 || (waited !== undefined && waited >= deps.waitReplicas);
    const lost = (op: Op, problem: string): void => {
      deps.links.drop(link, problem);
      if (deps.clock.monotonicMs() < op.giveUpAt) again.push(op);
      else op.reject(unknown(problem));
    };
    let acked = 0;
    for (const [at, op] of group.entries()) {
      const [error, answer] = replies[at] ?? [new Error("no answer"), undefined];
      const [word, ...rest] = Array.isArray(answer) ? answer.map(String) : [];
      if (error && LOST.test(error.message)) lost(op, error.message);
      else if (error) op.reject(unavailable(`Redis refused: ${error.message}`, error));
      else if (word === "moved") lost(op, "The store was taken over or emptied.");
      else if (word === "conflict" && op.kind !== "now")
        op.resolve({ ok: false, conflict: String(rest[0]), version: Number(rest[1]) });
      else if (wait?.[0]) lost(op, wait[0].message);
      else if (!enough) op.reject(unknown(`${waited ?? 0} of ${deps.waitReplicas} replicas have confirmed`));
      else {
        const seq = Number(rest[0]);
        acked = Math.max(acked, seq);
        deps.known.sawSeq(seq);
        deps.known.sawAcked(seq);
        done(op, seq, Number(rest[1]));
      }
    }
    if (acked > 0) callOut(link, acked);
    return again;
  };

  /** `second`: what the script answers besides the seq. */
  const done = (op: Op, seq: number, second: number): void => {
    if (op.kind === "remove") {
      deps.onRemoved(op.batch.map(({ stream }) => stream));
      op.resolve({ ok: true, removed: second });
      return;
    }
    deps.known.sawTime(second);
    if (op.kind === "now") {
      deps.onTime(second);
      op.resolve(second);
    } else {
      deps.onCommitted({ op: op.id, parts: op.parts, seq, micros: second });
      op.resolve({ ok: true, seq });
    }
  };

  /** Not waited for: where it fails, the watch of every agent finds out by itself. */
  const callOut = (link: Link, acked: number): void => {
    link.write.evalsha(shaOf("acked"), 1, deps.keys.meta, acked, deps.keys.news).catch((error: unknown) => {
      deps.links.drop(link, textOf(error));
    });
    deps.onAcked();
  };

  const giveUpAt = (): number => deps.clock.monotonicMs() + RETRY_MS;
  return {
    append: (parts) =>
      new Promise((resolve, reject) => {
        push({ kind: "append", id: deps.newId(), parts, resolve, reject, giveUpAt: giveUpAt() });
      }),
    remove: (batch) =>
      new Promise((resolve, reject) => {
        push({ kind: "remove", id: deps.newId(), batch, resolve, reject, giveUpAt: giveUpAt() });
      }),
    now: () =>
      new Promise((resolve, reject) => {
        push({ kind: "now", resolve, reject, giveUpAt: giveUpAt() });
      }),
    drain: async () => {
      while (running) await running;
    },
  };
}

async function send(
  deps: WriterDeps,
  link: Link,
  group: readonly Op[],
): Promise<{ replies: readonly Reply[]; wait: Reply | undefined }> {
  const { keys, known } = deps;
  const pipeline = link.write.pipeline();
  for (const op of group) {
    if (op.kind === "now") pipeline.evalsha(shaOf("now"), 1, keys.meta, link.run, known.micros);
    else if (op.kind === "remove") {
      const head = [keys.prefix, link.run, op.id, REMEMBER_MS, op.batch.length];
      const args = [...head, ...op.batch.flatMap(({ stream, expected }) => [stream, expected])];
      pipeline.evalsha(shaOf("remove"), 3, keys.meta, keys.feed, keys.op(op.id), ...args);
    } else {
      const head = [keys.prefix, link.run, op.id, known.seq, known.micros, REMEMBER_MS, op.parts.length];
      const args = [...head, ...op.parts.flatMap(partArgs)];
      pipeline.evalsha(shaOf("append"), 3, keys.meta, keys.feed, keys.op(op.id), ...args);
    }
  }
  if (deps.waitReplicas > 0) pipeline.call("WAIT", deps.waitReplicas, deps.waitMs);
  const all = ((await pipeline.exec()) ?? []) as Reply[];
  return {
    replies: all,
    wait: deps.waitReplicas > 0 ? (all[group.length] ?? [new Error("closed"), undefined]) : undefined,
  };
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
