// How long a sign-in has to wait after failed ones. Pure.

/** `count`: sign-ins since the last successful one. A sign-in in progress counts as failed until it has succeeded. */
export type Failures = { readonly count: number; readonly lastMs: number };

const FIRST_DELAY_MS = 1_000;
export const LONGEST_DELAY_MS = 15 * 60_000;
const FORGET_MS = 24 * 60 * 60_000;

/** `free`: failures without a delay. Each further one doubles it, up to 15 minutes. */
export function waitMs(failures: Failures | undefined, free: number, nowMs: number): number {
  if (!failures || failures.count < free || isForgotten(failures, nowMs)) return 0;
  const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(30, failures.count - free));
  return Math.max(0, failures.lastMs + delay - nowMs);
}

export function oneMore(failures: Failures | undefined, nowMs: number): Failures {
  const before = failures && !isForgotten(failures, nowMs) ? failures.count : 0;
  return { count: before + 1, lastMs: nowMs };
}

export function isForgotten({ lastMs }: Failures, nowMs: number): boolean {
  return nowMs - lastMs >= FORGET_MS;
}
