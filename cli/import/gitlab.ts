// GitLab CI: a `.gitlab-ci.yml` becomes one pipeline. Stages become needs.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { isReservedVariable } from "@gantry/core/pipeline/env-names.ts";
import { type ForeignFile, type Path, REFERENCE } from "./foreign-file.ts";
import { cachesOf, downloadsOf, interruptionOf, resourceGroupOf, savesFiles, savesOf } from "./gitlab-files.ts";
import { conditionOf, gitlabVariables } from "./gitlab-rules.ts";
import { withKeywords } from "./job-files.ts";
import type { Notes } from "./notes.ts";
import {
  COMMON_HINTS,
  checkout,
  compact,
  DEFAULT_SITE,
  type ImportOptions,
  idOf,
  listOf,
  noCounterpart,
  OF_PUSH,
  orNothing,
  SOURCE_PARAMS,
  textsOf,
} from "./target.ts";

const DEFAULT_STAGES = [".pre", "build", "test", "deploy", ".post"];
/** Keys at the top that are no jobs. */
const GLOBAL = new Set(
  "stages variables default workflow include image services before_script after_script cache spec pages:deploy".split(
    " ",
  ),
);
/** What a job may inherit from `default` or the top. */
const INHERITED = [
  "before_script",
  "after_script",
  "timeout",
  "retry",
  "tags",
  "image",
  "services",
  "cache",
  "artifacts",
  "interruptible",
] as const;
const JOB_KEYS = new Set(
  "stage script before_script after_script variables rules only except needs dependencies tags timeout retry allow_failure when parallel extends interruptible artifacts cache resource_group".split(
    " ",
  ),
);
const HINTS: { readonly [key: string]: string } = {
  ...COMMON_HINTS,
  trigger: "start another pipeline in a step",
  release: "write a script",
  coverage: "test results are read from files of reports",
};

export function importGitlab({ root, placeOf }: ForeignFile, options: ImportOptions, notes: Notes): JsonObject {
  const note = (path: Path, what: string): void => {
    const [job = "", key = ""] = path;
    const own = root[job];
    // What a job inherits is told once, where it is written.
    const isInherited = path.length === 2 && isJsonObject(own) && own[key] === undefined;
    const above = isJsonObject(root.default) && root.default[key] !== undefined ? ["default", key] : [key];
    notes.add(placeOf(isInherited && root[above[0] ?? ""] !== undefined ? above : path), what);
  };
  if (root.include !== undefined) note(["include"], "`include` is not read: import those files, too");
  if (root.workflow !== undefined) note(["workflow"], "`workflow` is left out: say it in `triggers`");
  const resolved = resolveAll(root, note);
  const stages = root.stages === undefined ? DEFAULT_STAGES : [".pre", ...textsOf(root.stages), ".post"];
  const ids = new Map<string, string>();
  for (const name of Object.keys(resolved)) ids.set(name, uniqueId(name, [...ids.values()]));
  const jobs: { [id: string]: JsonValue } = {};
  for (const [name, job] of Object.entries(resolved)) {
    const before = Object.entries(resolved).filter(
      ([, other]) => stages.indexOf(stageOf(other)) < stages.indexOf(stageOf(job)),
    );
    const waits = job.needs === undefined ? lastStage(before, stages) : neededBy(job.needs, [name, "needs"], note);
    const sources = sourcesOf(
      job,
      before.map(([other]) => other),
    ).filter((other) => savesFiles(resolved[other] ?? {}));
    // A job takes artifacts of jobs that it names itself.
    const needs = [...new Set([...waits, ...sources])].flatMap((one) => ids.get(one) ?? []);
    const downloads = sources.flatMap((one) => {
      const id = ids.get(one);
      return id === undefined ? [] : [{ id, isMany: resolved[one]?.parallel !== undefined }];
    });
    const globals = variablesOf(root.variables);
    jobs[ids.get(name) ?? name] = readJob(name, job, { needs, downloads, options, note, globals });
  }
  const all = Object.entries(resolved).map(([name, job]) => ({ id: ids.get(name) ?? name, name, job }));
  return compact({
    name: options.name,
    app: "existing",
    params: SOURCE_PARAMS,
    triggers: [{ push: { branches: ["**"] }, params: OF_PUSH }],
    concurrency: interruptionOf(all, note),
    jobs,
  });
}

/** The jobs whose artifacts a job gets: those of `dependencies`, else of `needs`, else all of earlier stages. */
function sourcesOf({ dependencies, needs }: JsonObject, before: readonly string[]): readonly string[] {
  if (dependencies !== undefined) return textsOf(dependencies);
  if (needs === undefined) return before;
  return listOf(needs).flatMap((one) => {
    if (typeof one === "string") return [one];
    const isTaken = isJsonObject(one) && one.project === undefined && one.artifacts !== false;
    return isTaken && typeof one.job === "string" ? [one.job] : [];
  });
}

type Note = (path: Path, what: string) => void;

/** The jobs of the file, with `extends`, `default` and `!reference` resolved. Hidden ones (`.name`) are left out. */
function resolveAll(root: JsonObject, note: Note): { readonly [name: string]: JsonObject } {
  const defaults = isJsonObject(root.default) ? root.default : {};
  const inherited = Object.fromEntries(
    INHERITED.flatMap((key) => {
      const value = defaults[key] ?? root[key];
      return value === undefined ? [] : [[key, value] as const];
    }),
  );
  const merged = (name: string, seen: readonly string[]): JsonObject => {
    const job = root[name];
    if (!isJsonObject(job) || seen.includes(name)) {
      note([seen.at(-1) ?? name, "extends"], `\`extends\`: there is no ${name} in this file, or it extends itself`);
      return {};
    }
    const bases = textsOf(job.extends).map((base) => merged(base, [...seen, name]));
    return [...bases, job].reduce<JsonObject>((all, one) => deepMerge(all, one), {});
  };
  const names = Object.keys(root).filter(
    (name) => !GLOBAL.has(name) && !name.startsWith(".") && isJsonObject(root[name]),
  );
  return Object.fromEntries(
    names.map((name) => {
      // What a job says replaces what is above it as a whole.
      const job = { ...inherited, ...merged(name, []) };
      return [
        name,
        Object.fromEntries(
          Object.entries(job).map(([key, value]) => [key, withReferences(value, root, [name, key], note)]),
        ),
      ];
    }),
  );
}

function deepMerge(base: JsonObject, over: JsonObject): JsonObject {
  const result: { [key: string]: JsonValue } = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = result[key];
    result[key] = isJsonObject(old) && isJsonObject(value) ? deepMerge(old, value) : value;
  }
  return result;
}

/** Replaces `!reference [job, key]`, and flattens lists as GitLab does. */
function withReferences(value: JsonValue, root: JsonObject, at: Path, note: Note, depth = 0): JsonValue {
  if (Array.isArray(value)) {
    return (value as readonly JsonValue[]).flatMap((one) => withReferences(one, root, at, note, depth) as JsonValue[]);
  }
  if (!isJsonObject(value)) return value;
  const path = value[REFERENCE];
  if (path === undefined) return value;
  const found = textsOf(path).reduce<JsonValue | undefined>(
    (inside, key) => (isJsonObject(inside) ? inside[key] : undefined),
    root,
  );
  if (found === undefined || depth > 10) {
    note(at, `\`!reference\` to ${textsOf(path).join(".")} is not in this file`);
    return [];
  }
  return withReferences(found, root, at, note, depth + 1);
}

function stageOf(job: JsonObject): string {
  return typeof job.stage === "string" ? job.stage : "test";
}

/** Without `needs`, a job waits for all jobs of earlier stages. Those of the nearest one wait for the others. */
function lastStage(before: readonly (readonly [string, JsonObject])[], stages: readonly string[]): readonly string[] {
  const nearest = Math.max(-1, ...before.map(([, job]) => stages.indexOf(stageOf(job))));
  return before.filter(([, job]) => stages.indexOf(stageOf(job)) === nearest).map(([name]) => name);
}

function neededBy(needs: JsonValue, at: Path, note: Note): readonly string[] {
  return listOf(needs).flatMap((one) => {
    if (typeof one === "string") return [one];
    if (isJsonObject(one) && typeof one.job === "string" && one.project === undefined) return [one.job];
    note(at, "`needs` of another project or pipeline has no counterpart");
    return [];
  });
}

type Around = {
  readonly needs: readonly string[];
  readonly downloads: Parameters<typeof downloadsOf>[0];
  readonly options: ImportOptions;
  readonly note: Note;
  readonly globals: JsonObject;
};

function readJob(name: string, job: JsonObject, { needs, downloads, options, note, globals }: Around): JsonObject {
  for (const key of Object.keys(job)) {
    if (JOB_KEYS.has(key)) continue;
    note([name, key], noCounterpart(`\`${key}\``, HINTS[key]));
  }
  const variables = { ...globals, ...variablesOf(job.variables) };
  const script = [...lines(job.before_script), ...lines(job.script)].join("\n");
  const after = lines(job.after_script).join("\n");
  const env = Object.entries({ ...gitlabVariables(`${script}\n${after}`), ...variables }).filter(([variable]) => {
    if (isReservedVariable(variable))
      note([name, "variables"], `the variable ${variable} is set by the runner and cannot be set by a pipeline`);
    return !isReservedVariable(variable);
  });
  const { when, isManual } = conditionOf(job, name, variables, note);
  const scripts = [
    compact({ run: script === "" ? "true" : `${script}\n`, shell: "bash" }),
    ...(after === "" ? [] : [compact({ title: "after_script", run: `${after}\n`, shell: "bash", when: "always" })]),
  ];
  const of = { name, job, variables, note };
  const { restores, saves } = cachesOf(of);
  const parallel = parallelOf(job.parallel, [name, "parallel"], note);
  return withKeywords(
    compact({
      title: name,
      needs: orNothing(needs),
      site: options.site ?? DEFAULT_SITE,
      labels: orNothing(textsOf(job.tags)),
      ...parallel.keys,
      when,
      concurrency: resourceGroupOf(of),
      approval: isManual ? `Run ${name}?` : undefined,
      timeout: durationOf(job.timeout, [name, "timeout"], note),
      retry: retryOf(job.retry),
      continueOnError: job.allow_failure === true || isJsonObject(job.allow_failure) ? true : undefined,
      env: orNothing({ ...Object.fromEntries(env), ...parallel.env }),
      steps: [checkout(), ...restores, ...downloadsOf(downloads, of), ...scripts, ...savesOf(of), ...saves],
    }),
  );
}

function lines(value: JsonValue | undefined): readonly string[] {
  return listOf(value).map((line) => String(line));
}

function variablesOf(value: JsonValue | undefined): JsonObject {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      String((isJsonObject(one) ? one.value : one) ?? "").replaceAll("${{", "$${{"),
    ]),
  );
}

type Parallel = { readonly keys: JsonObject; readonly env: JsonObject };

/** Each job has its values as variables. */
function parallelOf(value: JsonValue | undefined, at: Path, note: Note): Parallel {
  if (value === undefined) return { keys: {}, env: {} };
  if (typeof value === "number") {
    const each = Array.from({ length: value }, (_, index) => index + 1);
    return { keys: { each }, env: { CI_NODE_INDEX: "${{ each }}", CI_NODE_TOTAL: String(value) } };
  }
  const groups = isJsonObject(value) ? listOf(value.matrix) : [];
  const [first, ...more] = groups;
  if (!isJsonObject(first) || more.length > 0) {
    note(at, "a matrix with several groups has no counterpart: write a job for each of them");
    return { keys: {}, env: {} };
  }
  const axes = Object.fromEntries(Object.entries(first).map(([axis, values]) => [axis, listOf(values)]));
  const env = Object.fromEntries(Object.keys(axes).map((axis) => [axis, `\${{ each.${axis} }}`]));
  return { keys: { matrix: axes }, env };
}

const UNITS: { readonly [unit: string]: string } = { h: "h", m: "m", s: "s" };

/** `1h 30m`, `3 hours`, `90 minutes`. */
function durationOf(value: JsonValue | undefined, at: Path, note: Note): string | undefined {
  if (value === undefined) return undefined;
  const parts = [...String(value).matchAll(/(\d+)\s*([a-z]+)/gi)];
  const text = parts.map(([, count, unit = ""]) => `${count}${UNITS[unit[0]?.toLowerCase() ?? ""] ?? ""}`).join("");
  if (/^(?:\d+h)?(?:\d+m)?(?:\d+s)?$/.test(text) && text !== "") return text;
  note(at, `the duration ${String(value)} has no counterpart`);
  return undefined;
}

function retryOf(value: JsonValue | undefined): JsonValue | undefined {
  const max = isJsonObject(value) ? value.max : value;
  return typeof max === "number" && max > 0 ? max : undefined;
}

function uniqueId(name: string, taken: readonly string[]): string {
  const id = idOf(name, "job");
  let unique = id;
  for (let count = 2; taken.includes(unique); count += 1) unique = `${id}-${count}`;
  return unique;
}
