// Many questions at the same time become one.

/**
 * Answers by key; undefined where `ask` has none. One `ask` is under way at a time, with at most `most` keys: who comes
 * meanwhile is part of the next one. So what is answered was always asked for after the caller had come. Rejects as
 * `ask` does, all that were part of it. `rest` comes between two questions when the second has callers already: those
 * that were just answered often come again, and are worth a moment.
 */
export function gather<T>(
  { most, rest }: { readonly most: number; readonly rest: () => Promise<void> },
  ask: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): (key: string) => Promise<T | undefined> {
  let next = new Map<string, PromiseWithResolvers<T | undefined>>();
  let isAsking = false;

  const askAll = async (): Promise<void> => {
    isAsking = true;
    while (next.size > 0) {
      const mine = new Map([...next].slice(0, most));
      next = new Map([...next].slice(most));
      try {
        const answers = await ask([...mine.keys()]);
        for (const [key, waiting] of mine) waiting.resolve(answers.get(key));
      } catch (error) {
        for (const waiting of mine.values()) waiting.reject(error);
      }
      if (next.size > 0) await rest();
    }
    isAsking = false;
  };

  return (key) => {
    const waiting = next.get(key) ?? Promise.withResolvers<T | undefined>();
    next.set(key, waiting);
    // At the end of this turn: requests that came together are asked together.
    if (!isAsking && next.size === 1) setImmediate(askAll);
    return waiting.promise;
  };
}
