// Repeats work with several workers at once and counts it.

import { cpuMicros } from "./cpu.ts";

export type Loaded = {
  readonly perSecond: number;
  readonly times: readonly number[];
  /** CPU time of the process `pid` per unit of work, microseconds; NaN without a pid. */
  readonly cpu: number;
};

/** Each of `workers` repeats `work` for `seconds`, after `warmUp` seconds that do not count. `times` are in ms. */
export async function load(
  {
    workers,
    seconds,
    warmUp = 1,
    pid,
  }: { readonly workers: number; readonly seconds: number; readonly warmUp?: number; readonly pid?: number },
  work: (worker: number, n: number) => Promise<unknown>,
): Promise<Loaded> {
  const from = performance.now() + warmUp * 1_000;
  const until = from + seconds * 1_000;
  const times: number[] = [];
  const cpuNow = (): number => (pid === undefined ? Number.NaN : cpuMicros(pid));
  let cpuBefore: number | undefined;
  const one = async (worker: number): Promise<void> => {
    for (let n = 0; ; n += 1) {
      const began = performance.now();
      if (began >= until) return;
      if (began >= from) cpuBefore ??= cpuNow();
      await work(worker, n);
      const ended = performance.now();
      if (began >= from && ended < until) times.push(ended - began);
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => one(worker)));
  const cpu = (cpuNow() - (cpuBefore ?? Number.NaN)) / times.length;
  return { perSecond: times.length / seconds, times, cpu };
}
