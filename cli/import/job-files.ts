// Artifacts and caches of a job, as steps and as the keywords that stand for such steps. Every import makes them here.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { compact, orNothing } from "./target.ts";

export type Saving = {
  readonly name: string;
  readonly paths: readonly string[];
  readonly retention?: string | undefined;
  /** Nothing to save is no failure. */
  readonly optional: boolean;
};
export type Downloading = { readonly job: string; readonly artifact?: string; readonly to?: string };
export type Caching = {
  readonly name: string;
  readonly paths: readonly string[];
  readonly files?: readonly string[];
  readonly key?: string;
  readonly fallback?: readonly string[];
};

export function saveStep({ name, paths, retention, optional }: Saving): JsonObject {
  return { uses: "artifact/save", with: compact({ name, paths, retention, optional: optional ? true : undefined }) };
}

export function downloadStep({ job, artifact, to }: Downloading): JsonObject {
  return { uses: "artifact/download", with: compact({ job, artifact, to: to === "." ? undefined : to }) };
}

export function restoreStep({ name, paths, files = [], key, fallback = [] }: Caching): JsonObject {
  const more = { files: orNothing(files), key: key === "" ? undefined : key, fallback: orNothing(fallback) };
  return { uses: "cache/restore", with: compact({ name, paths, ...more }) };
}

export function saveCacheStep({ name, paths }: Caching): JsonObject {
  // A copy: the same list at two places would be written as an alias.
  return { uses: "cache/save", with: { name, paths: [...paths] } };
}

/**
 * The job with the keywords `download`, `cache` and `artifacts` in place of the steps that mean the same: downloads and restores
 * right after the last checkout, and what is saved after the last step. All others stay where they are.
 */
export function withKeywords(job: JsonObject): JsonObject {
  const steps = (Array.isArray(job.steps) ? job.steps : []) as readonly JsonObject[];
  const checkout = steps.findLastIndex(({ uses }) => uses === "git/checkout");
  const start = checkout + 1;
  let begin = start;
  while (isPlain(steps[begin], ["artifact/download", "cache/restore"])) begin += 1;
  let end = steps.length;
  while (end > begin && isPlain(steps[end - 1], ["artifact/save", "cache/save"], "when")) end -= 1;
  const [first, last] = [steps.slice(start, begin), steps.slice(end)];
  const isCached = ({ uses, with: input }: JsonObject): boolean =>
    checkout >= 0 &&
    uses === "cache/restore" &&
    last.some((one) => one.uses === "cache/save" && nameOf(one.with) === nameOf(input));
  const caches = first.filter(isCached);
  const cached = new Set(caches.map((one) => nameOf(one.with)));
  const work = [
    ...steps.slice(0, start),
    ...first.filter((one) => one.uses === "cache/restore" && !isCached(one)),
    ...steps.slice(begin, end),
    ...last.filter((one) => one.uses === "cache/save" && !cached.has(nameOf(one.with))),
  ];
  const { steps: _, ...rest } = job;
  return compact({
    ...rest,
    download: orNothing(first.filter(({ uses }) => uses === "artifact/download").map(downloadOf)),
    cache: orNothing(named(caches)),
    artifacts: orNothing(named(last.filter(({ uses }) => uses === "artifact/save"))),
    // A job has at least one step.
    steps: work.length > 0 ? work : [{ title: "The files are in place", run: "true" }],
  });
}

/** Without anything that a keyword cannot say. */
function isPlain(step: JsonObject | undefined, uses: readonly string[], ...more: readonly string[]): boolean {
  if (step === undefined || !uses.includes(String(step.uses))) return false;
  const isSayable = Object.keys(step).every((key) => ["uses", "with", "title", ...more].includes(key));
  const isCache = String(step.uses).startsWith("cache/");
  return isSayable && (isCache || !JSON.stringify(step.with).includes("${{")) && !(isCache && step.when !== undefined);
}

function nameOf(input: JsonValue | undefined): JsonValue | undefined {
  return (input as JsonObject | undefined)?.name;
}

function named(steps: readonly JsonObject[]): JsonObject {
  return Object.fromEntries(
    steps.map(({ with: input, when }) => {
      const { name, ...rest } = input as JsonObject;
      const whole = compact({ ...rest, when });
      return [String(name), Object.keys(whole).length === 1 ? (whole.paths ?? []) : whole];
    }),
  );
}

function downloadOf({ with: input }: JsonObject): JsonValue {
  const { job = "", ...rest } = input as JsonObject;
  return Object.keys(rest).length === 0 ? job : { job, ...rest };
}

/** Keys of the language, which the linter does not take for names. */
const NO_NAMES = new Set(
  "paths name when retention optional expire_in exclude untracked expose_as files key fallback fallback_keys policy".split(
    " ",
  ),
);

/** A name of an artifact or a cache; other ones of the job are `taken`. */
export function fileName(text: string, fallback: string, taken: readonly string[] = []): string {
  const plain = text
    .replace(/\$\{\{.*?\}\}|\$\w+|\$\{\w+\}/gs, "-")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/-{2,}/g, "-")
    .replace(/^[-._]+|[-._]+$/g, "")
    .slice(0, 60);
  const base = plain === "" ? fallback : NO_NAMES.has(plain) ? `${plain}-files` : plain;
  let name = base;
  for (let count = 2; taken.includes(name); count += 1) name = `${base}-${count}`;
  return name;
}

/** The last part of the first path says what a cache is of: `~/.npm` is `npm`. */
export function cacheName(paths: readonly string[], taken: readonly string[]): string {
  const parts = (paths[0] ?? "").split("/").filter((part) => !/[*?[\]~]/.test(part));
  return fileName(parts.at(-1) ?? "", "files", taken);
}

/** The path as patterns of Gantry have it: below the workspace, or with `home` below `~/`. Undefined: it is elsewhere. */
export function patternOf(text: string, home = false): string | undefined {
  const [, not = "", given = ""] = /^(!?)(.*)$/s.exec(text.trim()) ?? [];
  const path = given.replace(/^(?:\.\/+)+/, "").replace(/\/+$/, "");
  const below = home ? path.replace(/^~\//, "") : path;
  if (path === "." || path === "") return given === "" ? undefined : `${not}**`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: such a path is refused by the linter.
  if (/[\u0000-\u001f\u007f\\]/.test(below) || below.startsWith("~") || path.length > 299) return undefined;
  return below.split("/").every((part) => part !== "" && part !== "." && part !== "..") ? not + path : undefined;
}
