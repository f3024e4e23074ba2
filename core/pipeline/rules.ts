// The rules of pipeline files that their schema cannot express. Each checks the whole file and reports every mistake of one
// kind.

import { goodArtifacts } from "../artifact/rules-artifacts.ts";
import { checkBuildFacts } from "../build/build.ts";
import { goodCallback } from "../callback/rules-callback.ts";
import { goodChildren } from "../child/child-rules.ts";
import { actionOf } from "../choice/actions.ts";
import { goodConcurrency } from "../concurrency/concurrency-rules.ts";
import { ERRORS } from "../errors.ts";
import { type Path, type PathProblem, placeAround, withSubject } from "../issues.ts";
import { isJsonObject, type JsonValue } from "../json.ts";
import { goodMatrices } from "../matrix/matrix-rules.ts";
import { didYouMean } from "../suggest.ts";
import { fittingForks } from "../trigger/rules-forks.ts";
import { goodTriggers } from "../trigger/rules-triggers.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import type { JobFile } from "./file.ts";
import { checkSchema } from "./json-schema.ts";
import { DEFAULT_JOB_TIMEOUT_MS } from "./normalise.ts";
import type { Retry } from "./retry.ts";
import { allJobs, allSteps, jobFiles, type Rule, type RuleContext, stepFiles } from "./rule.ts";
import { goodApprovals, goodOutputTypes, goodParams } from "./rules-params.ts";
import { goodExpressions } from "./rules-references.ts";
import { fittingTypes, goodConditions, goodLists, goodNames } from "./rules-values.ts";
import { typesOf } from "./template-sources.ts";
import { possibleComparisons } from "./types/rules-comparisons.ts";

const MAX_STEPS = 5_000;
const MAX_JOBS = 1_000;

export const RULES: readonly Rule[] = [
  distinctIds,
  knownNeeds,
  goodConcurrency,
  goodTexts,
  noCycles,
  oneActionPerStep,
  plainTitles,
  knownSteps,
  goodInputs,
  boundedSize,
  goodMatrices,
  usefulTimes,
  goodParams,
  goodOutputTypes,
  goodApprovals,
  goodArtifacts,
  goodExpressions,
  goodConditions,
  fittingTypes,
  possibleComparisons,
  goodLists,
  goodNames,
  goodRetries,
  goodResult,
  goodAction,
  goodTriggers,
  fittingForks,
  goodChildren,
  goodCallback,
];

function distinctIds({ pipeline }: RuleContext): readonly PathProblem[] {
  const jobs = allJobs(pipeline);
  return [
    ...twins(jobs.map(({ job, path }) => ({ id: job.id, path }))),
    ...jobs.flatMap(({ job, path }) =>
      twins(job.steps.map((step, index) => ({ id: step.id, path: [...path, "steps", index, "id"] }))),
    ),
  ];
}

function goodRetries({ pipeline }: RuleContext): readonly PathProblem[] {
  return allJobs(pipeline).flatMap(({ job, path }) => [
    ...wrongRetry(job.retry, [...path, "retry"]),
    ...job.steps.flatMap(({ retry }, index) =>
      retry === undefined ? [] : wrongRetry(retry, [...path, "steps", index, "retry"]),
    ),
  ]);
}

function wrongRetry(retry: Retry, path: Path): readonly PathProblem[] {
  const problems: PathProblem[] = [];
  const at = (key: string, detail: string) => problems.push({ path: [...path, key], detail, on: "key" });
  if (retry.exitCodes !== undefined && !retry.on?.includes("failed"))
    at("exitCodes", "`exitCodes` apply only to scripts that failed; add `failed` to `on`");
  if (retry.errors !== undefined && !retry.on?.includes("errored"))
    at("errors", "`errors` apply only to what ended as errored; add `errored` to `on`");
  retry.errors?.forEach((code, index) => {
    if (Object.hasOwn(ERRORS, code)) return;
    const detail = `${code} is not the code of an error${didYouMean(code, Object.keys(ERRORS))}`;
    problems.push({ path: [...path, "errors", index], detail, on: "value" });
  });
  if (retry.maxDelayMs !== undefined && retry.backoff !== "exponential")
    at("maxDelay", "`maxDelay` applies only with `backoff: exponential`");
  else if (retry.maxDelayMs !== undefined && retry.maxDelayMs < retry.delayMs)
    at("maxDelay", "`maxDelay` is shorter than `delay`");
  return problems;
}

/** A list would become the text of its JSON, which is the name of no target, and a group that nobody meant. */
function goodTexts(context: RuleContext): readonly PathProblem[] {
  const { pipeline, file } = context;
  const { group, same } = pipeline.concurrency ?? {};
  const texts: readonly { readonly template: JsonValue | undefined; readonly path: Path }[] = [
    { template: group, path: typeof file.concurrency === "string" ? ["concurrency"] : ["concurrency", "group"] },
    { template: same, path: ["concurrency", "same"] },
    ...allJobs(pipeline).flatMap(({ job, path }) => [
      { template: job.deploys, path: [...path, "deploys"] },
      { template: job.concurrency?.group, path: [...path, "concurrency", "group"] },
    ]),
  ];
  return texts.flatMap(({ template = "", path }): readonly PathProblem[] => {
    const [type, ...others] = typesOf(context, template) ?? [];
    if (others.length > 0 || (type !== "array" && type !== "object")) return [];
    const detail = `${path.at(-1)} must be text, and this gives ${type === "array" ? "a list" : "a map"}`;
    return [{ path, detail, on: "value" }];
  });
}

function twins(named: readonly { id: string; path: PathProblem["path"] }[]): readonly PathProblem[] {
  const seen = new Map<string, string>();
  return named.flatMap(({ id, path }) => {
    const twin = seen.get(id.toLowerCase());
    seen.set(id.toLowerCase(), id);
    if (twin === undefined) return [];
    const detail = twin === id ? `the id ${id} occurs twice` : `the ids ${twin} and ${id} differ only by case`;
    return [{ path, detail, on: path.at(-1) === "id" ? ("value" as const) : ("key" as const) }];
  });
}

function knownNeeds({ pipeline, jobIds }: RuleContext): readonly PathProblem[] {
  const finals = new Set(pipeline.finally.map((job) => job.id));
  const known = new Set(jobIds);
  return allJobs(pipeline).flatMap(({ job, path }) =>
    job.needs.flatMap((need, index) => {
      const detail =
        need === job.id
          ? `the job ${job.id} needs itself`
          : !known.has(need)
            ? `there is no job ${need}${didYouMean(need, jobIds)}`
            : finals.has(need) && !finals.has(job.id)
              ? `the job ${need} runs at the end (finally), so nothing before can need it`
              : job.needs.indexOf(need) < index
                ? `the job ${need} is named twice`
                : undefined;
      return detail === undefined ? [] : [{ path: [...path, "needs", index], detail, on: "value" as const }];
    }),
  );
}

/** Removes jobs without unmet needs, until none are left or only jobs in cycles and their dependents. */
function noCycles({ pipeline }: RuleContext): readonly PathProblem[] {
  const jobs = new Map(allJobs(pipeline).map(({ job, path }) => [job.id, { job, path }]));
  const open = new Map(
    [...jobs].map(([id, { job }]) => [id, job.needs.filter((need) => jobs.has(need) && need !== id)]),
  );
  const dependents = new Map<string, string[]>();
  const unmet = new Map([...open].map(([id, needs]) => [id, needs.length]));
  for (const [id, needs] of open) for (const need of needs) dependents.set(need, [...(dependents.get(need) ?? []), id]);
  const free = [...open.keys()].filter((id) => unmet.get(id) === 0);
  for (let id = free.pop(); id !== undefined; id = free.pop()) {
    open.delete(id);
    for (const dependent of dependents.get(id) ?? []) {
      const left = (unmet.get(dependent) ?? 0) - 1;
      unmet.set(dependent, left);
      if (left === 0) free.push(dependent);
    }
  }
  const problems: PathProblem[] = [];
  const reported = new Set<string>();
  for (const first of open.keys()) {
    const trail: string[] = [];
    let at: string | undefined = first;
    while (at !== undefined && !reported.has(at) && !trail.includes(at)) {
      trail.push(at);
      at = open.get(at)?.find((need) => open.has(need));
    }
    if (at !== undefined && !reported.has(at)) {
      const cycle = trail.slice(trail.indexOf(at));
      const path = jobs.get(at)?.path ?? [];
      problems.push({
        path: [...path, "needs"],
        detail: `jobs need each other: ${[...cycle, at].join(" → ")}`,
        on: "key",
      });
    }
    for (const id of trail) reported.add(id);
  }
  return problems;
}

function oneActionPerStep({ file }: RuleContext): readonly PathProblem[] {
  return stepFiles(file).flatMap(({ step, path }) => {
    const at = (key: string, detail: string): PathProblem => ({ path: [...path, key], detail, on: "key" });
    const problems: PathProblem[] = [];
    if (step.uses === undefined && step.run === undefined) {
      problems.push({ path, detail: "a step needs `uses` or `run`", on: "value" });
    }
    if (step.uses !== undefined && step.run !== undefined)
      problems.push(at("run", "a step has `uses` or `run`, not both"));
    if (step.with !== undefined && step.uses === undefined && step.run !== undefined) {
      problems.push(at("with", "`with` belongs to `uses`; pass values to a script with `env`"));
    }
    for (const key of ["shell", "workingDirectory"] as const) {
      if (step[key] !== undefined && step.run === undefined) problems.push(at(key, `\`${key}\` belongs to \`run\``));
    }
    if (step.missingSystem !== undefined && step.uses === undefined)
      problems.push(at("missingSystem", "`missingSystem` is for `uses`: a script uses no system of the site"));
    if (step.scope !== undefined && step.uses === undefined)
      problems.push(
        at("scope", "`scope` belongs to `uses`: a script never gets the credentials of the site's systems"),
      );
    if (step.run?.includes("${{")) {
      problems.push(at("run", "a script cannot contain an expression; pass the value with `env` and use the variable"));
    }
    const folder = step.workingDirectory;
    if (
      folder !== undefined &&
      (folder.startsWith("/") || folder.split(/[\\/]/).includes("..") || folder.includes("${{"))
    ) {
      problems.push(at("workingDirectory", "the folder must be below the workspace and cannot contain an expression"));
    }
    return problems;
  });
}

/** Titles are shown before any value is known. */
function plainTitles({ file }: RuleContext): readonly PathProblem[] {
  const titled = [
    { title: file.title, path: ["title"] },
    { title: file.button, path: ["button"] },
    ...jobFiles(file).map(({ job, path }) => ({ title: job.title, path: [...path, "title"] })),
    ...stepFiles(file).map(({ step, path }) => ({ title: step.title, path: [...path, "title"] })),
  ];
  return titled
    .filter(({ title }) => title?.includes("${{"))
    .map(({ path }) => ({ path, detail: "a title cannot contain an expression", on: "value" }));
}

const FOREIGN_ACTION =
  "; actions of other systems cannot be used: take a step of Gantry, such as git/checkout, or `run`";

function knownSteps({ pipeline, steps }: RuleContext): readonly PathProblem[] {
  return allSteps(pipeline).flatMap(({ step, path }) => {
    const { action } = step;
    if (action.kind !== "uses" || steps.has(action.uses)) return [];
    const isForeign = /@|^docker:|^\.\.?\//.test(action.uses);
    const hint = isForeign ? FOREIGN_ACTION : didYouMean(action.uses, steps.keys());
    const detail = `there is no step ${action.uses}${hint}`;
    return [{ path: [...path, "uses"], detail, on: "value" as const }];
  });
}

function goodInputs(context: RuleContext): readonly PathProblem[] {
  const { pipeline, steps } = context;
  return allSteps(pipeline).flatMap(({ step, path }) => {
    const { action } = step;
    const description = action.kind === "uses" ? steps.get(action.uses) : undefined;
    if (action.kind !== "uses" || description === undefined) return [];
    const found = checkSchema(description.input, action.with, {
      unknown: (value) => typeof value === "string" && value.includes("${{"),
      typesOf: (value) => typesOf(context, value),
    });
    return found.map((problem): PathProblem => {
      const missing = problem.path.length === 0;
      const isUnknownKey = problem.detail.includes(" is not known");
      const detail = withSubject(problem.path, problem.detail);
      // The subject of the sentence: for a missing key the map that lacks it, otherwise the name of the place.
      const names = isUnknownKey || detail !== problem.detail ? placeAround(problem.path) : problem.path.join(".");
      return {
        path: [...path, "with", ...problem.path],
        detail: `${action.uses}: ${names === "" ? "" : `${names}: `}${detail}`,
        on: missing || isUnknownKey ? "key" : "value",
      };
    });
  });
}

function boundedSize({ pipeline }: RuleContext): readonly PathProblem[] {
  const jobs = allJobs(pipeline);
  const problems: PathProblem[] = [];
  if (jobs.length > MAX_JOBS)
    problems.push({ path: ["jobs"], detail: `there are more than ${MAX_JOBS} jobs`, on: "key" });
  if (allSteps(pipeline).length > MAX_STEPS) {
    problems.push({ path: ["jobs"], detail: `there are more than ${MAX_STEPS} steps`, on: "key" });
  }
  return problems;
}

function usefulTimes({ file, pipeline }: RuleContext): readonly PathProblem[] {
  const timed = [
    ...allJobs(pipeline).map(({ job, path }) => ({ ms: job.timeoutMs, path })),
    ...allSteps(pipeline).map(({ step, path }) => ({ ms: step.timeoutMs, path })),
  ];
  return [
    ...timed
      .filter(({ ms }) => ms === 0)
      .map(({ path }): PathProblem => {
        return { path: [...path, "timeout"], detail: "a timeout must be longer than 0", on: "value" };
      }),
    ...jobFiles(file).flatMap(({ job, path }) => longSteps(job, path)),
  ];
}

/** The time of a job includes that of its steps. */
function longSteps({ timeout, steps = [] }: JobFile, path: Path): readonly PathProblem[] {
  const most = timeout === undefined ? DEFAULT_JOB_TIMEOUT_MS : (parseDuration(timeout) ?? 0);
  const ends =
    timeout === undefined
      ? `a job ends after ${formatDuration(most)} unless it has a \`timeout\``
      : `the job ends after ${timeout}`;
  return steps.flatMap((step, index): PathProblem[] => {
    if (most === 0 || step.timeout === undefined || (parseDuration(step.timeout) ?? 0) <= most) return [];
    const advice = `give the job ${timeout === undefined ? "one" : "a longer `timeout`"}`;
    const detail = `${ends}, so the step never has ${step.timeout}; ${advice}`;
    return [{ path: [...path, "steps", index, "timeout"], detail, on: "value" }];
  });
}

function goodResult(context: RuleContext): readonly PathProblem[] {
  const { file, pipeline } = context;
  const problems: PathProblem[] = [];
  if (pipeline.app === "new") {
    if (pipeline.outputs.app === undefined) {
      problems.push({ path: ["app"], detail: "`app: new` needs `outputs.app`: the record of the app", on: "key" });
    } else if (!mayBeMap(context, pipeline.outputs.app))
      problems.push({
        path: ["outputs", "app"],
        detail: "`outputs.app` must be a map: the record of the app",
        on: "value",
      });
    if (pipeline.params.properties.name?.type !== "string" || !pipeline.params.required.includes("name")) {
      problems.push({ path: ["app"], detail: "`app: new` needs a required param `name` of type string", on: "key" });
    }
  }
  if (pipeline.app === "none" && Object.keys(file.remember ?? {}).length > 0) {
    problems.push({
      path: ["remember"],
      detail: "`remember` keeps facts of an app, and this pipeline has none",
      on: "key",
    });
  }
  if (pipeline.app !== "existing" && file.build !== undefined)
    problems.push({ path: ["build"], detail: "`build` is kept with an app that exists: `app: existing`", on: "key" });
  if (pipeline.app === "new" && pipeline.undo !== undefined)
    problems.push({
      path: ["undo"],
      detail: "people take back the creation of an app that failed, or repeat it",
      on: "key",
    });
  problems.push(...wrongBuild(context));
  return problems;
}

function mayBeMap(context: RuleContext, value: JsonValue): boolean {
  if (typeof value === "string" && value.includes("${{")) return typesOf(context, value)?.includes("object") ?? true;
  return isJsonObject(value);
}

function wrongBuild(context: RuleContext): readonly PathProblem[] {
  const { build } = context.file;
  if (build === undefined) return [];
  const found = checkBuildFacts(build, {
    unknown: (value) => typeof value === "string" && value.includes("${{"),
    typesOf: (value) => typesOf(context, value),
  });
  return found.map(({ path, detail, missing }): PathProblem => {
    if (missing !== undefined && path.length === 0)
      return { path: ["build"], detail: `\`build\` needs \`${missing}\``, on: "key" };
    return { path: ["build", ...path], detail: withSubject(path, detail), on: missing === undefined ? "value" : "key" };
  });
}

/** `action` and `apps` say which button of which apps starts the pipeline. */
function goodAction({ file, pipeline }: RuleContext): readonly PathProblem[] {
  if (file.action !== undefined && pipeline.app !== "existing")
    return [{ path: ["action"], detail: "`action` is a button of an app that exists: `app: existing`", on: "key" }];
  if (file.apps !== undefined && actionOf(pipeline) === undefined && file.triggers === undefined)
    return [
      {
        path: ["apps"],
        detail: "`apps` belongs to `action` or `triggers`: the apps whose button or trigger starts it",
        on: "key",
      },
    ];
  return [];
}
