// Finds conditions, and alternatives of `||`, that are false whatever the status, the outcomes before them and the choices of
// params. All of these are tried; what else an expression names is unknown, and counts as if it could make it true.

import { checkExpression, type Expression } from "../expr/expression.ts";
import { tryExpression } from "../expr/trials.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { OUTCOMES, type Outcome } from "../task/states.ts";
import type { ParamsSchema, Pipeline } from "./pipeline.ts";
import type { TemplatePlace } from "./places.ts";
import type { RuleContext } from "./rule.ts";

type State = { readonly status: string; readonly outcomes: readonly Outcome[] };

const SUCCEEDED: State = { status: "succeeded", outcomes: ["succeeded", "skipped"] };
const FAILED: State = { status: "failed", outcomes: OUTCOMES };
const CANCELED: State = { status: "canceled", outcomes: OUTCOMES };
/** Each outcome and each param multiplies what is tried. */
const MAX_SCOPES = 1_000;

/** What a member of a variable may be. */
type Choice = { readonly variable: string; readonly id: string; readonly values: readonly JsonValue[] };
type Scope = { readonly [variable: string]: JsonObject };

/** The first alternative that is never true at this place. */
export function neverTrue(
  { pipeline, trials }: RuleContext,
  place: TemplatePlace,
  expression: Expression,
): Expression | undefined {
  const isJob = place.path.at(-3) !== "steps";
  const namesStatus = expression.references.some(({ variable }) => variable === "status");
  const later = isJob && place.path[0] === "jobs" ? [FAILED] : [FAILED, CANCELED];
  const states = namesStatus ? [SUCCEEDED, ...later] : [SUCCEEDED];
  return expression.alternatives
    .map((source) => checkExpression(source))
    .find(
      (one): one is Expression =>
        !("problem" in one) &&
        states.every((state) => {
          const scopes = scopesOf(one, state, isJob, pipeline.params, mayFailAt(pipeline, place));
          return scopes?.every((scope) => isFalse(tryExpression(trials, one, scope))) ?? false;
        }),
    );
}

type MayFail = (variable: string, id: string) => boolean;

/** The steps and jobs whose failure does not count for what comes after them. */
function mayFailAt({ jobs, finally: last }: Pipeline, { steps }: TemplatePlace): MayFail {
  return (variable, id) =>
    (variable === "steps" ? steps : [...jobs, ...last]).find((one) => one.id === id)?.continueOnError !== undefined;
}

function isFalse(result: ReturnType<typeof tryExpression>): boolean {
  return result !== undefined && "value" in result && result.value === false;
}

/**
 * All values that this state allows; undefined where they are too many, or not known. What comes before a step is its job's steps;
 * before a job, what it needs.
 */
function scopesOf(
  { references }: Expression,
  state: State,
  isJob: boolean,
  params: ParamsSchema,
  mayFail: MayFail,
): readonly JsonObject[] | undefined {
  const choices = new Map<string, Choice>();
  for (const { variable, path, certain } of references) {
    if (variable === "status") continue;
    const isOfJob = ["steps", "needs", "jobs"].includes(variable);
    const [id = "", member] = path;
    // A test whether something exists would find nothing here.
    if (certain < (isOfJob ? 2 : 1) && (isOfJob || variable === "params")) return undefined;
    const isAny = (variable === "steps") === isJob || mayFail(variable, id);
    const outcomes = isAny ? OUTCOMES : state.outcomes;
    if (isOfJob && member === "outcome")
      choices.set(`${variable}.${id}`, { variable, id, values: outcomes.map((outcome) => ({ outcome })) });
    const values = variable === "params" && path.length === 1 ? valuesOf(params, id) : undefined;
    if (values) choices.set(`params.${id}`, { variable, id, values });
  }
  const all = [...choices.values()];
  if (all.reduce((product, { values }) => product * values.length, 1) > MAX_SCOPES) return undefined;
  return combinationsOf(all).map((scope) => ({ ...scope, status: state.status }));
}

/** All values of a param; undefined where there are too many. */
function valuesOf({ properties }: ParamsSchema, name: string): readonly JsonValue[] | undefined {
  const param = Object.hasOwn(properties, name) ? properties[name] : undefined;
  return param?.type === "boolean" ? [true, false] : param?.enum;
}

function combinationsOf(choices: readonly Choice[]): readonly Scope[] {
  return choices.reduce<readonly Scope[]>(
    (scopes, { variable, id, values }) =>
      scopes.flatMap((scope) => values.map((value) => ({ ...scope, [variable]: { ...scope[variable], [id]: value } }))),
    [{}],
  );
}
