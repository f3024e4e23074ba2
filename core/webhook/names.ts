// Lists of names with `*`, of which those with `!` exclude: branches, tags and paths. Pure; takes linear time in the names.

import { compilePattern, type Pattern } from "../pattern/pattern.ts";

/**
 * Whether names are in the list: one of its patterns fits and none with `!` does. A list with only `!` has everything else.
 * `*` stands for any characters except `/`, `**` for any, and a `**` folder also for none: `**` + `/a` fits `a`.
 */
export function openNames(patterns: readonly string[]): (name: string) => boolean {
  const [out, into] = [true, false].map((isOut) =>
    patterns.filter((one) => one.startsWith("!") === isOut).map((one) => compile(isOut ? one.slice(1) : one)),
  );
  return (name) =>
    (into?.length === 0 || (into?.some((one) => one.test(name)) ?? false)) && !out?.some((one) => one.test(name));
}

const NEVER: Pick<Pattern, "test"> = { test: () => false };

function compile(pattern: string): Pick<Pattern, "test"> {
  const parts = pattern.match(/\*\*\/|\*+|[^*]+/g) ?? [];
  const text = parts.map((part) => {
    if (part === "**/") return "(.*/)?";
    if (part.startsWith("**")) return ".*";
    return part === "*" ? "[^/]*" : part.replace(/[^\p{L}\p{N}_/ -]/gu, "\\$&");
  });
  const compiled = compilePattern(`^${text.join("")}$`);
  return "problem" in compiled ? NEVER : compiled;
}
