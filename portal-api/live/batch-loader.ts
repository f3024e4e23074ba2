// Loads many keys that are requested at the same time with one call.

export type BatchOptions = {
  /** The most keys in one call. */
  readonly maxKeys: number;
  /**
   * Awaited between two calls when callers wait for the second one already. Callers that were just answered often ask
   * again at once: a short pause lets them be part of the next call.
   */
  readonly pauseBetween: () => Promise<void>;
};

/**
 * The returned function resolves to the value of a key; undefined when `load` has none. At most one `load` runs at a time.
 * A caller that comes while it runs is part of the next one, so a value is never older than the call that asked for it.
 * Rejects as `load` does, for every caller of that call.
 */
export function batchLoader<T>(
  { maxKeys, pauseBetween }: BatchOptions,
  load: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): (key: string) => Promise<T | undefined> {
  let waiting = new Map<string, PromiseWithResolvers<T | undefined>>();
  let isLoading = false;

  const loadAll = async (): Promise<void> => {
    isLoading = true;
    while (waiting.size > 0) {
      const batch = new Map([...waiting].slice(0, maxKeys));
      waiting = new Map([...waiting].slice(maxKeys));
      try {
        const values = await load([...batch.keys()]);
        for (const [key, caller] of batch) caller.resolve(values.get(key));
      } catch (error) {
        for (const caller of batch.values()) caller.reject(error);
      }
      if (waiting.size > 0) await pauseBetween();
    }
    isLoading = false;
  };

  return (key) => {
    const caller = waiting.get(key) ?? Promise.withResolvers<T | undefined>();
    waiting.set(key, caller);
    // At the end of this turn of the event loop, so that requests of the same turn share a call.
    if (!isLoading && waiting.size === 1) setImmediate(loadAll);
    return caller.promise;
  };
}
