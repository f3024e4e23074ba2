// How many runner names a site may use: otherwise one token could fill the list of runners.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { serialize } from "../tasks/serialize.ts";

export type RunnerNames = {
  /** Registers a new name. Throws `limit-reached` if the site already has as many names as it may. */
  readonly add: <T>(site: string, register: () => Promise<T>) => Promise<T>;
};

/** How long a site counts as full without counting again, so that refusals stay cheap. */
const FULL_MS = 10_000;

/** `count`: the names of a site that are in service. */
export function openRunnerNames(
  clock: Pick<Clock, "monotonicMs">,
  limit: number,
  count: (site: string) => Promise<number>,
): RunnerNames {
  const queues = new Map<string, Promise<unknown>>();
  const fullUntilMs = new Map<string, number>();
  const hasRoom = async (site: string): Promise<boolean> => {
    const now = clock.monotonicMs();
    if (now < (fullUntilMs.get(site) ?? 0)) return false;
    const isFull = (await count(site)) >= limit;
    if (isFull) fullUntilMs.set(site, now + FULL_MS);
    return !isFull;
  };
  return {
    // One at a time: concurrent calls would all find the limit not reached.
    add: (site, register) =>
      serialize(queues, site, async () => {
        if (await hasRoom(site)) return register();
        const hint = ", take runners out of service that do not exist any more, or raise `limits.runnersPerSite`";
        throw new GantryError("limit-reached", { who: `Site ${site}`, limit, what: "runner names", hint });
      }),
  };
}
