// Which events of a task have been processed, as ranges of their numbers: `[[1, 7]]` when all arrived in order. Pure.

export type Seen = readonly (readonly [from: number, to: number])[];

/** With more ranges, the oldest gap is closed: an event that is missing for so long will not arrive. */
const MAX_RANGES = 50;

export function isSeen(seen: Seen, seq: number): boolean {
  return seen.some(([from, to]) => from <= seq && seq <= to);
}

export function withSeen(seen: Seen, seq: number): Seen {
  if (isSeen(seen, seq)) return seen;
  const merged: (readonly [number, number])[] = [];
  for (const [from, to] of [...seen, [seq, seq] as const].sort(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last && last[1] + 1 >= from) merged[merged.length - 1] = [last[0], to];
    else merged.push([from, to]);
  }
  const [first, second] = merged;
  return merged.length > MAX_RANGES && first && second ? [[first[0], second[1]], ...merged.slice(2)] : merged;
}
