// Finds conditions, and alternatives of `||`, that are false whatever the status, the outcomes before them, the choices of
// params, the site, the elements of the job and what its trigger is for. All of these are tried; what else an expression names is unknown, and counts as if it could make it true.

import type { Literal } from "../expr/comparisons.ts";
import { checkExpression, type Expression } from "../expr/expression.ts";
import type { Reference } from "../expr/references.ts";
import { isTemplated } from "../expr/template.ts";
import { tryExpression } from "../expr/trials.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { MAX_EXPANDED, combinationsOf as matrixCombinations, sizeOf } from "../matrix/matrix.ts";
import { OUTCOMES, type Outcome } from "../task/states.ts";
import type { ParamsSchema, Pipeline } from "./pipeline.ts";
import { placesOf, type TemplatePlace } from "./places.ts";
import type { RuleContext } from "./rule.ts";
import { sourcesIn } from "./template-sources.ts";

type State = { readonly status: string; readonly outcomes: readonly Outcome[] };

const SUCCEEDED: State = { status: "succeeded", outcomes: ["succeeded", "skipped"] };
const FAILED: State = { status: "failed", outcomes: OUTCOMES };
const CANCELED: State = { status: "canceled", outcomes: OUTCOMES };
/** Of a step that may fail. When the job is canceled, nothing runs after it that does not name `status`. */
const OF_STEP = OUTCOMES.filter((outcome) => outcome !== "canceled");
/** Each outcome and each param multiplies what is tried. */
const MAX_SCOPES = 1_000;
/** Of the whole numbers that a param may be. */
const MAX_NUMBERS = 200;

/** What a variable, or the member of it that this path names, may be. */
type Choice = { readonly path: readonly string[]; readonly values: readonly JsonValue[] };

/** The first alternative that is never true at this place. */
export function neverTrue(
  { pipeline, trials, isIncluded }: RuleContext,
  place: TemplatePlace,
  expression: Expression,
): Expression | undefined {
  const isJob = isOfJob(place);
  const namesStatus = expression.references.some(({ variable }) => variable === "status");
  const later = isJob && place.path[0] === "jobs" ? [FAILED] : [FAILED, CANCELED];
  const states = namesStatus ? [SUCCEEDED, ...later] : [SUCCEEDED];
  return expression.alternatives
    .map((source) => checkExpression(source))
    .find(
      (one): one is Expression =>
        !("problem" in one) &&
        !(isIncluded(place.path) && hasGivenValue(one)) &&
        states.every((state) => {
          const scopes = scopesOf(one, state, isJob, pipeline, place);
          return scopes?.every((scope) => isFalse(tryExpression(trials, one, scope))) ?? false;
        }),
    );
}

/** A template asks for what other files that include it say. The values of this file stand in its conditions. */
function hasGivenValue({ source, references, constants }: Expression): boolean {
  return (
    constants.length > 0 ||
    /\((?:true|false)\)/.test(source) ||
    references.length === 0 ||
    references.some(({ variable }) => variable === "params")
  );
}

/** Else it is of a step, or of an artifact, which is saved as a step. */
export function isOfJob({ path }: TemplatePlace): boolean {
  return path.at(-3) !== "steps" && path.at(-3) !== "artifacts";
}

/** The texts that the template at this path may give, as far as they are known. */
export function possibleTexts({ pipeline, trials }: RuleContext, path: TemplatePlace["path"]): readonly string[] {
  const place = placesOf(pipeline).find((one) => one.path.join("/") === path.join("/"));
  const template = typeof place?.template === "string" ? place.template : "";
  if (!place || !isTemplated(template)) return template === "" ? [] : [template];
  const [source, second] = sourcesIn(place).map((one) => one.source);
  const isWhole = /^\s*\$\{\{[\s\S]*\}\}\s*$/.test(template) && second === undefined;
  const expression = isWhole && source !== undefined ? checkExpression(source) : undefined;
  if (expression === undefined || "problem" in expression) return [];
  return (scopesOf(expression, SUCCEEDED, true, pipeline, place) ?? []).flatMap((scope) => {
    const result = tryExpression(trials, expression, scope);
    return result && "value" in result && typeof result.value === "string" ? [result.value] : [];
  });
}

function isFalse(result: ReturnType<typeof tryExpression>): boolean {
  return result !== undefined && "value" in result && result.value === false;
}

/**
 * All values that this state allows; undefined where they are too many, or not known. What comes before a step is its job's steps;
 * before a job, what it needs.
 */
function scopesOf(
  { references, comparisons }: Expression,
  state: State,
  isJob: boolean,
  pipeline: Pipeline,
  place: TemplatePlace,
): readonly JsonObject[] | undefined {
  const choices = new Map<string, Choice>();
  const add = (path: readonly string[], values: readonly JsonValue[] | undefined): boolean => {
    if (values) choices.set(JSON.stringify(path), { path, values });
    return values !== undefined;
  };
  for (const reference of references) {
    const { variable, path, certain } = reference;
    if (variable === "status") continue;
    const isResult = ["steps", "needs", "jobs"].includes(variable);
    const [id = "", member] = path;
    // A test whether something exists would find nothing here.
    if (certain < (isResult ? 2 : 1) && (isResult || variable === "params")) return undefined;
    const isKnown =
      (isResult &&
        member === "outcome" &&
        add([variable, id, member], outcomesOf(variable, id, { state, isJob, pipeline, place }))) ||
      (variable === "params" && path.length === 1 && add([variable, id], valuesOf(pipeline.params, id))) ||
      (variable === "site" && path.length === 0 && add([variable], siteOf(place))) ||
      (variable === "each" && certain === path.length && add([variable], elementsOf(place))) ||
      (variable === "trigger" && certain === 1 && add([variable, id], factsOf(pipeline, place, id)));
    if (!isKnown && path.length > 0) add([variable, ...path], comparedValues(reference, { references, comparisons }));
  }
  const all = [...choices.values()];
  if (all.reduce((product, { values }) => product * values.length, 1) > MAX_SCOPES) return undefined;
  return combinationsOf(all).map((scope) => ({ ...scope, status: state.status }));
}

/** A text that no condition names. */
const OTHER_TEXT = "\u0000";

/**
 * Of what is only compared with literals, these, and values beside and between them, are as good as all: what holds for any
 * value holds for one of these. Undefined where the expression uses it in another way.
 */
function comparedValues(
  { variable, path }: Reference,
  { references, comparisons }: Pick<Expression, "references" | "comparisons">,
): readonly JsonValue[] | undefined {
  const isSame = (one: Reference): boolean =>
    one.variable === variable && JSON.stringify(one.path) === JSON.stringify(path);
  const found = comparisons.filter(({ reference }) => isSame(reference));
  const uses = references.filter(isSame);
  if (uses.length !== found.length || uses.some(({ certain }) => certain < path.length)) return undefined;
  const literals = found.flatMap((one) => one.literals);
  const values = literals.flatMap((one): readonly Literal[] =>
    typeof one === "number" ? [one - 1, one - 0.5, one, one + 0.5, one + 1] : [one],
  );
  // An order of anything but numbers fails.
  const isNumber = found.some(({ operator }) => !["==", "!=", "in"].includes(operator));
  return [...new Set<JsonValue>(isNumber ? values : [...values, true, false, OTHER_TEXT])];
}

type Context = {
  readonly state: State;
  readonly isJob: boolean;
  readonly pipeline: Pipeline;
  readonly place: TemplatePlace;
};

function outcomesOf(variable: string, id: string, { state, isJob, pipeline, place }: Context): readonly Outcome[] {
  const { jobs, finally: last } = pipeline;
  if (variable !== "steps") {
    const mayFail = [...jobs, ...last].find((one) => one.id === id)?.continueOnError !== undefined;
    return isJob && !mayFail ? state.outcomes : OUTCOMES;
  }
  const step = place.steps.find((one) => one.id === id);
  // That a step is not there is said elsewhere.
  if (step === undefined || isJob || state.status !== "succeeded") return OUTCOMES;
  if (step.continueOnError !== undefined) return OF_STEP;
  // A step without a condition has run by now.
  return step.when === undefined && step.missingSystem === undefined ? ["succeeded"] : state.outcomes;
}

/** All values of a param; undefined where there are too many. */
function valuesOf({ properties }: ParamsSchema, name: string): readonly JsonValue[] | undefined {
  const param = Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (param?.type === "boolean") return [true, false];
  const { type, minimum, maximum } = param ?? {};
  if (param?.enum !== undefined || type !== "integer" || minimum === undefined || maximum === undefined)
    return param?.enum;
  const [least, most] = [Math.ceil(minimum), Math.floor(maximum)];
  return most - least < MAX_NUMBERS ? Array.from({ length: most - least + 1 }, (_, at) => least + at) : undefined;
}

function siteOf({ job }: TemplatePlace): readonly JsonValue[] | undefined {
  return typeof job?.site === "string" && !isTemplated(job.site) ? [job.site] : undefined;
}

/** The elements of the job, where the file says them. */
function elementsOf({ job }: TemplatePlace): readonly JsonValue[] | undefined {
  if (!job || isTemplated([job.each ?? null, { ...job.matrix }, [...(job.matrixInclude ?? [])]])) return undefined;
  if (Array.isArray(job.each)) return job.each as readonly JsonValue[];
  if (job.matrix === undefined || sizeOf(job.matrix) > MAX_EXPANDED) return undefined;
  return matrixCombinations(job).map(({ values }) => values);
}

/** What a fact of the trigger may be: in the condition of a trigger, what this one is for. */
function factsOf({ triggers = [] }: Pipeline, place: TemplatePlace, name: string): readonly JsonValue[] | undefined {
  const [top, index] = place.path;
  const own = top === "triggers" && typeof index === "number" ? triggers[index] : undefined;
  if (name === "kind") return own ? [own.kind] : [...triggers.map(({ kind }) => kind), "person"];
  if (own === undefined) return undefined;
  if (own.kind === "push" && name === "branch") return plainNames(own.branches);
  if (own.kind === "pull_request" && name === "target") return plainNames(own.branches);
  if (own.kind === "tag" && name === "tag") return plainNames(own.names);
  if (own.kind === "image" && name === "tag") return plainNames(own.tags);
  if (own.kind === "image" && name === "action") return own.actions;
  if (own.kind === "upstream" && name === "outcome") return own.outcomes;
  if (own.kind === "upstream" && name === "pipeline") return [own.pipeline];
  return undefined;
}

function plainNames(patterns: readonly string[] | undefined): readonly string[] | undefined {
  return patterns?.some((one) => one.includes("*") || one.startsWith("!")) ? undefined : patterns;
}

function combinationsOf(choices: readonly Choice[]): readonly JsonObject[] {
  return choices.reduce<readonly JsonObject[]>(
    (scopes, { path, values }) => scopes.flatMap((scope) => values.map((value) => withMember(scope, path, value))),
    [{}],
  );
}

function withMember(scope: JsonObject, [name = "", ...rest]: readonly string[], value: JsonValue): JsonObject {
  const before = scope[name] ?? {};
  return { ...scope, [name]: rest.length === 0 ? value : withMember(isJsonObject(before) ? before : {}, rest, value) };
}
