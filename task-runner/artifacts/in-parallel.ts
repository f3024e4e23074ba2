// Does a few things at a time.

const AT_ONCE = 4;

/** Rejects with the first error; then no further work is begun. */
export async function inParallel<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]();
  let hasFailed = false;
  const worker = async (): Promise<void> => {
    for (let next = left.next(); !next.done && !hasFailed; next = left.next()) await work(next.value);
  };
  const guarded = (): Promise<void> =>
    worker().catch((error: unknown) => {
      hasFailed = true;
      throw error;
    });
  await Promise.all(Array.from({ length: AT_ONCE }, guarded));
}
