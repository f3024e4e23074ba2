// A pool of worker threads. One idle thread is always kept warm, so that a job starts at once. More threads are started
// when more jobs run at the same time, and they end after they have been idle for a while.
//
// Threads instead of processes: a request reaches a warm thread in less than a millisecond, a thread needs a third of the
// memory, and it can be terminated in the middle of a computation just as well. Worker and supervisor share the process: a
// native crash ends both, like every crash of the runner.

import type { Cancel } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { JobExecutor } from "./job-executor.ts";
import { type SuperviseDeps, superviseJob } from "./supervise.ts";
import { startWorkerThread, type WorkerThreadClient } from "./worker-thread-client.ts";

export type WorkerPoolOptions = SuperviseDeps & {
  /** URL of the module that exports the `STEPS` that may be used. */
  readonly steps: string;
  /** Heap limit of one thread. */
  readonly memoryMb: number;
  readonly logger: Logger;
};

const MIN_IDLE = 1;
const IDLE_MS = 60_000;

type Idle = { readonly thread: WorkerThreadClient; readonly cancel: Cancel };

/** The pool may serve several runners of one process. */
export function openWorkerPool(options: WorkerPoolOptions): JobExecutor {
  const { clock, logger } = options;
  let idle: Idle[] = [];
  let isClosed = false;

  const keepIdle = (thread: WorkerThreadClient): void => {
    const end = (): void => {
      if (idle.length <= MIN_IDLE) return;
      idle = idle.filter((one) => one.thread !== thread);
      void thread.terminate();
    };
    idle.push({ thread, cancel: clock.after(IDLE_MS, end) });
  };
  /** The thread that was used last is the warmest. */
  const take = (): WorkerThreadClient => {
    for (let one = idle.pop(); one; one = idle.pop()) {
      one.cancel();
      if (!one.thread.isDead()) return one.thread;
    }
    return startWorkerThread(options);
  };
  const release = (thread: WorkerThreadClient, isReusable: boolean): void => {
    if (isReusable && !thread.isDead() && !isClosed) keepIdle(thread);
    else void thread.terminate();
    // The next job should not wait for a thread to start.
    if (idle.length < MIN_IDLE && !isClosed) {
      logger.info({}, "starting a worker thread as a replacement");
      keepIdle(startWorkerThread(options));
    }
  };
  keepIdle(startWorkerThread(options));

  return {
    run: async (request, control) => {
      const thread = take();
      let isReusable = false;
      try {
        await thread.ready;
        const supervised = await superviseJob(thread, request, control, options);
        isReusable = supervised.isReusable;
        return supervised.result;
      } finally {
        release(thread, isReusable);
      }
    },
    close: async () => {
      isClosed = true;
      const threads = idle.splice(0);
      for (const { cancel } of threads) cancel();
      await Promise.all(threads.map(({ thread }) => thread.terminate()));
    },
  };
}
