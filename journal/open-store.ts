// Turns a store into a Journal: what every adapter does before it touches its store. Arguments are checked, batches are
// prepared, and a closed journal refuses every call.

import type {
  AppendOptions,
  AppendResult,
  FeedQuery,
  IndexPage,
  IndexQuery,
  Journal,
  JournalEvent,
  Loaded,
  RemoveResult,
  StreamRemoval,
} from "./journal.ts";
import {
  checkCount,
  checkIndex,
  checkStream,
  closedError,
  type PreparedAppend,
  prepareBatch,
  prepareRemoval,
} from "./validation.ts";

type Answer<T> = T | Promise<T>;

/** What an adapter brings. Its arguments have been checked; it means the same as in Journal. */
export type Store = {
  readonly append: (parts: readonly PreparedAppend[], options?: AppendOptions) => Answer<AppendResult>;
  readonly remove: (batch: readonly StreamRemoval[]) => Answer<RemoveResult>;
  readonly load: (stream: string) => Answer<Loaded | undefined>;
  readonly events: (stream: string, afterVersion: number, limit: number) => Answer<readonly JournalEvent[]>;
  readonly find: (query: IndexQuery) => Answer<IndexPage>;
  readonly feed: (query: FeedQuery) => Answer<readonly JournalEvent[]>;
  readonly now: (options: { readonly recent: boolean }) => Answer<number>;
  readonly check: () => Answer<void>;
  /** Called once. No call begins after it; feeds that wait must end. */
  readonly close: () => Answer<void>;
};

/** `open` gets a function that says whether the journal has been closed. */
export function openStore(declared: readonly string[], open: (isClosed: () => boolean) => Store): Journal {
  const indexes = new Set(declared);
  let closed = false;
  const store = open(() => closed);
  const assertOpen = (): void => {
    if (closed) throw closedError();
  };

  return {
    append: async (batch, options) => {
      assertOpen();
      return store.append(prepareBatch(batch, indexes), options);
    },

    remove: async (batch) => {
      assertOpen();
      return store.remove(prepareRemoval(batch));
    },

    load: async (stream) => {
      assertOpen();
      checkStream(stream);
      return store.load(stream);
    },

    events: async (stream, afterVersion, limit) => {
      assertOpen();
      checkStream(stream);
      checkCount("afterVersion", afterVersion);
      checkCount("limit", limit);
      return store.events(stream, afterVersion, limit);
    },

    find: async (query) => {
      assertOpen();
      checkIndex(query.index, indexes);
      checkCount("limit", query.limit);
      return store.find(query);
    },

    feed: async (query) => {
      assertOpen();
      checkCount("after", query.after);
      checkCount("limit", query.limit);
      return store.feed(query);
    },

    now: async (options = { recent: false }) => {
      assertOpen();
      return store.now(options);
    },

    check: async () => {
      assertOpen();
      return store.check();
    },

    close: async () => {
      if (closed) return;
      closed = true;
      await store.close();
    },
  };
}
