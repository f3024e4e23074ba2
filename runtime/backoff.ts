// How long to wait before trying again.

export type Backoff = {
  /** After the first failure. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** What the delay is multiplied by after every further failure; 2 where absent. */
  readonly factor?: number;
  /**
   * Spreads clients that failed together. `full`: from nothing to the whole delay, for many clients of one server; `half`:
   * from half to the whole, where a short delay would be wasted; `none`: for one client.
   */
  readonly jitter: "none" | "half" | "full";
};

/** Growing further would exceed every limit, and Infinity must not be reached. */
const MAX_EXPONENT = 30;

/** Milliseconds until the next try, by the number of failures (from 1). `random`: 0 to 1, not used without jitter. */
export function backoffMs({ firstMs, maxMs, factor = 2, jitter }: Backoff, failures: number, random = 1): number {
  const wholeMs = Math.min(maxMs, firstMs * factor ** Math.min(failures - 1, MAX_EXPONENT));
  if (jitter === "none") return wholeMs;
  return jitter === "full" ? wholeMs * random : wholeMs / 2 + (wholeMs / 2) * random;
}
