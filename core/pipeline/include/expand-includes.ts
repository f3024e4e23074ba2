// Puts the templates that a pipeline file includes in their places. Every part keeps the place where it was written, and the
// place that includes it. Pure.

import { checkExpression } from "../../expr/expression.ts";
import type { Typing } from "../../expr/typed-check.ts";
import { describeIssues, type Path, type PathProblem, withSubject } from "../../issues.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts";
import { didYouMean } from "../../suggest.ts";
import { checkSchema } from "../json-schema.ts";
import { paramsSchema } from "../normalise.ts";
import { type Place, placeAt, plainValue, type Source, type SourceEntry, type SourceProblem } from "../source.ts";
import { typesOf } from "../template-sources.ts";
import { includedJobShape, includedStepShape, pathOfInclude } from "./include-shape.ts";
import {
  expressionOf,
  type SubstituteProblem,
  substituteExpression,
  substituteText,
  type Values,
} from "./substitute.ts";
import { readTemplate, type Template } from "./template-file.ts";

/** The text of a template by its path in the set; undefined when there is none. */
export type Includes = (path: string) => string | undefined;

export type Expanded = {
  readonly root: Source;
  readonly problems: readonly SourceProblem[];
  /** The templates that were read, by path. */
  readonly used: ReadonlyMap<string, string>;
  /** The jobs in which something could not be included, each as `jobs/ID`: what the rules say of them would only follow from that. */
  readonly broken: ReadonlySet<string>;
};

const MAX_DEPTH = 5;
/** Of all templates that one pipeline includes, directly and through others. */
const MAX_INCLUDES = 200;
/** Of all templates together, with the values that are put into them. */
const MAX_VALUES = 20_000;
/** A longer text counts as several values. */
const VALUE_LENGTH = 100;

type Expanding = {
  readonly includes: Includes;
  readonly typing: Typing;
  readonly paramNames: readonly string[];
  readonly problems: SourceProblem[];
  readonly used: Map<string, string>;
  readonly read: Map<string, Template | undefined>;
  count: number;
  values: number;
};

/** `typing`: of the params of the pipeline, whose names are `paramNames`. Takes bounded time for any files. */
export function expandIncludes(
  root: Source,
  includes: Includes,
  { typing, paramNames }: { readonly typing: Typing; readonly paramNames: readonly string[] },
): Expanded {
  const state: Expanding = {
    ...{ includes, typing, paramNames, problems: [], used: new Map(), read: new Map() },
    ...{ count: 0, values: 0 },
  };
  const broken = new Set<string>();
  const expanded = mapEntries(root, (part, jobs) => {
    if (part !== "jobs" && part !== "finally") return jobs;
    return mapEntries(jobs, (id, job) => {
      const before = state.problems.length;
      const result = expandJob(state, job, []);
      if (state.problems.length > before) broken.add(`${part}/${id}`);
      return result;
    });
  });
  return { root: expanded, problems: state.problems, used: state.used, broken };
}

/** `chain`: the paths of the templates that lead here. */
function expandJob(state: Expanding, job: Source, chain: readonly string[]): Source {
  const inner = job.kind === "map" && job.entries.has("include") ? includeJob(state, job, chain) : job;
  return mapEntries(inner, (key, part) => (key === "steps" ? expandSteps(state, part, chain) : part));
}

/** The job of the template, with the keys beside `include` in place of its own. */
function includeJob(state: Expanding, job: Source & { kind: "map" }, chain: readonly string[]): Source {
  const call = readCall(state, job, includedJobShape);
  const found = call && bodyOf(state, call, chain, "job");
  if (found?.kind !== "map") return brokenJob(job.at);
  const own = [...job.entries].filter(([key]) => key !== "include" && key !== "with");
  return { kind: "map", at: job.at, entries: new Map([...found.entries, ...own]) };
}

function expandSteps(state: Expanding, steps: Source, chain: readonly string[]): Source {
  if (steps.kind !== "list") return steps;
  const items = steps.items.flatMap((step) => {
    if (step.kind !== "map" || !step.entries.has("include")) return [step];
    const call = readCall(state, step, includedStepShape);
    const found = call && bodyOf(state, call, chain, "steps");
    return found?.kind === "list" ? found.items : [brokenStep(step.at)];
  });
  return { ...steps, items };
}

type Call = { readonly at: Place; readonly source: Source; readonly include: string; readonly given: JsonObject };

function report({ problems }: Expanding, at: Place, detail: string): void {
  if (problems.length < 100) problems.push({ at, detail });
}

function readCall(
  state: Expanding,
  source: Source & { kind: "map" },
  shape: typeof includedJobShape | typeof includedStepShape,
): Call | undefined {
  const value = plainValue(source);
  const parsed = shape.safeParse(value);
  if (!parsed.success) {
    const keysAt = (path: Path): readonly string[] => (path.length === 0 ? Object.keys(shape.shape) : []);
    const hintAt = (path: Path, key: string): string | undefined =>
      path.length === 0 && key === "steps"
        ? "the template has the steps; include it in a step to add others"
        : undefined;
    for (const one of describeIssues(parsed.error.issues, value, { keysAt, hintAt, whole: "the include" }))
      report(state, placeAt(source, one.path, one.on), one.detail);
    return undefined;
  }
  const { include } = parsed.data;
  const given = isJsonObject(parsed.data.with) ? parsed.data.with : {};
  return { at: placeAt(source, ["include"], "key"), source, include, given };
}

/** What the template has under this key, with the values of its params. */
function bodyOf(state: Expanding, call: Call, chain: readonly string[], key: "job" | "steps"): Source | undefined {
  const path = pathOfInclude(call.include);
  const detail = tooMuch(state, chain, path);
  if (detail !== undefined) {
    report(state, call.at, detail);
    return undefined;
  }
  const template = templateAt(state, call, path);
  if (template === undefined) return undefined;
  const body = template[key];
  if (body === undefined) {
    const other = key === "job" ? "a list of steps; include it in the steps of a job" : "a job; include it in `jobs`";
    report(state, call.at, `the template ${path} is ${other}`);
    return undefined;
  }
  const values = valuesOf(state, call, template);
  if (values === undefined) return undefined;
  const sizes = new Map(Object.entries(values).map(([name, value]) => [name, sizeOf(value)]));
  const filled = fill(state, body, { values, sizes, from: call.at, template }, key);
  const inner = [...chain, path];
  return key === "job" ? expandJob(state, filled, inner) : expandSteps(state, filled, inner);
}

function tooMuch(state: Expanding, chain: readonly string[], path: string): string | undefined {
  if (chain.includes(path))
    return `templates include each other: ${[...chain.slice(chain.indexOf(path)), path].join(" → ")}`;
  if (chain.length >= MAX_DEPTH)
    return `templates include others more than ${MAX_DEPTH} deep: ${[...chain, path].join(" → ")}`;
  state.count += 1;
  return state.count > MAX_INCLUDES ? `the file includes more than ${MAX_INCLUDES} templates` : undefined;
}

/** Its own mistakes are reported once, with the first place that includes it. */
function templateAt(state: Expanding, call: Call, path: string): Template | undefined {
  if (state.read.has(path)) return state.read.get(path);
  const text = state.includes(path);
  state.read.set(path, undefined);
  if (text === undefined) {
    report(state, call.at, `there is no template ${path}`);
    return undefined;
  }
  state.used.set(path, text);
  const { template, problems } = readTemplate(path, text);
  for (const { at, detail } of problems) report(state, { ...at, file: path, from: call.at }, detail);
  state.read.set(path, template);
  return template;
}

/** The values of the params, checked by their types. */
function valuesOf(state: Expanding, call: Call, { params }: Template): Values | undefined {
  const before = state.problems.length;
  const at = (path: Path, on?: PathProblem["on"]): Place => placeAt(call.source, ["with", ...path], on);
  for (const { path, detail } of wrongValues(state, call.given, [])) report(state, at(path), detail);
  const schema = paramsSchema(params);
  const found = checkSchema(schema, call.given, {
    unknown: (value) => typeof value === "string" && value.includes("${{"),
    typesOf: (value) => typesOf(state, value),
  });
  for (const { path, detail, missing } of found) {
    const place =
      missing !== undefined && path.length === 0 ? call.at : at(path, isKey(detail, missing) ? "key" : "value");
    report(state, place, withSubject(path, detail));
  }
  if (state.problems.length > before) return undefined;
  const presets = Object.entries(schema.properties).map(
    ([name, { default: preset }]) => [name, preset ?? null] as const,
  );
  return { ...Object.fromEntries(presets), ...call.given };
}

function isKey(detail: string, missing: string | undefined): boolean {
  return missing !== undefined || detail.includes(" is not known");
}

/** Texts that are neither plain nor one expression, and expressions that are wrong where they are written. */
function wrongValues(
  state: Expanding,
  value: JsonValue,
  path: Path,
): readonly { readonly path: Path; readonly detail: string }[] {
  if (Array.isArray(value)) return value.flatMap((one: JsonValue, index) => wrongValues(state, one, [...path, index]));
  if (isJsonObject(value))
    return Object.entries(value).flatMap(([key, one]) => wrongValues(state, one, [...path, key]));
  if (typeof value !== "string" || !value.includes("${{")) return [];
  const source = expressionOf(value);
  if (source === undefined)
    return [
      {
        path,
        detail: "a value for a template is a text without expression, or one expression; join texts inside of it",
      },
    ];
  const expression = checkExpression(source);
  if ("problem" in expression) return [{ path, detail: expression.problem }];
  const names = expression.references.flatMap(({ variable, path: [name] }) =>
    variable === "params" && name ? [name] : [],
  );
  const unknown = names.find((name) => !state.paramNames.includes(name));
  return unknown === undefined
    ? []
    : [{ path, detail: `there is no param ${unknown}${didYouMean(unknown, state.paramNames)}` }];
}

type Filling = {
  readonly values: Values;
  /** Of each param. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly from: Place;
  readonly template: Template;
};

/** A copy of a part of a template, with the values of its params, and with both places. `key`: under which it stands. */
function fill(state: Expanding, source: Source, filling: Filling, key: string): Source {
  const { from, template } = filling;
  const at: Place = { ...source.at, file: template.path, from };
  const before = state.values;
  state.values += 1 + (source.kind === "scalar" ? sizePutInto(source.value, filling) : 0);
  if (state.values > MAX_VALUES) {
    if (before <= MAX_VALUES) report(state, from, `the templates have more than ${MAX_VALUES} values together`);
    return { kind: "list", at, items: [] };
  }
  if (source.kind === "list")
    return { ...source, at, items: source.items.map((one) => fill(state, one, filling, key)) };
  if (source.kind === "map") {
    const entries = [...source.entries].map(([name, entry]): [string, SourceEntry] => [
      name,
      { key: { ...entry.key, file: template.path, from }, value: fill(state, entry.value, filling, name) },
    ]);
    return { ...source, at, entries: new Map(entries) };
  }
  const raw = {
    ...source.raw,
    placeOf: (offset: number): Place => ({ ...template.placeOf(offset), file: template.path, from }),
  };
  // A value in a script would become a part of a command.
  if (typeof source.value !== "string" || key === "run") return { ...source, at, raw };
  const filled =
    key === "when" ? fillCondition(source.value, filling.values) : substituteText(source.value, filling.values);
  if (!("problem" in filled)) return sourceOf(filled.value, at, raw);
  const index = source.raw.text.indexOf(filled.text);
  report(state, index === -1 ? at : raw.placeOf(source.raw.offset + index + filled.offset), filled.problem);
  return { ...source, at, raw };
}

/** Each use of a param is one more copy of its value: templates that include others would multiply them without end. */
function sizePutInto(value: JsonValue, { sizes }: Filling): number {
  if (typeof value !== "string") return 0;
  const names = [...value.matchAll(/params(?:\.|\[["'])(\w+)/g)].map(([, name = ""]) => name);
  return names.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
}

function sizeOf(value: JsonValue): number {
  if (typeof value === "string") return 1 + Math.floor(value.length / VALUE_LENGTH);
  const inner = Array.isArray(value)
    ? (value as readonly JsonValue[])
    : isJsonObject(value)
      ? Object.values(value)
      : [];
  return inner.reduce((sum: number, one) => sum + sizeOf(one), 1);
}

/** `when: x` and `when: ${{ x }}` are the same. */
function fillCondition(text: string, values: Values): { readonly value: JsonValue } | SubstituteProblem {
  return text.includes("${{") || text.trim() === "always"
    ? substituteText(text, values)
    : substituteExpression(text, values);
}

/** A value in place of a scalar: everything in it is there. */
function sourceOf(value: JsonValue, at: Place, raw: (Source & { kind: "scalar" })["raw"]): Source {
  if (Array.isArray(value)) return { kind: "list", at, items: value.map((one: JsonValue) => sourceOf(one, at, raw)) };
  if (!isJsonObject(value)) return { kind: "scalar", at, value: value as string | number | boolean | null, raw };
  const entries = Object.entries(value).map(([key, one]): [string, SourceEntry] => [
    key,
    { key: at, value: sourceOf(one, at, raw) },
  ]);
  return { kind: "map", at, entries: new Map(entries) };
}

function mapEntries(source: Source, change: (key: string, part: Source) => Source): Source {
  if (source.kind !== "map") return source;
  const entries = [...source.entries].map(([key, entry]): [string, SourceEntry] => [
    key,
    { ...entry, value: change(key, entry.value) },
  ]);
  return { ...source, entries: new Map(entries) };
}

/** In place of what could not be included: the rules find nothing wrong with it. */
function brokenStep(at: Place): Source {
  return sourceOf({ run: "true" }, at, { text: "", offset: 0 });
}
function brokenJob(at: Place): Source {
  return sourceOf({ site: "unknown", steps: [{ run: "true" }] }, at, { text: "", offset: 0 });
}
