// What the page knows: answers of the API by address, each a signal, read again when an event concerns it.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { problemFrom, read } from "./api.ts";

export type Resource<T> = {
  /** The newest answer; kept while a newer one is read, so that nothing flickers. */
  readonly data: ReadonlySignal<T | undefined>;
  /** Why it could not be read the last time. */
  readonly problem: ReadonlySignal<ProblemBody | undefined>;
  readonly reload: () => void;
};

/** How events concern a resource. */
export type Subscription<T> = {
  /** Is it another answer after this event? */
  readonly on?: (event: FeedEvent) => boolean;
  /** What is known of the new answer already. */
  readonly patch?: (data: T, event: FeedEvent) => T;
};

type Entry = {
  readonly path: string;
  readonly data: Signal<unknown>;
  readonly problem: Signal<ProblemBody | undefined>;
  readonly listening: Set<Subscription<unknown>>;
  timer: ReturnType<typeof setTimeout> | undefined;
  isReading: boolean;
  isStale: boolean;
  readAt: number;
};

/** Answers that nobody looks at are kept for going back, up to this many. */
const KEEP = 60;
/** Events of one frame, and of this many milliseconds, cause one reading. */
const SETTLE_MS = 80;
/** One answer is read again at most this often; what an event says by itself is shown before that. */
const GAP_MS = 400;
const entries = new Map<string, Entry>();

/** The answer of a GET, shared by all that look at it. `undefined` as the path: nothing is read. */
export function useResource<T>(path: string | undefined, listening: Subscription<T> = {}): Resource<T> {
  const entry = useMemo(() => entryOf(path ?? ""), [path]);
  useEffect(() => {
    if (path === undefined) return;
    const ours = listening as Subscription<unknown>;
    entry.listening.add(ours);
    if (performance.now() - entry.readAt > 1_000) refresh(entry);
    return () => void entry.listening.delete(ours);
  }, [path]);
  return {
    data: entry.data as Signal<T | undefined>,
    problem: entry.problem,
    reload: () => refresh(entry),
  };
}

/** Puts an answer in place that came another way, e.g. with the answer to a wish. */
export function put(path: string, data: unknown): void {
  entryOf(path).data.value = data;
}

/** An event of the feed arrived. */
export function onEvent(event: FeedEvent): void {
  for (const entry of entries.values()) {
    for (const { on, patch } of entry.listening) {
      if (patch && entry.data.value !== undefined) entry.data.value = patch(entry.data.value, event);
      if (on?.(event)) schedule(entry);
    }
  }
}

/** Too much was missed, or nothing was heard for a while: everything in view is read again. */
export function onReset(): void {
  for (const entry of entries.values()) {
    if (entry.listening.size > 0) schedule(entry);
    else entry.readAt = Number.NEGATIVE_INFINITY;
  }
}

function entryOf(path: string): Entry {
  const found = entries.get(path);
  if (found) return found;
  for (const [old, { listening, readAt }] of entries) {
    if (entries.size < KEEP) break;
    // What was never read belongs to a view that is just being made.
    if (listening.size === 0 && Number.isFinite(readAt)) entries.delete(old);
  }
  const entry: Entry = {
    path,
    data: signal(undefined),
    problem: signal(undefined),
    listening: new Set(),
    timer: undefined,
    isReading: false,
    isStale: false,
    readAt: Number.NEGATIVE_INFINITY,
  };
  entries.set(path, entry);
  return entry;
}

function schedule(entry: Entry): void {
  if (entry.timer !== undefined) return;
  const wait = Math.max(SETTLE_MS, entry.readAt + GAP_MS - performance.now());
  entry.timer = setTimeout(() => {
    entry.timer = undefined;
    refresh(entry);
  }, wait);
}

function refresh(entry: Entry): void {
  if (entry.isReading) {
    entry.isStale = true;
    return;
  }
  entry.isReading = true;
  read<unknown>(entry.path)
    .then(
      (data) => {
        entry.data.value = data;
        entry.problem.value = undefined;
      },
      (error: unknown) => {
        entry.problem.value = problemFrom(error);
      },
    )
    .finally(() => {
      entry.isReading = false;
      entry.readAt = performance.now();
      if (!entry.isStale) return;
      entry.isStale = false;
      schedule(entry);
    });
}
