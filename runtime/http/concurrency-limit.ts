// Limits how much a caller may have open at a time. Each process counts separately.

import { GantryError } from "@gantry/core/errors.ts";

export type ConcurrencyLimits = {
  readonly perCaller: number;
  /** Of all callers together. Default: as many as there are. */
  readonly inAll?: number;
  /** What is counted, in the plural: "open event streams". */
  readonly what: string;
};

/** How long a refused caller should wait, s: what is counted ends at any time. */
const RETRY_S = 5;

/**
 * The answer counts one more and returns the function that ends it, or throws `limit-reached`. `weight`: as how many it counts. A heavy
 * one is taken as long as there is room for a light one.
 */
export function openConcurrencyLimit({
  perCaller,
  inAll = Infinity,
  what,
}: ConcurrencyLimits): (who: string, weight?: number) => () => void {
  const open = new Map<string, number>();
  let all = 0;
  return (who, weight = 1) => {
    const mine = open.get(who) ?? 0;
    const details = { what, retryAfterS: RETRY_S };
    if (mine >= perCaller) throw new GantryError("limit-reached", { who, limit: perCaller, ...details });
    if (all >= inAll) throw new GantryError("limit-reached", { who: "The server", limit: inAll, ...details });
    open.set(who, mine + weight);
    all += weight;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      all -= weight;
      const left = (open.get(who) ?? weight) - weight;
      if (left > 0) open.set(who, left);
      else open.delete(who);
    };
  };
}
