// How long to wait before trying again.

/** Full jitter: anything between nothing and a limit that doubles with every failure, so that many never come together. */
export function fullJitter(failures: number, limits: { baseMs: number; maxMs: number }, random: number): number {
  return random * Math.min(limits.maxMs, limits.baseMs * 2 ** Math.min(failures - 1, 20));
}

/** Half to whole of a delay that doubles with every try: patience with a system, without many asking at once. */
export function halfJitter(tries: number, limits: { delayMs: number; maxDelayMs: number }, random: number): number {
  const whole = Math.min(limits.maxDelayMs, limits.delayMs * 2 ** Math.min(tries - 1, 20));
  return Math.round(whole / 2 + (whole / 2) * random);
}
