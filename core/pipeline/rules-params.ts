// Rules for `params` and for what an approval asks: limits that fit the type, patterns that can be checked, defaults that fit.

import { approversProblems } from "../access/approval.ts";
import { isTemplated } from "../expr/template.ts";
import { type PathProblem, withSubject } from "../issues.ts";
import { compilePattern } from "../pattern/pattern.ts";
import { didYouMean } from "../suggest.ts";
import { checkSchema, type PatternBudget, patternBudget } from "./json-schema.ts";
import type { Job, ParamSchema } from "./pipeline.ts";
import type { RuleContext } from "./rule.ts";
import { typesOf } from "./template-sources.ts";

const FOR_TYPES: { readonly [key: string]: readonly string[] } = {
  pattern: ["string"],
  minLength: ["string"],
  maxLength: ["string"],
  minimum: ["integer", "number"],
  maximum: ["integer", "number"],
  items: ["array"],
  properties: ["object"],
  additionalProperties: ["object"],
  secret: ["string"],
};

export function goodParams(context: RuleContext): readonly PathProblem[] {
  const { pipeline } = context;
  const budget = patternBudget();
  return Object.entries(pipeline.params.properties).flatMap(([name, param]) => [
    ...checkParam(param, ["params", name], budget),
    ...checkTemplate({ context, budget }, param, ["params", name, "default"]),
    ...(param["x-ui"] === "build" ? checkBuild(context, name, param) : []),
    ...checkPlace(param, ["params", name]),
    ...(param.secret === true ? checkSecret(param, ["params", name], pipeline.app === "new" && name === "name") : []),
  ]);
}

function checkTemplate(
  { context, budget }: { readonly context: RuleContext; readonly budget: PatternBudget },
  param: ParamSchema,
  path: readonly string[],
): readonly PathProblem[] {
  if (param.default === undefined || !isTemplated(param.default)) return [];
  const found = checkSchema(param, param.default, {
    unknown: isTemplated,
    typesOf: (value) => typesOf(context, value),
    budget,
  });
  return found.map(({ path: inner, detail }) => ({
    path: [...path, ...inner],
    detail: `the default does not fit: ${detail}`,
    on: "value",
  }));
}

/** It names a build by its number or by a digest, and without a value the newest build is taken. */
function checkBuild({ pipeline }: RuleContext, name: string, param: ParamSchema): readonly PathProblem[] {
  const at = (key: string, detail: string): PathProblem => ({ path: ["params", name, key], detail, on: "value" });
  const first = Object.entries(pipeline.params.properties).find((one) => one[1]["x-ui"] === "build")?.[0];
  return [
    ...(pipeline.app === "existing" ? [] : [at("ui", "only an app that exists has builds: `app: existing`")]),
    ...(first === name ? [] : [at("ui", `a task has one build, and ${first} chooses it`)]),
    ...(param.type === "string" ? [] : [at("type", "a param with `ui: build` must have the type string")]),
    ...(param.secret === true ? [at("secret", "the choice of a build cannot be secret")] : []),
    ...(param.default === undefined || param.default === ""
      ? []
      : [at("default", "a param with `ui: build` has no default: without a value, the newest build is taken")]),
  ];
}

/** Targets and sites have names: another value is none of them. */
function checkPlace(param: ParamSchema, path: readonly string[]): readonly PathProblem[] {
  const ui = param["x-ui"];
  if (ui !== "target" && ui !== "site") return [];
  const { type } = param.type === "array" ? (param.items ?? { type: "string" }) : param;
  if (type === "string") return [];
  const detail = `a param with \`ui: ${ui}\` must have the type string, or array of it`;
  return [{ path: [...path, param.type === "array" ? "items" : "type"], detail, on: "value" }];
}

function checkSecret(param: ParamSchema, path: readonly string[], isAppName: boolean): readonly PathProblem[] {
  const at = (key: string, detail: string): PathProblem => ({ path: [...path, key], detail, on: "value" });
  return [
    ...(param.default === undefined
      ? []
      : [at("default", "a secret cannot have a default: everybody can read this file")]),
    ...(param.enum === undefined ? [] : [at("enum", "a secret cannot have choices: everybody can read this file")]),
    ...(isAppName ? [at("secret", "the name of the app cannot be secret")] : []),
  ];
}

function checkParam(
  param: ParamSchema,
  path: readonly (string | number)[],
  budget: PatternBudget,
): readonly PathProblem[] {
  const problems: PathProblem[] = [];
  const at = (key: string, detail: string) => problems.push({ path: [...path, key], detail, on: "value" });
  for (const [key, types] of Object.entries(FOR_TYPES)) {
    // Without it in the file, it is false.
    const isInFile = key !== "additionalProperties" || param[key] !== false;
    if (isInFile && Object.hasOwn(param, key) && !types.includes(param.type))
      at(key, `\`${key}\` does not apply to type ${param.type}`);
  }
  if (param.pattern !== undefined) {
    const compiled = compilePattern(param.pattern);
    if ("problem" in compiled) at("pattern", `the pattern cannot be used: ${compiled.problem}`);
  }
  if ((param.minLength ?? 0) > (param.maxLength ?? Number.POSITIVE_INFINITY))
    at("minLength", "minLength is above maxLength");
  if ((param.minimum ?? Number.NEGATIVE_INFINITY) > (param.maximum ?? Number.POSITIVE_INFINITY)) {
    at("minimum", "minimum is above maximum");
  }
  const { default: fallback, enum: choices, ...rest } = param;
  for (const [index, choice] of (choices ?? []).entries()) {
    for (const problem of checkSchema(rest, choice, { budget })) {
      problems.push({
        path: [...path, "enum", index],
        detail: `the choice does not fit: ${problem.detail}`,
        on: "value",
      });
    }
  }
  if (fallback !== undefined && !isTemplated(fallback)) {
    for (const problem of checkSchema(param, fallback, { budget })) {
      problems.push({
        path: [...path, "default", ...problem.path],
        detail: `the default does not fit: ${problem.detail}`,
        on: "value",
      });
    }
  }
  return [
    ...problems,
    ...innerOf(param).flatMap(({ inner, at: behind }) => checkParam(inner, [...path, ...behind], budget)),
  ];
}

/** The types inside of a list or of a map. */
function innerOf({ items, properties = {}, additionalProperties }: ParamSchema) {
  return [
    ...(items === undefined ? [] : [{ inner: items, at: ["items"] }]),
    ...Object.entries(properties).map(([name, inner]) => ({ inner, at: ["properties", name] })),
    ...(additionalProperties ? [{ inner: additionalProperties, at: ["additionalProperties"] }] : []),
  ];
}

/** Each type is for an output, and what its template certainly gives fits. */
export function goodOutputTypes(context: RuleContext): readonly PathProblem[] {
  const { jobs, finally: last } = context.pipeline;
  return [
    ...jobs.flatMap((job) => outputTypesOf(context, job, ["jobs", job.id])),
    ...last.flatMap((job) => outputTypesOf(context, job, ["finally", job.id])),
  ];
}

function outputTypesOf(context: RuleContext, { outputs, outputTypes = {} }: Job, path: readonly string[]) {
  const budget = patternBudget();
  return Object.entries(outputTypes).flatMap(([name, type]): readonly PathProblem[] => {
    const at = [...path, "outputTypes", name];
    const known = Object.keys(outputs);
    const template = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
    if (template === undefined)
      return [{ path: at, detail: `the job has no output ${name}${didYouMean(name, known)}`, on: "key" }];
    const found = checkSchema(type, template, {
      unknown: isTemplated,
      // A text is read as JSON when it becomes the output.
      typesOf: (value) => typesOf(context, value)?.flatMap((one) => (one === "string" ? [one, type.type] : [one])),
      budget,
    });
    return [
      ...checkParam(type, at, budget),
      ...found.map(({ path: inner, detail }): PathProblem => {
        return {
          path: [...path, "outputs", name, ...inner],
          detail: withSubject([name, ...inner], detail),
          on: "value",
        };
      }),
    ];
  });
}

export function goodApprovals({ pipeline, file }: RuleContext): readonly PathProblem[] {
  const nobody = Object.entries(file.jobs).flatMap(([id, { approval }]): PathProblem[] => {
    if (typeof approval !== "object" || approval.approvers?.length !== 0) return [];
    const detail = "this would be everybody with the verb `approve`: leave `approvers` out, or name some";
    return [{ path: ["jobs", id, "approval", "approvers"], detail, on: "value" }];
  });
  return [
    ...nobody,
    ...pipeline.jobs.flatMap((job) => ofJob(job, ["jobs", job.id])),
    ...pipeline.finally.flatMap((job) => inFinally(job, ["finally", job.id])),
  ];
}

function ofJob({ approval }: Job, path: readonly string[]): readonly PathProblem[] {
  if (approval === undefined) return [];
  const budget = patternBudget();
  const inputs = Object.entries(approval.inputs?.properties ?? {}).flatMap(([name, param]) => {
    const at = [...path, "approval", "inputs", name];
    return [...checkParam(param, at, budget), ...checkInput(param, at)];
  });
  const people = approversProblems(approval).map(({ path: key, detail }): PathProblem => {
    return { path: [...path, "approval", key], detail, on: "value" };
  });
  return [...people, ...inputs];
}

/** The answer stands in the history of the task, and the form is the same for every job. */
function checkInput(param: ParamSchema, path: readonly string[]): readonly PathProblem[] {
  const at = (key: string, detail: string): PathProblem => ({ path: [...path, key], detail, on: "value" });
  return [
    ...(param.secret === true
      ? [at("secret", "what an approver answers is shown to everybody: use a secret of the site")]
      : []),
    ...(param["x-ui"] === "build" || param["x-ui"] === "target"
      ? [
          at(
            "ui",
            `an input of an approval cannot have \`ui: ${param["x-ui"]}\`: the task has its build and targets already`,
          ),
        ]
      : []),
  ];
}

/** A job of `finally` always runs, so nothing may hold it. */
function inFinally({ approval, environment, deploys }: Job, path: readonly string[]): readonly PathProblem[] {
  return Object.entries({ approval, environment, deploys }).flatMap(([key, value]): readonly PathProblem[] => {
    if (value === undefined) return [];
    return [{ path: [...path, key], detail: `a job of finally always runs, so it cannot have \`${key}\``, on: "key" }];
  });
}
