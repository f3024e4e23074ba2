// One figure of a benchmark: a number with its unit, its target, and a reference value.

export type Figure = {
  /** What was measured, as a row of a table. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target?: Target;
  /** A reference (another product or a physical limit), measured in the same run and unit. */
  readonly beside?: { readonly name: string; readonly value: number };
  /** What a reader needs to understand the number, e.g. samples and connections. */
  readonly note?: string;
};

export type Target = { readonly atLeast: number } | { readonly atMost: number };

export type BenchOptions = {
  /** The benchmark's own folder on disk; deleted afterwards. */
  readonly folder: string;
};

/** Everything that it started has ended when it resolves. */
export type Bench = (options: BenchOptions) => Promise<readonly Figure[]>;

export function meets({ value, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost;
}

/** The quantile of the samples; NaN without samples. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
