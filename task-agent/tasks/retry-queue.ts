// Work that must eventually succeed: failed work is retried at every tick.

export type RetryQueue = {
  /** Runs the work now. If it fails, the error is reported and `retry` runs the work again. Never rejects. */
  readonly run: (name: string, work: () => Promise<void>) => Promise<void>;
  /** Starts all failed work again, without waiting for it. */
  readonly retry: () => void;
};

/** `onError` must not throw. Failed work of the same name replaces older failed work. */
export function openRetryQueue(onError: (error: unknown, name: string) => void): RetryQueue {
  const failed = new Map<string, () => Promise<void>>();
  const run = async (name: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      failed.set(name, work);
      onError(error, name);
    }
  };
  return {
    run,
    retry: () => {
      for (const [name, work] of failed) {
        failed.delete(name);
        void run(name, work);
      }
    },
  };
}
