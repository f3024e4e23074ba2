// Worker threads that wait for jobs. One is always warm, so that a job begins at once; more are started when more jobs
// run at the same time, and end when they have been idle for a while.
//
// Threads and not processes: an order reaches a warm thread in less than a millisecond, a thread costs a third of the
// memory, and it can be ended in the middle of a computation just as well. What they share with the supervisor is the
// process: code that crashes natively takes both down, like every crash of the runner.

import type { Cancel } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { JobExecutor } from "./job-executor.ts";
import { type SuperviseDeps, superviseJob } from "./supervise.ts";
import { startWorkerThread, type WorkerThreadClient } from "./worker-thread-client.ts";

export type WorkerPoolOptions = SuperviseDeps & {
  /** Address of the module whose `STEPS` may be used. */
  readonly steps: string;
  /** What the heap of one thread may grow to. */
  readonly memoryMb: number;
  readonly logger: Logger;
};

const WARM = 1;
const IDLE_MS = 60_000;

type Idle = { readonly thread: WorkerThreadClient; readonly cancel: Cancel };

/** May serve several runners of one process. */
export function openWorkerPool(options: WorkerPoolOptions): JobExecutor {
  const { clock, logger } = options;
  let idle: Idle[] = [];
  let isClosed = false;

  const keep = (thread: WorkerThreadClient): void => {
    const end = (): void => {
      if (idle.length <= WARM) return;
      idle = idle.filter((one) => one.thread !== thread);
      void thread.terminate();
    };
    idle.push({ thread, cancel: clock.after(IDLE_MS, end) });
  };
  /** The one that worked last is the warmest. */
  const take = (): WorkerThreadClient => {
    for (let one = idle.pop(); one; one = idle.pop()) {
      one.cancel();
      if (!one.thread.isDead()) return one.thread;
    }
    return startWorkerThread(options);
  };
  keep(startWorkerThread(options));

  return {
    run: async (order, told, signals) => {
      const thread = take();
      let isReusable = false;
      try {
        await thread.ready;
        const end = await superviseJob(thread, order, told, signals, options);
        isReusable = end.isReusable;
        return end.result;
      } finally {
        if (isReusable && !thread.isDead() && !isClosed) keep(thread);
        else void thread.terminate();
        // The next job shall not wait for the start of a thread.
        if (idle.length < WARM && !isClosed) {
          logger.info({}, "a worker thread is replaced");
          keep(startWorkerThread(options));
        }
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
