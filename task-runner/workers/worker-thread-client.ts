// One worker thread, as the supervisor has it in hand.

import { Worker } from "node:worker_threads";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

export type WorkerThreadClient = {
  /** Resolves when it can take orders; rejects with why it cannot. */
  readonly ready: Promise<void>;
  readonly post: (message: ToWorker) => void;
  /** Who hears of what it says and of its death, in words for people; one at a time. */
  readonly listen: (listener: ThreadListener | undefined) => void;
  readonly isDead: () => boolean;
  /** Ends it in the middle of whatever it does. false: it hangs in the kernel and could not be ended in time. */
  readonly terminate: () => Promise<boolean>;
};

export type ThreadListener = {
  readonly onMessage: (message: FromWorker) => void;
  readonly onDeath: (problem: string) => void;
};

const END_LIMIT_MS = 5_000;
const YOUNG_MB = 4;

/** `steps`: address of the module whose `STEPS` the thread knows. `memoryMb`: what its heap may grow to. */
export function startWorkerThread({
  steps,
  memoryMb,
  clock,
}: {
  steps: string;
  memoryMb: number;
  clock: Clock;
}): WorkerThreadClient {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    workerData: { steps },
    // Node lets a full thread grow by 16 MB while it is ended, and ends the whole process where that is not enough. What
    // survives a collection of the young generation comes on top at once, so that must be small.
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: YOUNG_MB },
  });
  // Whoever owns the thread lives longer than it.
  worker.unref();
  const ready = Promise.withResolvers<void>();
  // Whoever takes the thread sees the failure; it may be idle when it dies.
  ready.promise.catch(() => {});
  let listener: ThreadListener | undefined;
  let isDead = false;
  let problem = "The worker thread ended by itself.";

  worker.on("message", (message: FromWorker) => {
    if (message.k === "ready") ready.resolve();
    else listener?.onMessage(message);
  });
  worker.on("error", (error: NodeJS.ErrnoException) => {
    const isFull = error.code === "ERR_WORKER_OUT_OF_MEMORY";
    problem = isFull
      ? `The steps of the job used more than ${memoryMb} MB of memory in the runner.`
      : `The worker thread crashed (${error.code ?? error.name}).`;
  });
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", () => {
      isDead = true;
      ready.reject(new Error(problem));
      resolve();
      listener?.onDeath(problem);
    });
  });

  return {
    ready: ready.promise,
    post: (message) => worker.postMessage(message),
    listen: (one) => {
      listener = one;
    },
    isDead: () => isDead,
    terminate: async () => {
      const late = Promise.withResolvers<void>();
      const cancel = clock.after(END_LIMIT_MS, late.resolve);
      // What it answers is the exit code; that it has ended is what counts.
      worker.terminate().then(undefined, () => {});
      await Promise.race([ended, late.promise]);
      cancel();
      return isDead;
    },
  };
}
