// A job of GitHub Actions, with its steps.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { isReservedVariable } from "@gantry/core/pipeline/env-names.ts";
import { Untranslatable, variablesIn } from "./expression.ts";
import type { Path } from "./foreign-file.ts";
import { ofAction, type StepOf } from "./github-actions.ts";
import { takenBy } from "./github-artifacts.ts";
import { concurrencyOf } from "./github-concurrency.ts";
import { type Importing, type NameTable, openNames, underscored } from "./github-names.ts";
import { type Caching, saveCacheStep, withKeywords } from "./job-files.ts";
import { takeValues } from "./script-values.ts";
import {
  COMMON_HINTS,
  compact,
  DEFAULT_SITE,
  idOf,
  listOf,
  minutes,
  noCounterpart,
  orNothing,
  textsOf,
} from "./target.ts";

const JOB_KEYS = new Set(
  "name needs if runs-on env outputs strategy steps timeout-minutes defaults continue-on-error permissions concurrency".split(
    " ",
  ),
);
const STEP_KEYS = new Set(
  "id name if run uses with env shell working-directory timeout-minutes continue-on-error".split(" "),
);
const SHELLS = new Set(["sh", "bash", "python3", "node"]);
/** Where the outputs of a script are written. */
const FILES: { readonly [variable: string]: string } = {
  GITHUB_OUTPUT: "GANTRY_OUTPUT",
  GITHUB_STEP_SUMMARY: "GANTRY_STEP_SUMMARY",
};

/** Commands by which a script would change later steps. */
const OLD_COMMANDS = /::(set-output|set-env|add-path|save-state)\b/;

/** `id`: of one of the `jobs` of the workflow. */
export function readJob(id: string, job: JsonObject, at: Path, importing: Importing): JsonObject {
  for (const key of Object.keys(job)) if (!JOB_KEYS.has(key)) importing.note([...at, key], unsupported(key));
  const env = isJsonObject(job.env) ? job.env : {};
  const inside: Importing = {
    ...importing,
    env: { ...importing.env, ...env },
    defaults: isJsonObject(job.defaults) && isJsonObject(job.defaults.run) ? job.defaults.run : importing.defaults,
  };
  const strategy = isJsonObject(job.strategy) ? job.strategy : {};
  const axes = isJsonObject(strategy.matrix) ? Object.keys(strategy.matrix) : [];
  const steps = readSteps(id, job.steps, [...at, "steps"], axes, inside);
  const names = openNames({ ...inside, axes, steps: steps.ids, ...steps.checkout });
  const outer = openNames({ ...inside, axes, steps: new Map() });
  const taken = listOf(job.steps)
    .filter(isJsonObject)
    .flatMap((step) => takenBy(step, { ...importing, job: id }).map((upload) => upload.job));
  return withKeywords(
    compact({
      title: plainText(job.name),
      // A job takes artifacts of jobs that it names itself.
      needs: orNothing([...new Set([...textsOf(job.needs), ...taken])]),
      site: importing.site ?? DEFAULT_SITE,
      labels: orNothing(labelsOf(job["runs-on"], [...at, "runs-on"], outer, inside)),
      ...matrixOf(strategy, [...at, "strategy"], importing),
      when: conditionOf(job.if, [...at, "if"], outer, inside),
      timeout: minutesOf(job, at, importing),
      concurrency: concurrencyOf(job.concurrency, [...at, "concurrency"], outer, inside),
      continueOnError: toleranceOf(job["continue-on-error"], [...at, "continue-on-error"], outer, inside),
      env: orNothing(valuesOf({ ...importing.env, ...env }, [...at, "env"], outer, inside)),
      outputs: orNothing(
        renamed(valuesOf(isJsonObject(job.outputs) ? job.outputs : {}, [...at, "outputs"], names, inside)),
      ),
      steps: steps.list.some(isWork) || !steps.hasLeftOut ? steps.list : [...steps.list, NOTHING],
    }),
  );
}

function minutesOf(part: JsonObject, at: Path, { note }: Importing): string | undefined {
  const given = part["timeout-minutes"];
  const text = minutes(given);
  if (given !== undefined && text === undefined)
    note([...at, "timeout-minutes"], `\`timeout-minutes: ${String(given)}\` has no counterpart: a time such as 10m`);
  return text;
}

/** Of a job: an expression may say it. */
function toleranceOf(
  value: JsonValue | undefined,
  at: Path,
  names: NameTable,
  { note }: Importing,
): JsonValue | undefined {
  if (value === true) return true;
  if (typeof value !== "string") return undefined;
  try {
    // What a combination of the matrix does not have is false.
    return names.template(value).replaceAll('.orValue("")', ".orValue(false)");
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    note(at, `\`continue-on-error\`: ${error.message}`);
    return undefined;
  }
}

function unsupported(key: string): string {
  const hints: { readonly [key: string]: string } = {
    ...COMMON_HINTS,
    uses: "reusable workflows have no counterpart: write its jobs here, or a template",
  };
  return noCounterpart(`\`${key}\``, hints[key]);
}

/** A job whose work was left out must not seem to have done it. */
const NOTHING = { title: "Nothing was carried over", run: "exit 1" };

function isWork({ run, uses }: JsonObject): boolean {
  return run !== undefined || uses === "git/checkout";
}

type Steps = {
  /** Whether a step has no counterpart. */
  readonly hasLeftOut: boolean;
  readonly list: readonly JsonObject[];
  readonly ids: ReadonlyMap<string, string>;
  readonly checkout: { readonly checkout?: string };
};

function readSteps(
  job: string,
  value: JsonValue | undefined,
  at: Path,
  axes: readonly string[],
  importing: Importing,
): Steps {
  const list: JsonObject[] = [];
  const ids = new Map<string, string>();
  const caches: Caching[] = [];
  let source: { readonly checkout?: string } = {};
  let hasLeftOut = listOf(value).length === 0;
  for (const [index, step] of listOf(value).entries()) {
    if (!isJsonObject(step)) continue;
    const env = isJsonObject(step.env) ? step.env : {};
    const inside = { ...importing, env: { ...importing.env, ...env } };
    const names = openNames({ ...inside, axes, steps: ids, ...source });
    const made = readStep({ job, index, step, at: [...at, index], names, importing: inside, caches });
    const [first] = made;
    hasLeftOut ||= first === undefined;
    if (first === undefined) continue;
    if (typeof step.id === "string") ids.set(step.id, String(first.id ?? step.id));
    if (first.uses === "git/checkout" && source.checkout === undefined) source = { checkout: String(first.id) };
    list.push(...made);
  }
  if (caches.length > 0 && source.checkout === undefined)
    importing.note(at, "the caches are left out: they belong to a branch, and this job has no checkout");
  const isCache = ({ uses }: JsonObject): boolean => String(uses).startsWith("cache/");
  const kept = source.checkout === undefined ? list.filter((one) => !isCache(one)) : list;
  const saves = source.checkout === undefined ? [] : caches.map(saveCacheStep);
  return { list: [...kept, ...saves], hasLeftOut, ids, checkout: source };
}

function readStep({ step, at, names, importing, ...place }: StepOf): readonly JsonObject[] {
  for (const key of Object.keys(step)) if (!STEP_KEYS.has(key)) importing.note([...at, key], unsupported(key));
  if (typeof step["continue-on-error"] === "string")
    importing.note([...at, "continue-on-error"], "`continueOnError` of a step is no expression");
  const common = {
    title: plainText(step.name),
    when: conditionOf(step.if, [...at, "if"], names, importing),
    timeout: minutesOf(step, at, importing),
    continueOnError: step["continue-on-error"] === true ? true : undefined,
  };
  const id = typeof step.id === "string" ? idOf(step.id, "step") : undefined;
  if (typeof step.uses === "string") {
    const actions = ofAction(step.uses, { step, at, names, importing, ...place });
    return actions.map((action, index) =>
      compact({
        ...action,
        ...(id === undefined || index > 0 ? {} : { id }),
        ...common,
        title: action.title ?? common.title,
      }),
    );
  }
  if (typeof step.run !== "string") return [];
  return [compact({ id, ...common, ...scriptOf(step, at, names, importing) })];
}

function scriptOf(step: JsonObject, at: Path, names: NameTable, importing: Importing): JsonObject {
  const shell = String(step.shell ?? importing.defaults.shell ?? "bash").split(" ")[0] ?? "bash";
  const known = shell === "python" ? "python3" : shell;
  if (!SHELLS.has(known)) importing.note([...at, "shell"], `the shell \`${shell}\` has no counterpart`);
  const taken = takeValues(String(step.run));
  const isShell = known === "sh" || known === "bash";
  if (taken.values.length > 0 && !isShell)
    importing.note(
      [...at, "run"],
      "an expression in a script that is not for a shell: read the variable that `env` gives",
    );
  const old = OLD_COMMANDS.exec(taken.script)?.[1];
  if (old !== undefined)
    importing.note(
      [...at, "run"],
      `the command \`::${old}::\` is text here: write to the file $GANTRY_OUTPUT, or set \`env\` of later steps`,
    );
  let script = taken.script;
  for (const [theirs, ours] of Object.entries(FILES)) script = script.replaceAll(theirs, ours);
  if (/GITHUB_(ENV|PATH)\b/.test(script))
    importing.note(
      [...at, "run"],
      "`GITHUB_ENV` and `GITHUB_PATH` have no counterpart: write an output, and set `env` of later steps",
    );
  const values: { [name: string]: string } = {};
  for (const { name, expression } of taken.values) values[name] = `\${{ ${expression} }}`;
  const own = valuesOf({ ...(isJsonObject(step.env) ? step.env : {}), ...values }, [...at, "run"], names, importing);
  const directory = step["working-directory"] ?? importing.defaults["working-directory"];
  return compact({
    run: script,
    shell: SHELLS.has(known) ? known : undefined,
    workingDirectory: typeof directory === "string" ? directory : undefined,
    env: orNothing({ ...variablesIn(script, /\bGITHUB_[A-Z_]+\b/g, names.variable), ...own }),
  });
}

function valuesOf(values: JsonObject, at: Path, names: NameTable, importing: Importing): JsonObject {
  const result: { [name: string]: JsonValue } = {};
  for (const [name, value] of Object.entries(values)) {
    if (isReservedVariable(name)) {
      importing.note(at, `the variable ${name} is set by the runner and cannot be set by a pipeline`);
      continue;
    }
    try {
      result[name] = typeof value === "string" ? names.template(value) : String(value ?? "");
    } catch (error) {
      if (!(error instanceof Untranslatable)) throw error;
      importing.note(at, `${name}: ${error.message}`);
    }
  }
  return result;
}

function renamed(values: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [underscored(name), value]));
}

/** A condition that cannot be said must not be left out: the step would run where it must not. */
function conditionOf(
  value: JsonValue | undefined,
  at: Path,
  names: NameTable,
  importing: Importing,
): string | undefined {
  if (value === undefined || value === null) return undefined;
  const source = String(value)
    .trim()
    .replace(/^\$\{\{(.*)\}\}$/s, "$1")
    .trim();
  try {
    const condition = names.expression(source);
    return condition === "true" ? "always" : condition === 'status == "succeeded"' ? undefined : condition;
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    importing.note(at, `\`if: ${source}\`: ${error.message}. What it belongs to is never run`);
    return "1 == 2";
  }
}

function labelsOf(value: JsonValue | undefined, at: Path, names: NameTable, importing: Importing): readonly string[] {
  const wanted = isJsonObject(value) ? textsOf(value.labels) : textsOf(value);
  return wanted.flatMap((label) => {
    if (label === "self-hosted") return [];
    if (/^ubuntu-/.test(label)) return [];
    try {
      return [names.template(label)];
    } catch (error) {
      if (!(error instanceof Untranslatable)) throw error;
      importing.note(at, error.message);
      return [];
    }
  });
}

function matrixOf(strategy: JsonObject, at: Path, { note }: Importing): JsonObject {
  const { matrix } = strategy;
  if (matrix === undefined) return {};
  if (!isJsonObject(matrix)) {
    note([...at, "matrix"], "a matrix from an expression has no counterpart: use `each`");
    return {};
  }
  const { include, exclude, ...axes } = matrix;
  for (const [axis, values] of Object.entries(axes))
    if (!Array.isArray(values)) note([...at, "matrix", axis], `the axis ${axis} is an expression: use \`each\``);
  const lists = renamed(Object.fromEntries(Object.entries(axes).filter(([, values]) => Array.isArray(values))));
  const maxParallel = strategy["max-parallel"];
  const included = combinations(include);
  const axed = Object.keys(lists).length > 0;
  return compact({
    matrix: axed ? compact({ ...lists, include: included, exclude: combinations(exclude) }) : undefined,
    each: axed ? undefined : included,
    maxParallel: typeof maxParallel === "number" ? maxParallel : undefined,
    failFast: strategy["fail-fast"] === false ? undefined : true,
  });
}

function combinations(value: JsonValue | undefined): JsonValue | undefined {
  return orNothing(listOf(value).filter(isJsonObject).map(renamed));
}

function plainText(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value.replace(/\$\{\{.*?\}\}/gs, "…") : undefined;
}
