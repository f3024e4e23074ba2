// Reads how many lines tests covered, from the files of JaCoCo, Cobertura and lcov. Pure.

import { type Visitor, visitXml } from "./parse-xml.ts";

export type Lines = { readonly covered: number; readonly total: number };
const FORMATS = ["jacoco", "cobertura", "lcov"] as const;
export type Coverage = Lines & {
  readonly format: (typeof FORMATS)[number];
  /** The source files whose lines the report lists. */
  readonly sources: readonly Source[];
};

/** `key`: the name and the numbers of the lines. `hits`: a digit for each of them, 1 if it is covered, else 0. */
type Source = { readonly key: string; readonly hits: string };

/** Undefined: it is none of these, or has no lines. */
export function readCoverage(text: string): Coverage | { readonly problem: string } | undefined {
  return /^\s*</.test(text) ? readXml(text) : readLcov(text);
}

/**
 * The lines of several reports. Tools often write the same coverage in several formats: only the reports of one count. A
 * source file that several reports have, such as those of modules and the one of all modules, counts once; a line of it is
 * covered if one of them says so.
 */
export function addUp(coverages: readonly Coverage[]): Lines {
  const format = FORMATS.find((one) => coverages.some((coverage) => coverage.format === one));
  const known = new Map<string, string>();
  let [covered, total] = [0, 0];
  for (const report of coverages.filter((one) => one.format === format)) {
    covered += report.covered;
    total += report.total;
    for (const { key, hits } of report.sources) {
      const before = known.get(key);
      const both = before === undefined ? hits : before.replaceAll("0", (_, at: number) => hits.charAt(at));
      known.set(key, both);
      if (before === undefined) continue;
      covered += countHits(both) - countHits(before) - countHits(hits);
      total -= hits.length;
    }
  }
  return { covered: Math.max(0, Math.min(covered, total)), total: Math.max(0, total) };
}

function countHits(hits: string): number {
  return hits.replaceAll("0", "").length;
}

function sourceOf(name: string, lines: ReadonlyMap<number, boolean>): Source {
  const sorted = [...lines].sort(([a], [b]) => a - b);
  const key = `${name}:${sorted.map(([number]) => number).join(",")}`;
  return { key, hits: sorted.map(([, isCovered]) => (isCovered ? "1" : "0")).join("") };
}

/** The same file twice in one report is of two modules. */
function apart(sources: readonly Source[]): readonly Source[] {
  const seen = new Map<string, number>();
  return sources.map(({ key, hits }) => {
    const copies = (seen.get(key) ?? 0) + 1;
    seen.set(key, copies);
    return { key: `${key}#${copies}`, hits };
  });
}

type Report = { found?: Coverage; readonly sources: Source[] };

function readXml(text: string): ReturnType<typeof readCoverage> {
  const report: Report = { sources: [] };
  const visitors = new Map([
    ["report", jacoco(report)],
    ["coverage", cobertura(report)],
  ]);
  let visitor: Visitor | undefined;
  const problem = visitXml(text, {
    open: (element, depth) => {
      if (depth === 0) visitor = visitors.get(element.name);
      visitor?.open?.(element, depth);
    },
    close: (name, depth) => visitor?.close?.(name, depth),
    text: (part) => visitor?.text?.(part),
  });
  if (problem !== undefined) return visitor && { problem };
  const { found, sources } = report;
  return found && found.total > 0 ? { ...found, sources: apart(sources) } : undefined;
}

function jacoco(report: Report): Visitor {
  let [folder, name, lines] = ["", "", new Map<number, boolean>()];
  return {
    open: (element, depth) => {
      const { attributes } = element;
      if (element.name === "package") folder = attributes.name ?? "";
      if (element.name === "sourcefile") [name, lines] = [attributes.name ?? "", new Map()];
      if (element.name === "line") lines.set(countOf(attributes.nr), countOf(attributes.ci) > 0);
      // The counters of the whole report are beside its packages.
      if (depth !== 1 || element.name !== "counter" || attributes.type !== "LINE") return;
      const [covered, missed] = [countOf(attributes.covered), countOf(attributes.missed)];
      report.found = { format: "jacoco", covered, total: covered + missed, sources: [] };
    },
    close: (element) => {
      if (element === "sourcefile" && lines.size > 0) report.sources.push(sourceOf(`${folder}/${name}`, lines));
    },
  };
}

function cobertura(report: Report): Visitor {
  const roots: string[] = [];
  let [isRoot, name, lines] = [false, "", new Map<number, boolean>()];
  return {
    open: (element, depth) => {
      const { attributes } = element;
      if (depth === 0)
        report.found = ratioOf(attributes["lines-covered"], attributes["lines-valid"], attributes["line-rate"]);
      isRoot = element.name === "source";
      if (isRoot) roots.push("");
      if (element.name === "class") [name, lines] = [attributes.filename ?? "", new Map()];
      // The lines of methods are those of their class once more.
      const number = countOf(attributes.number);
      if (element.name === "line") lines.set(number, lines.get(number) === true || countOf(attributes.hits) > 0);
    },
    text: (part) => {
      if (isRoot) roots.push((roots.pop() ?? "") + part);
    },
    close: (element) => {
      isRoot = false;
      if (element === "class" && lines.size > 0) report.sources.push(sourceOf(below(roots, name), lines));
    },
  };
}

/** Tools choose the folder that names begin in anew for each report. With several folders, nobody knows which one it is. */
function below(roots: readonly string[], name: string): string {
  const [root = ""] = roots.length === 1 && !/^(\/|[a-z]:)/i.test(name) ? roots : [];
  return `${root.trim()}/${name}`.replaceAll(/[\\/]+/g, "/");
}

/** Old Cobertura files have the rate only. */
function ratioOf(covered = "", valid = "", rate = ""): Coverage {
  const found = { format: "cobertura", sources: [] } as const;
  if (valid !== "") return { ...found, covered: Math.min(countOf(covered), countOf(valid)), total: countOf(valid) };
  const share = Number(rate);
  const isShare = rate !== "" && share >= 0 && share <= 1;
  return { ...found, covered: isShare ? Math.round(share * 10_000) : 0, total: isShare ? 10_000 : 0 };
}

function readLcov(text: string): Coverage | undefined {
  const sources: Source[] = [];
  let [covered, total] = [0, 0];
  let [name, lines] = ["", new Map<number, boolean>()];
  for (const line of text.split("\n")) {
    if (line.startsWith("LF:")) total += countOf(line.slice(3));
    if (line.startsWith("LH:")) covered += countOf(line.slice(3));
    if (line.startsWith("SF:")) [name, lines] = [line.slice(3).trim(), new Map()];
    const [, number, hits] = /^DA:(\d+),(\d+)/.exec(line) ?? [];
    if (number !== undefined) lines.set(countOf(number), countOf(hits) > 0);
    if (line.startsWith("end_of_record") && lines.size > 0) sources.push(sourceOf(name, lines));
  }
  return total > 0 ? { format: "lcov", covered: Math.min(covered, total), total, sources } : undefined;
}

function countOf(text = ""): number {
  const count = Number(text.trim() || "0");
  return Number.isSafeInteger(count) && count >= 0 ? Math.min(count, 1e9) : 0;
}
