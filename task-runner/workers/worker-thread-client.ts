// One worker thread, as seen by its supervisor.

import { Worker } from "node:worker_threads";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

export type WorkerThreadClient = {
  /** Resolves when the thread accepts jobs; rejects with the reason when it cannot start. */
  readonly ready: Promise<void>;
  readonly post: (message: ToWorker) => void;
  /** Listens to messages and to the death of the thread. The returned function ends this. */
  readonly listen: (listener: ThreadListener) => () => void;
  readonly isDead: () => boolean;
  /** Terminates the thread, whatever it is doing. Returns false when it hangs in the kernel and did not end in time. */
  readonly terminate: () => Promise<boolean>;
};

export type ThreadListener = {
  readonly onMessage: (message: FromWorker) => void;
  /** `problem`: why it died, as a sentence for users. */
  readonly onDeath: (problem: string) => void;
};

export type ThreadOptions = {
  /** URL of the module that exports the `STEPS` of the thread. */
  readonly steps: string;
  /** Heap limit. */
  readonly memoryMb: number;
  readonly clock: Clock;
};

const END_LIMIT_MS = 5_000;
const YOUNG_GENERATION_MB = 4;

export function startWorkerThread({ steps, memoryMb, clock }: ThreadOptions): WorkerThreadClient {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    workerData: { steps },
    // Node lets a full thread grow by 16 MB while it is terminated, and ends the whole process if that is not enough.
    // Objects that survive a collection of the young generation are added at once, so the young generation must be small.
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  // The owner of the thread lives longer than the thread.
  worker.unref();
  const ready = Promise.withResolvers<void>();
  // The caller that takes the thread handles the failure; an idle thread has no caller when it dies.
  ready.promise.catch(() => {});
  const deathListeners = new Set<ThreadListener["onDeath"]>();
  let isDead = false;
  let problem = "The worker thread ended unexpectedly.";

  // The first message of a thread is `ready`.
  worker.once("message", () => ready.resolve());
  worker.on("error", (error: NodeJS.ErrnoException) => {
    problem = problemOf(error, memoryMb);
  });
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", () => {
      isDead = true;
      ready.reject(new Error(problem));
      resolve();
      for (const onDeath of deathListeners) onDeath(problem);
    });
  });

  return {
    ready: ready.promise,
    post: (message) => worker.postMessage(message),
    listen: ({ onMessage, onDeath }) => {
      worker.on("message", onMessage);
      deathListeners.add(onDeath);
      return () => {
        worker.off("message", onMessage);
        deathListeners.delete(onDeath);
      };
    },
    isDead: () => isDead,
    terminate: async () => {
      const late = Promise.withResolvers<void>();
      const cancel = clock.after(END_LIMIT_MS, late.resolve);
      // It resolves with the exit code; only the end itself matters here.
      worker.terminate().then(undefined, () => {});
      await Promise.race([ended, late.promise]);
      cancel();
      return isDead;
    },
  };
}

function problemOf(error: NodeJS.ErrnoException, memoryMb: number): string {
  return error.code === "ERR_WORKER_OUT_OF_MEMORY"
    ? `The steps of the job used more than ${memoryMb} MB of memory in the runner.`
    : `The worker thread crashed (${error.code ?? error.name}).`;
}
