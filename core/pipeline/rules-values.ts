// Rules for what certainly fails, or is never true, before anything runs: conditions, comparisons, lists, names.

import { typeInWords } from "../expr/cel-problem.ts";
import type { Comparison } from "../expr/comparisons.ts";
import { checkExpression, type Expression, type ExpressionProblem } from "../expr/expression.ts";
import { KEY_PROBLEM } from "../expr/functions.ts";
import type { Part } from "../expr/parts.ts";
import { expressionsIn, referencesIn } from "../expr/template.ts";
import { type Trials, tryExpression, withTrials } from "../expr/trials.ts";
import type { Path, PathProblem } from "../issues.ts";
import { isJsonObject, type JsonValue } from "../json.ts";
import { MAX_EXPANDED, nameOfElement } from "../matrix/matrix.ts";
import { truncate } from "../truncate.ts";
import { isReservedVariable, MAX_VARIABLE } from "./env-names.ts";
import { expandJob, MAX_TASK_JOBS } from "./expand.ts";
import { isOfJob, neverTrue } from "./never-true.ts";
import type { Job } from "./pipeline.ts";
import { placesOf, type TemplatePlace } from "./places.ts";
import type { RuleContext } from "./rule.ts";
import { sourcesIn, typesOf } from "./template-sources.ts";
import { PARAM_TYPES, possibleComparisons } from "./types/rules-comparisons.ts";

export function goodConditions(context: RuleContext): readonly PathProblem[] {
  const found = new Set(possibleComparisons(context).map(({ within }) => within?.text));
  return placesOf(context.pipeline).flatMap((place) => {
    const source = String(place.template).trim();
    const expression = place.condition && source !== "always" ? checkExpression(source) : undefined;
    if (expression === undefined || "problem" in expression || source === "true" || source === "false") return [];
    const detail = wrongCondition(context, place, expression, found.has(String(place.template)));
    return detail === undefined ? [] : [{ path: place.path, detail, on: "value" as const }];
  });
}

function wrongCondition(
  context: RuleContext,
  place: TemplatePlace,
  expression: Expression,
  isFound: boolean,
): string | undefined {
  const type = typeOf(context, expression);
  if (type !== undefined && type !== "true or false") return `a condition must be true or false, and this is ${type}`;
  if (expression.references.length === 0 && !context.isIncluded(place.path))
    return "this condition is always the same, because it uses no variable";
  const never = isFound ? undefined : neverTrue(context, place, expression);
  return never && whyNever(place, expression, never);
}

function whyNever(place: TemplatePlace, whole: Expression, { source, comparisons, references }: Expression): string {
  const isJob = isOfJob(place);
  const isCanceled = ({ reference, operator, literals }: Comparison): boolean =>
    reference.variable === "status" && operator === "==" && literals[0] === "canceled";
  if (isJob && place.path[0] === "jobs" && comparisons.some(isCanceled))
    return 'no job starts after a cancel, so `status == "canceled"` is never true here; it can be true in `finally` and in steps';
  const asks = references.some(({ variable, path }) => variable !== "trigger" && path.at(-1) === "outcome");
  if (asks && !whole.references.some(({ variable }) => variable === "status"))
    return `this is never true: a condition that does not name \`status\` also requires that everything before succeeded; write \`status != "succeeded" && …\``;
  return whole.alternatives.length > 1
    ? `\`${truncate(source, 100)}\` is never true here`
    : "this condition is never true";
}

/** Operators and functions that cannot be used with the types that the pipeline declares, and results that are no data. */
export function fittingTypes(context: RuleContext): readonly PathProblem[] {
  const found = new Set(possibleComparisons(context).map(({ within }) => within?.text));
  return placesOf(context.pipeline).flatMap((place) =>
    sourcesIn(place).flatMap(({ source, path }): PathProblem[] => {
      const wrong = found.has(source) ? undefined : (context.typing.problemIn(source) ?? wrongResult(context, source));
      if (wrong === undefined) return [];
      return [{ path, detail: wrong.problem, on: "value", within: { text: source, offset: wrong.offset } }];
    }),
  );
}

/** Types of CEL that are neither text, numbers, true or false, lists nor maps. */
const NO_DATA: readonly string[] = ["type", "bytes", "uint", "google.protobuf.Timestamp", "google.protobuf.Duration"];
const CONVERSIONS: Readonly<Record<string, string>> = { bytes: "string(…)", uint: "int(…)" };

function wrongResult({ typing, trials }: RuleContext, source: string): ExpressionProblem | undefined {
  const expression = checkExpression(source);
  if ("problem" in expression) return undefined;
  const type = typing.typeOf(source);
  const inner = innermost(type);
  if (NO_DATA.includes(inner)) {
    const hint = CONVERSIONS[inner] === undefined ? "" : `; convert it with ${CONVERSIONS[inner]}`;
    const what = inner === "uint" ? "a number without a sign" : typeInWords(inner);
    const problem =
      inner === type ? `this gives ${what}, which is no value` : `this has ${what} in it, which is no value`;
    return { problem: problem + hint, offset: 0 };
  }
  if (/map<(?:list|map)/.test(type)) return { problem: KEY_PROBLEM, offset: 0 };
  // What names nothing has the same value in every task.
  const constants = expression.references.length === 0 ? [{ source, offset: 0 }] : expression.constants;
  return constants.map((part) => withoutValue(trials, part)).find((one) => one !== undefined);
}

/** What lists and maps hold: `list<map<string, bytes>>` holds `bytes`. */
function innermost(type: string): string {
  const [, held] = /^(?:list<|map<[^,]*, )(.*)>$/.exec(type) ?? [];
  return held === undefined ? type : innermost(held);
}

function withoutValue(trials: Trials, { source, offset, problem }: Part): ExpressionProblem | undefined {
  const expression = checkExpression(source);
  const result = "problem" in expression ? undefined : tryExpression(trials, expression, {});
  return result && "problem" in result ? { problem: problem ?? result.problem, offset } : undefined;
}

/** `each` is a list. Its elements, and the values of an axis, have different names and the members that the job reads. */
export function goodLists(context: RuleContext): readonly PathProblem[] {
  return jobsOf(context).flatMap(({ job, path }) => {
    const problems: PathProblem[] = [];
    const each = [...path, "each"];
    if (typeof job.each === "string") {
      const detail = notList(context, job.each);
      if (detail !== undefined) problems.push({ path: each, detail, on: "value" });
    } else if (isList(job.each)) {
      const name = (number: number): string => `element ${number} of \`each\``;
      problems.push(...twins(job.each, each), ...missingMembers(context, job, { values: job.each, behind: [], name }));
    }
    for (const [axis, values] of Object.entries(job.matrix ?? {})) {
      const at = [...path, "matrix", axis];
      const foreign = foreignAxis(axis, values);
      if (foreign !== undefined) problems.push({ path: at, detail: foreign, on: "key" });
      else if (values.length <= MAX_EXPANDED) problems.push(...twins(values, at));
      const name = (number: number): string => `value ${number} of the axis ${axis}`;
      problems.push(...missingMembers(context, job, { values, behind: [axis], name }));
    }
    return problems;
  });
}

function notList(context: RuleContext, each: string): string | undefined {
  const [, source] = /^\s*\$\{\{([\s\S]*)\}\}\s*$/.exec(each) ?? [];
  if (source === undefined) return "`each` must be a list, or one expression whose value is a list; this is text";
  const expression = checkExpression(source);
  if ("problem" in expression) return undefined;
  const type = typeOf(context, expression);
  return type === undefined || type === "a list" ? undefined : `\`each\` must be a list, and this is ${type}`;
}

function twins(values: readonly JsonValue[], path: Path): readonly PathProblem[] {
  const names = values.map((value, index) => nameOfElement(value, index));
  return names.flatMap((name, index): PathProblem[] =>
    names.indexOf(name) === index
      ? []
      : [
          {
            path: [...path, index],
            detail: `two elements have the name ${name}; each becomes a job and needs its own name`,
            on: "value",
          },
        ],
  );
}

type Elements = {
  readonly values: readonly JsonValue[];
  /** The path of `each` behind which the values are. */
  readonly behind: readonly string[];
  readonly name: (number: number) => string;
};

function missingMembers(context: RuleContext, job: Job, { values, behind, name }: Elements): readonly PathProblem[] {
  const places = placesOf(context.pipeline).filter((place) => place.job === job && place.path.at(-1) !== "each");
  return places.flatMap((place) =>
    sourcesIn(place).flatMap(({ source, path }) => {
      const expression = checkExpression(source);
      if ("problem" in expression) return [];
      return expression.references.flatMap(({ variable, path: all, certain, offset }): PathProblem[] => {
        if (variable !== "each" || behind.some((step, index) => all[index] !== step)) return [];
        const members = all.slice(behind.length, certain);
        const lacking = values.findIndex((one) => !hasMembers(one, members));
        if (lacking === -1) return [];
        const detail = `${name(lacking + 1)} has no ${members.join(".")}`;
        return [{ path, detail, on: "value", within: { text: source, offset } }];
      });
    }),
  );
}

function hasMembers(value: JsonValue, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined) return true;
  const inner = isJsonObject(value) && Object.hasOwn(value, first) ? value[first] : undefined;
  // What a text with an expression becomes is not known here.
  if (typeof value === "string" && value.includes("${{")) return true;
  return inner !== undefined && hasMembers(inner, rest);
}

/** Keys of a matrix that are no axes in other systems. */
function foreignAxis(axis: string, values: readonly JsonValue[]): string | undefined {
  if ((axis !== "include" && axis !== "exclude") || !values.some(isJsonObject)) return undefined;
  return `\`${axis}\` would be an axis: a matrix has all combinations; list those that you want with \`each\``;
}

/** Names that would be refused later, by the runner or when the job is expanded. */
export function goodNames(context: RuleContext): readonly PathProblem[] {
  return jobsOf(context).flatMap(({ job, path }) => {
    const envs = [
      { env: job.env, path: [...path, "env"] },
      ...job.steps.map((step, index) => ({ env: step.env, path: [...path, "steps", index, "env"] })),
    ];
    const problems: PathProblem[] = envs.flatMap(({ env, path: at }) =>
      Object.entries(env).flatMap(([name, value]): PathProblem[] => {
        const detail = wrongVariable(name, value);
        return detail === undefined ? [] : [{ path: [...at, name], detail, on: "key" }];
      }),
    );
    problems.push(...noTexts(context, job, path));
    if (job.labels.some((label) => label.trim() === ""))
      problems.push({ path: [...path, "labels"], detail: "a label must not be empty", on: "value" });
    return problems;
  });
}

function wrongVariable(name: string, value: JsonValue): string | undefined {
  if (isReservedVariable(name)) return `${name} is set by the runner and cannot be changed; use another name`;
  const isLong = typeof value === "string" && !value.includes("${{") && value.length > MAX_VARIABLE;
  return isLong ? `the value of ${name} is longer than ${MAX_VARIABLE} characters; use a file` : undefined;
}

/** A site and a label are text; an expression may also give a list of labels. */
function noTexts(context: RuleContext, job: Job, path: Path): readonly PathProblem[] {
  const isAxes = (text: string): boolean => job.matrix !== undefined && /^\$\{\{\s*each\s*\}\}$/.test(text.trim());
  const given = (text: JsonValue): string | undefined => {
    const [type] = typesOf(context, text) ?? [];
    return typeof text === "string" && isAxes(text) ? "object" : type;
  };
  const problemAt = (key: string, detail: string): PathProblem => ({ path: [...path, key], detail, on: "value" });
  const problems: PathProblem[] = [];
  if (
    typeof job.continueOnError === "string" &&
    !(typesOf(context, job.continueOnError) ?? ["boolean"]).includes("boolean")
  )
    problems.push(problemAt("continueOnError", "this must be true or false, or one expression that gives one of them"));
  if (typeof job.continueOnError === "string" && !job.continueOnError.includes("${{"))
    problems.push(problemAt("continueOnError", "this is text; write true, false or an expression"));
  const environment = typesOf(context, job.environment ?? "")?.find(
    (type) => !["string", "array", "object"].includes(type),
  );
  if (environment !== undefined)
    problems.push(problemAt("environment", "this must give names of environments, or targets of the app"));
  const site = given(job.site);
  if (site === "array" || site === "object")
    problems.push(problemAt("site", `this must be text, and gives ${site === "array" ? "a list" : "a map"}`));
  if (job.labels.some((label) => given(label) === "object"))
    problems.push(problemAt("labels", "this must be text, and gives a map"));
  const sources = job.labels.flatMap((label) => (given(label) === "array" ? expressionsIn(label) : []));
  const odd = sources
    .map((source) => context.typing.typeOf(source))
    .find((type) => /^list<(?!string|dyn|[A-Z])/.test(type));
  if (odd !== undefined)
    problems.push(
      problemAt("labels", "labels must be texts, and this list has others; convert them with map(x, string(x))"),
    );
  return problems;
}

/**
 * What the jobs are that a job becomes, where they need no values of a task: their names, sites, labels, and how many they are.
 * `found`: problems of the same places, of which these would be consequences.
 */
export function goodExpansion(context: RuleContext, found: readonly PathProblem[]): readonly PathProblem[] {
  const isFound = (path: Path): boolean => found.some((one) => path.every((step, index) => one.path[index] === step));
  let total = 0;
  const problems = jobsOf(context).flatMap(({ job, path }): readonly PathProblem[] => {
    const elements = job.matrix ? "matrix" : "each";
    for (const [key, part] of expandable(job)) {
      const at = [...path, key];
      if (isFound(at)) return [];
      const jobs = withTrials(context.trials, (evaluation) => expandJob(part, {}, { evaluation }));
      if (jobs && "problem" in jobs) return [{ path: at, detail: jobs.problem, on: "value" }];
      if (key === elements && path[0] === "jobs") total += jobs?.length ?? 0;
    }
    return [];
  });
  if (total <= MAX_TASK_JOBS) return problems;
  const detail = `with all elements of \`each\` and \`matrix\` there are ${total} jobs, more than ${MAX_TASK_JOBS}`;
  return [...problems, { path: ["jobs"], detail, on: "key" }];
}

/** The parts of a job, by key, that can be expanded without a task. */
function expandable(job: Job): readonly (readonly [key: string, part: Job])[] {
  const uses = (template: JsonValue): ReadonlySet<string> =>
    new Set(referencesIn(template).map(({ variable }) => variable));
  const isKnown = job.each === undefined || uses(job.each).size === 0;
  const { continueOnError: _, ...plain } = job;
  const whole: Job = { ...(isKnown ? plain : { ...plain, each: undefined }), site: "any", labels: [] };
  const canBe = (template: JsonValue): boolean => {
    const names = uses(template);
    return names.size === 0 || (isKnown && names.size === 1 && names.has("each"));
  };
  return [
    ...(isKnown ? [[job.matrix ? "matrix" : "each", whole] as const] : []),
    ...(canBe(job.site) ? [["site", { ...whole, site: job.site }] as const] : []),
    ...(canBe([...job.labels]) ? [["labels", { ...whole, labels: job.labels }] as const] : []),
  ];
}

/** The type that an expression gives, in words; undefined when only the values decide. */
function typeOf({ typing, pipeline }: RuleContext, { source }: Expression): string | undefined {
  const name = /^params\.(\w+)$/.exec(source.trim())?.[1] ?? "";
  if (Object.hasOwn(pipeline.params.properties, name)) return PARAM_TYPES[pipeline.params.properties[name]?.type ?? ""];
  const type = typing.typeOf(source);
  return /^(dyn|optional)/.test(type) ? undefined : typeInWords(type);
}

function jobsOf({ pipeline }: RuleContext): readonly { job: Job; path: Path }[] {
  return [
    ...pipeline.jobs.map((job) => ({ job, path: ["jobs", job.id] })),
    ...pipeline.finally.map((job) => ({ job, path: ["finally", job.id] })),
  ];
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
