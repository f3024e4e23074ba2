// Runs work one after the other, per key.

/**
 * Starts `work` when all earlier work for this key has ended, successfully or not. Resolves or rejects as `work` does.
 * `queues` holds only keys with work in progress.
 */
export async function serialize<T>(
  queues: Map<string, Promise<unknown>>,
  key: string,
  work: () => Promise<T>,
): Promise<T> {
  const before = queues.get(key) ?? Promise.resolve();
  const current = before.then(work, work);
  queues.set(key, current);
  try {
    return await current;
  } finally {
    if (queues.get(key) === current) queues.delete(key);
  }
}
