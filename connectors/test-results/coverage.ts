// Reads how many lines tests covered, from the files of JaCoCo, Cobertura and lcov. Pure.

import { visitXml } from "./parse-xml.ts";

export type Lines = { readonly covered: number; readonly total: number };
export const COVERAGE_FORMATS = ["jacoco", "cobertura", "lcov"] as const;
export type Coverage = Lines & { readonly format: (typeof COVERAGE_FORMATS)[number] };

/** Undefined: it is none of these, or has no lines. */
export function readCoverage(text: string): Coverage | { readonly problem: string } | undefined {
  return /^\s*</.test(text) ? readXml(text) : readLcov(text);
}

function readXml(text: string): ReturnType<typeof readCoverage> {
  let found: Coverage | undefined;
  let root = "";
  const problem = visitXml(text, {
    open: ({ name, attributes }, depth) => {
      if (depth === 0) root = name;
      if (depth === 0 && root === "coverage")
        found = ratioOf(attributes["lines-covered"], attributes["lines-valid"], attributes["line-rate"]);
      // The counters of the whole report are beside its packages.
      if (depth === 1 && root === "report" && name === "counter" && attributes.type === "LINE") {
        const [covered, missed] = [countOf(attributes.covered), countOf(attributes.missed)];
        found = { format: "jacoco", covered, total: covered + missed };
      }
    },
  });
  if (problem !== undefined) return root === "coverage" || root === "report" ? { problem } : undefined;
  return found && found.total > 0 ? found : undefined;
}

/** Old Cobertura files have the rate only. */
function ratioOf(covered = "", valid = "", rate = ""): Coverage {
  if (valid !== "")
    return { format: "cobertura", covered: Math.min(countOf(covered), countOf(valid)), total: countOf(valid) };
  const share = Number(rate);
  const isShare = rate !== "" && share >= 0 && share <= 1;
  return { format: "cobertura", covered: isShare ? Math.round(share * 10_000) : 0, total: isShare ? 10_000 : 0 };
}

function readLcov(text: string): Coverage | undefined {
  let [covered, total] = [0, 0];
  for (const line of text.split("\n")) {
    if (line.startsWith("LF:")) total += countOf(line.slice(3));
    if (line.startsWith("LH:")) covered += countOf(line.slice(3));
  }
  return total > 0 ? { format: "lcov", covered: Math.min(covered, total), total } : undefined;
}

function countOf(text = ""): number {
  const count = Number(text.trim() || "0");
  return Number.isSafeInteger(count) && count >= 0 ? Math.min(count, 1e9) : 0;
}
