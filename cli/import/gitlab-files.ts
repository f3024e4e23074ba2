// `artifacts`, `cache`, `resource_group` and `interruptible` of GitLab CI.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { Untranslatable } from "./expression.ts";
import type { Path } from "./foreign-file.ts";
import { templateOf } from "./gitlab-rules.ts";
import {
  type Caching,
  cacheName,
  downloadStep,
  fileName,
  patternOf,
  restoreStep,
  saveCacheStep,
  saveStep,
} from "./job-files.ts";
import { compact, listOf, noCounterpart, textsOf } from "./target.ts";

export type JobOf = {
  readonly name: string;
  readonly job: JsonObject;
  /** Its own, and those of the file. */
  readonly variables: JsonObject;
  readonly note: (path: Path, what: string) => void;
};
const DAYS = 86_400_000;
const LONGEST = 366 * DAYS;
const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^s/, 1_000],
  [/^(?:m|min|mins|minutes?)$/, 60_000],
  [/^h/, 3_600_000],
  [/^d/, DAYS],
  [/^w/, 7 * DAYS],
  [/^mo/, 30 * DAYS],
  [/^y/, 365 * DAYS],
];

/** Whether later jobs find files of this job. */
export function savesFiles({ artifacts }: JsonObject): boolean {
  return isJsonObject(artifacts) && textsOf(artifacts.paths).length > 0;
}

/** The step that saves the artifacts of a job. GitLab only warns when there are none. */
export function savesOf({ name, job, variables, note }: JobOf): readonly JsonObject[] {
  const { artifacts } = job;
  if (!isJsonObject(artifacts)) return [];
  const at = [name, "artifacts"];
  const known = ["paths", "exclude", "expire_in", "when", "name", "access", "public", "expose_as"];
  for (const key of Object.keys(artifacts)) {
    if (known.includes(key)) continue;
    const hint = key === "reports" ? "the page of a task has what scripts say by `::error::` and summaries" : undefined;
    note([...at, key], noCounterpart(`\`${key}\` of artifacts`, hint));
  }
  const given = [...textsOf(artifacts.paths), ...textsOf(artifacts.exclude).map((path) => `!${path}`)];
  const paths = below(given, variables, (what) => note([...at, "paths"], what));
  if (!paths.some((path) => !path.startsWith("!"))) return [];
  const when = WHEN[String(artifacts.when ?? "on_success")];
  const retention = retentionOf(artifacts.expire_in, (what) => note([...at, "expire_in"], what));
  const saved = fileName(typeof artifacts.name === "string" ? artifacts.name : name, "files");
  return [compact({ ...saveStep({ name: saved, paths, retention, optional: true }), when })];
}

const WHEN: { readonly [when: string]: string | undefined } = {
  always: 'status != "canceled"',
  on_failure: 'status == "failed"',
};

/** GitLab's paths are below the project, and may hold variables. */
function below(given: readonly string[], variables: JsonObject, note: (what: string) => void): readonly string[] {
  return given.flatMap((path) => {
    try {
      const plain = path.replace(/^(!?)\$(?:CI_PROJECT_DIR|\{CI_PROJECT_DIR\})(?:\/|$)/, "$1./");
      const pattern = patternOf(templateOf(plain, variables));
      if (pattern === undefined) note(`the path ${path} is left out: it is not below the workspace`);
      return pattern ?? [];
    } catch (error) {
      if (!(error instanceof Untranslatable)) throw error;
      note(`the path ${path} is left out: ${error.message}`);
      return [];
    }
  });
}

/** `1 week`, `2 hrs 30 min`, a number of seconds, `never`. */
function retentionOf(value: JsonValue | undefined, note: (what: string) => void): string | undefined {
  if (value === undefined) return undefined;
  const text = String(value).trim();
  const parts = /^\d+$/.test(text) ? [["", text, "s"]] : [...text.matchAll(/(\d+)\s*([a-z]+)/gi)];
  const ms = parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * unitOf(unit.toLowerCase()), 0);
  if (Number.isNaN(ms) || ms <= 0 || ms > LONGEST) {
    note(`\`expire_in: ${text}\` has no counterpart: artifacts are kept for at most 366d, and here for the default`);
    return undefined;
  }
  return ms % DAYS === 0 ? `${ms / DAYS}d` : `${Math.ceil(ms / 60_000)}m`;
}

function unitOf(unit: string): number {
  return UNITS.find(([word]) => word.test(unit))?.[1] ?? Number.NaN;
}

/** The steps that take artifacts of other jobs. `jobs`: ids in the result, each with whether it is several jobs. */
export function downloadsOf(
  jobs: readonly { readonly id: string; readonly isMany: boolean }[],
  { name, note }: JobOf,
): readonly JsonObject[] {
  for (const { id, isMany } of jobs) {
    if (isMany)
      note(
        [name],
        `the files of each job of ${id} come into a folder of its own, named by its values: GitLab puts them together`,
      );
  }
  return jobs.map(({ id }) => downloadStep({ job: id }));
}

/** What a job does with caches: restores after the checkout, and saves at its end. */
export function cachesOf(of: JobOf): {
  readonly restores: readonly JsonObject[];
  readonly saves: readonly JsonObject[];
} {
  const restores: JsonObject[] = [];
  const saves: JsonObject[] = [];
  const taken: string[] = [];
  for (const one of listOf(of.job.cache)) {
    const cache = isJsonObject(one) ? cacheOf(one, of, taken) : undefined;
    if (cache === undefined) continue;
    taken.push(cache.name);
    restores.push(restoreStep(cache));
    const policy = isJsonObject(one) ? one.policy : undefined;
    if (policy !== "pull") saves.push(saveCacheStep(cache));
    if (policy === "push") of.note([of.name, "cache"], "`policy: push` has no counterpart: the cache is restored, too");
  }
  return { restores, saves };
}

function cacheOf(cache: JsonObject, { name, variables, note }: JobOf, taken: readonly string[]): Caching | undefined {
  const at = [name, "cache"];
  for (const key of ["untracked", "unprotect"]) {
    if (cache[key] !== undefined) note([...at, key], noCounterpart(`\`${key}\` of a cache`, undefined));
  }
  if (cache.when !== undefined && cache.when !== "on_success")
    note([...at, "when"], "a cache is not saved when the job has failed");
  const paths = below(textsOf(cache.paths), variables, (what) => note([...at, "paths"], what));
  if (paths.length === 0 || paths.some((path) => path.includes("${{"))) return undefined;
  const { files: lockFiles, prefix } = isJsonObject(cache.key) ? cache.key : {};
  const files = below(textsOf(lockFiles), variables, (what) => note([...at, "key"], what));
  if (files.length === 0 && cache.policy !== "pull")
    note(
      [...at, "key"],
      "GitLab saves the cache after every job; here it is saved when its key is new: name lock files in `files`",
    );
  try {
    const key = keyOf(isJsonObject(cache.key) ? prefix : cache.key, name, variables);
    const fallback = textsOf(cache.fallback_keys).map((one) => keyOf(one, name, variables));
    return {
      name: cacheName(paths, taken),
      paths,
      files,
      key,
      fallback: fallback.filter((one) => one !== key && one !== ""),
    };
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    note([...at, "key"], `the cache is left out: ${error.message}`);
    return undefined;
  }
}

/** A cache belongs to the branch already. */
function keyOf(key: JsonValue | undefined, name: string, variables: JsonObject): string {
  if (key === undefined) return "";
  const own = String(key)
    .replace(/\$\{?CI_COMMIT_REF_(?:SLUG|NAME)\}?/g, "")
    .replace(/\$\{?CI_JOB_NAME(?:_SLUG)?\}?/g, name);
  return templateOf(own, variables)
    .replace(/-{2,}/g, "-")
    .replace(/^[-_]+|[-_]+$/g, "");
}

/** Groups belong to a project. */
export function resourceGroupOf({ name, job, variables, note }: JobOf): JsonValue | undefined {
  if (typeof job.resource_group !== "string") return undefined;
  try {
    return `\${{ app.name }}/${templateOf(job.resource_group, variables)}`;
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    note([name, "resource_group"], `\`resource_group\`: ${error.message}`);
    return undefined;
  }
}

/** A new pipeline of a branch cancels the older one, until a job has started that may not be interrupted. */
export function interruptionOf(
  jobs: readonly { readonly id: string; readonly name: string; readonly job: JsonObject }[],
  note: (path: Path, what: string) => void,
): JsonObject | undefined {
  const may = jobs.filter(({ job }) => job.interruptible === true);
  const [first] = may;
  if (first === undefined) return undefined;
  const [until, ...more] = jobs.filter(({ job }) => job.interruptible !== true);
  if (more.length > 0) {
    note(
      [first.name, "interruptible"],
      "tasks are not canceled: `until` of `concurrency` names one job that may not be interrupted, and here are several",
    );
    return undefined;
  }
  const group = "${{ app.name }}/${{ task.pipeline }}/${{ params.branch }}";
  return compact({ group, policy: "cancel-older", until: until?.id });
}
