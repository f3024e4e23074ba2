// The cache of API responses: one signal per address, shared by all views, read again when an event changes it.

import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { problemFrom, read } from "./api.ts";

export type Resource<T> = {
  /** The newest response. It stays while a newer one is read, so that the page does not flicker. */
  readonly data: ReadonlySignal<T | undefined>;
  /** Why the last read failed. */
  readonly problem: ReadonlySignal<ProblemBody | undefined>;
  readonly reload: () => void;
};

/** How events change a resource. */
export type Subscription<T> = {
  /** Whether the resource must be read again after this event. */
  readonly reloadOn?: (event: FeedEvent) => boolean;
  /** Applies the data in the event itself, before the new response arrives. */
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

/** The most responses in the cache. Responses that no view uses are kept for back navigation. */
const MAX_ENTRIES = 60;
/** Events that arrive within this time cause one read. */
const SETTLE_MS = 80;
/** The shortest time between two reads of one resource. The data in an event itself is shown sooner. */
const MIN_INTERVAL_MS = 400;
const entries = new Map<string, Entry>();

/** The response to a GET, shared by all views that use it. With `undefined` as the path nothing is read. */
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

/** Stores data that arrived another way, for example in the response to a POST. */
export function put(path: string, data: unknown): void {
  entryOf(path).data.value = data;
}

/** An event of the feed arrived. */
export function onEvent(event: FeedEvent): void {
  for (const entry of entries.values()) {
    for (const { reloadOn, patch } of entry.listening) {
      if (patch && entry.data.value !== undefined) entry.data.value = patch(entry.data.value, event);
      if (reloadOn?.(event)) schedule(entry);
    }
  }
}

/** For missed events: reads everything that a view shows again. */
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
    if (entries.size < MAX_ENTRIES) break;
    // An entry that was never read belongs to a view that is being created right now.
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
  const wait = Math.max(SETTLE_MS, entry.readAt + MIN_INTERVAL_MS - performance.now());
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
