// Runs many seeds on several threads. A thread takes the next seed when it has finished one.

import { Worker } from "node:worker_threads";
import type { SeedResult } from "./run-seed.ts";

export type ManyOptions = {
  readonly first: number;
  readonly seeds: number;
  readonly workers: number;
  readonly stopAtFailure?: boolean;
  readonly theme?: string | undefined;
  /** No new seed is started after this many milliseconds. */
  readonly limitMs?: number;
  readonly onResult?: (result: SeedResult) => void;
};
export type Summary = {
  readonly ran: number;
  readonly failed: number;
  readonly tasks: number;
  readonly jobs: number;
  readonly simulatedMs: number;
  readonly failures: readonly SeedResult[];
};

/** Nearly all objects here are short-lived, so a large young generation saves collections. */
const LIMITS = { maxYoungGenerationSizeMb: 64 };

/** Rejects when a thread dies, which is a bug of the simulator itself. */
export async function runSeeds(options: ManyOptions): Promise<Summary> {
  const { first, seeds, workers, stopAtFailure = false, limitMs = Number.POSITIVE_INFINITY, onResult } = options;
  const started = performance.now();
  const results: SeedResult[] = [];
  const failures: SeedResult[] = [];
  let next = first;
  const take = (): number | undefined => {
    const isOver = next >= first + seeds || performance.now() - started > limitMs;
    return isOver || (stopAtFailure && failures.length > 0) ? undefined : next++;
  };
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("./worker.ts", import.meta.url), {
        resourceLimits: LIMITS,
        workerData: { theme: options.theme },
      });
      const give = (): void => {
        const seed = take();
        if (seed === undefined) worker.terminate().then(() => resolve(), reject);
        else worker.postMessage(seed);
      };
      worker.on("message", (result: SeedResult) => {
        results.push(result);
        if (result.violations.length > 0) failures.push(result);
        onResult?.(result);
        give();
      });
      worker.on("error", reject);
      give();
    });
  await Promise.all(Array.from({ length: Math.max(1, workers) }, work));
  const sum = (of: (result: SeedResult) => number): number => results.reduce((all, one) => all + of(one), 0);
  return {
    ran: results.length,
    failed: failures.length,
    tasks: sum(({ tasks }) => tasks),
    jobs: sum(({ jobs }) => jobs),
    simulatedMs: sum(({ simulatedMs }) => simulatedMs),
    failures,
  };
}
