// Versions of Gantry: three numbers. Pure.

/** Whether `one` is a later version than `other`. */
export function newerVersion(one: string, other: string): boolean {
  const [ours, theirs] = [numbersOf(one), numbersOf(other)];
  const at = ours.findIndex((number, index) => number !== theirs[index]);
  return at >= 0 && (ours[at] ?? 0) > (theirs[at] ?? 0);
}

/** What comes after the numbers, as in 1.0.0-rc.1, does not count. */
function numbersOf(version: string): readonly number[] {
  return [0, 1, 2].map((index) => Number.parseInt(version.split(/[.+-]/)[index] ?? "0", 10) || 0);
}
