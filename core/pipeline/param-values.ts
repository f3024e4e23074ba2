// Reads params.yaml: what an installation offers and presets in the forms of its pipelines. Pipeline files stay the same in
// every installation, because sites, clusters, projects and templates are named here. Pure.

import { z } from "zod";
import type { Problem } from "../errors.ts";
import { describeIssues, type Path, withSubject } from "../issues.ts";
import { isJsonObject, type JsonValue } from "../json.ts";
import { didYouMean } from "../suggest.ts";
import { checkSchema } from "./json-schema.ts";
import type { ParamSchema, Pipeline } from "./pipeline.ts";
import { placedProblem } from "./placed-problem.ts";
import { plainValue, readSource } from "./source.ts";

const valuesOfParam = z
  .strictObject({
    /** In place of the default of the pipeline file. */
    default: z.json().optional(),
    /** Other values are refused. Of a list: what its elements may be. */
    choices: z.array(z.json()).min(1).max(1_000).optional(),
  })
  .refine((one) => one.default !== undefined || one.choices !== undefined, "must have default or choices");
const shape = z.record(z.string(), z.record(z.string(), valuesOfParam));

/** By param. */
export type ParamValues = {
  readonly [param: string]: {
    readonly default?: JsonValue | undefined;
    readonly choices?: readonly JsonValue[] | undefined;
  };
};

const KEYS = ["default", "choices"];

/**
 * The pipelines with these values in their params, by name, only those that change. `file`: its name, for the problems.
 * `pipelines`: all of the set. A pipeline that has mistakes itself is not among them, but in `others`.
 */
export function readParamValues(
  { file, text }: { readonly file: string; readonly text: string },
  pipelines: readonly Pipeline[],
  others: readonly string[] = [],
): { readonly changed: ReadonlyMap<string, Pipeline> } | { readonly problems: readonly Problem[] } {
  const { root, problems: found } = readSource(text);
  if (root === undefined || found.length > 0)
    return { problems: found.map(({ at, detail }) => ({ detail, file, line: at.line, column: at.column })) };
  const problems: Problem[] = [];
  const report = (path: Path, detail: string, on?: "key" | "value"): void => {
    problems.push(placedProblem({ root, file }, path, detail, on));
  };
  const value = plainValue(root);
  const parsed = shape.safeParse(value);
  if (!parsed.success) {
    const keysAt = (path: Path): readonly string[] => (path.length === 2 ? KEYS : []);
    for (const { path, detail, on } of describeIssues(parsed.error.issues, value, { keysAt, whole: "the file" }))
      report(path, detail, on);
    return { problems };
  }
  const changed = new Map<string, Pipeline>();
  const names = [...pipelines.map(({ name }) => name), ...others];
  for (const [name, values] of Object.entries(parsed.data)) {
    const pipeline = pipelines.find((one) => one.name === name);
    if (pipeline)
      changed.set(
        name,
        withValues(pipeline, values, (path, ...rest) => report([name, ...path], ...rest)),
      );
    else if (!others.includes(name)) report([name], `there is no pipeline ${name}${didYouMean(name, names)}`, "key");
  }
  return problems.length > 0 ? { problems } : { changed };
}

export type Report = (path: Path, detail: string, on?: "key" | "value") => void;

/** The pipeline with these values in its params. Those that do not fit are reported. `subject`: the name of a default in words. */
export function withValues(
  pipeline: Pipeline,
  values: ParamValues,
  report: Report,
  subject: (param: string) => string = () => "default",
): Pipeline {
  const { properties, required } = pipeline.params;
  const next: Record<string, ParamSchema> = { ...properties };
  for (const [name, { default: preset, choices }] of Object.entries(values)) {
    const param = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (!param) {
      report(
        [name],
        `the pipeline ${pipeline.name} has no param ${name}${didYouMean(name, Object.keys(properties))}`,
        "key",
      );
      continue;
    }
    if (param.secret === true) {
      report([name], "a secret has neither a default nor choices", "key");
      continue;
    }
    for (const [at, choice] of (choices ?? []).entries())
      for (const { detail } of checkSchema(param.items ?? param, choice))
        report([name, "choices", at], withSubject(["choices", at], detail));
    const offered = choices === undefined ? param : withChoices(param, choices);
    if (preset !== undefined)
      checkPreset(offered, preset, (path, detail) =>
        report([name, "default", ...path], withSubject([subject(name), ...path], detail)),
      );
    next[name] = preset === undefined ? offered : { ...offered, default: preset };
  }
  // A value that is preset need not be given.
  const stillRequired = required.filter((name) => values[name]?.default === undefined);
  return { ...pipeline, params: { ...pipeline.params, properties: next, required: stillRequired } };
}

function withChoices(param: ParamSchema, choices: readonly JsonValue[]): ParamSchema {
  return param.items === undefined
    ? { ...param, enum: choices }
    : { ...param, items: { ...param.items, enum: choices } };
}

function checkPreset(param: ParamSchema, preset: JsonValue, report: (path: Path, detail: string) => void): void {
  if (hasExpression(preset)) {
    report([], "an expression is not allowed here; write it in the pipeline file");
    return;
  }
  for (const { path, detail } of checkSchema(param, preset)) report(path, detail);
}

/** Whether any text inside has an expression. */
export function hasExpression(value: JsonValue): boolean {
  if (typeof value === "string") return value.includes("${{");
  if (Array.isArray(value)) return value.some(hasExpression);
  return isJsonObject(value) && Object.values(value).some(hasExpression);
}
