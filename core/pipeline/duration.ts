// Durations as people write them: "500ms", "30s", "10m", "1h30m", "2d".

import { z } from "zod";

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** At least one unit, each at most once, larger units first. */
export const DURATION = /^(?=\d)(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?(?:(\d{1,6})ms)?$/;

export const durationShape = z
  .string('a duration such as "30s", "10m" or "1h30m"')
  .regex(DURATION, 'a duration such as "30s", "10m" or "1h30m"')
  .describe("A duration such as 30s, 10m or 1h30m");

/** Milliseconds; undefined if the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const [, ...numbers] = match;
  return Object.values(UNITS).reduce((total, unit, index) => total + unit * Number(numbers[index] ?? 0), 0);
}

/** The shortest text for a duration: 90000 is "1m30s". */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms);
  let text = "";
  for (const [name, unit] of Object.entries(UNITS)) {
    const count = Math.floor(rest / unit);
    if (count > 0) text += `${count}${name}`;
    rest -= count * unit;
  }
  return text === "" ? "0ms" : text;
}
