// What one benchmark says: a number with its unit, what it should be, and what it stands beside.

export type Figure = {
  /** What was measured, in words that stand alone in a table. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target?: Target;
  /** A peer or a physical limit, measured in the same run, in the same unit. */
  readonly beside?: { readonly name: string; readonly value: number };
  /** What a reader must know to understand the number: how many samples, how many connections. */
  readonly note?: string;
};

export type Target = { readonly atLeast: number } | { readonly atMost: number };

export type BenchOptions = {
  /** A folder of this benchmark's own, on disk; deleted afterwards. */
  readonly folder: string;
};

/** Everything it started is over when it resolves. */
export type Bench = (options: BenchOptions) => Promise<readonly Figure[]>;

export function meets({ value, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost;
}

/** The sample below which this share of the samples lies. NaN without samples. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
