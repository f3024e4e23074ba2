// Slows down guessing of passwords: per account and per client address. An account that does not exist is slowed down in the
// same way, so that the answer does not reveal which accounts exist. Counted in memory; a restart resets it.

import { isIPv6 } from "node:net";
import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { type Failures, isForgotten, oneMore, waitMs } from "./decide-throttle.ts";

export type Throttle = {
  /**
   * Counts an attempt as failed, or throws `sign-in-paused`. `isKnown`: this account has signed in from this address before.
   * It then has its own count, so that an attacker elsewhere cannot lock out its owner. The returned function is called when
   * the attempt has succeeded.
   */
  readonly begin: (name: string, address: string, isKnown: boolean) => () => void;
  /** How long an attempt from an address that the account has not used would have to wait, in seconds; 0: not at all. */
  readonly pausedS: (name: string) => number;
};

const FREE_PER_ACCOUNT = 5;
/** Many people may share the address of a company. */
const FREE_PER_ADDRESS = 50;
const MAX_ENTRIES = 20_000;

export function makeThrottle(clock: Pick<Clock, "monotonicMs">): Throttle {
  const accounts = makeCounts(FREE_PER_ACCOUNT);
  const addresses = makeCounts(FREE_PER_ADDRESS);
  return {
    pausedS: (name) => Math.ceil(accounts.wait(name, clock.monotonicMs()) / 1_000),
    begin: (name, address, isKnown) => {
      const nowMs = clock.monotonicMs();
      const network = networkOf(address);
      const account = isKnown ? `${name} ${network}` : name;
      const wait = Math.max(accounts.wait(account, nowMs), addresses.wait(network, nowMs));
      if (wait > 0) throw new GantryError("sign-in-paused", { retryAfterS: Math.ceil(wait / 1_000) });
      accounts.add(account, nowMs);
      addresses.add(network, nowMs);
      return () => {
        accounts.clear(account);
        addresses.undo(network);
      };
    },
  };
}

/** One customer usually has a whole /64 of IPv6 addresses. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const behind = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - behind.length);
  const parts = [...before, ...Array.from({ length: zeros }, () => "0"), ...behind];
  return `${parts.slice(0, 4).join(":")}::/64`;
}

type Counts = {
  readonly wait: (key: string, nowMs: number) => number;
  readonly add: (key: string, nowMs: number) => void;
  readonly clear: (key: string) => void;
  /** Takes one attempt back. */
  readonly undo: (key: string) => void;
};

function makeCounts(free: number): Counts {
  const entries = new Map<string, Failures>();
  return {
    wait: (key, nowMs) => waitMs(entries.get(key), free, nowMs),
    add: (key, nowMs) => {
      const next = oneMore(entries.get(key), nowMs);
      // The newest entry is the last one of the map.
      entries.delete(key);
      entries.set(key, next);
      if (entries.size > MAX_ENTRIES) forgetSome(entries, free, nowMs);
    },
    clear: (key) => void entries.delete(key),
    undo: (key) => {
      const entry = entries.get(key);
      if (entry && entry.count > 1) entries.set(key, { ...entry, count: entry.count - 1 });
      else entries.delete(key);
    },
  };
}

/** Removes entries without a delay first: random names must not evict the count of an account that is under attack. */
function forgetSome(entries: Map<string, Failures>, free: number, nowMs: number): void {
  for (const [key, one] of entries) if (isForgotten(one, nowMs) || one.count < free) entries.delete(key);
  for (const key of entries.keys()) {
    if (entries.size <= MAX_ENTRIES / 2) return;
    entries.delete(key);
  }
}
