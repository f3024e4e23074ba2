// Finds conditions, and alternatives of `||`, that are false whatever the status and the outcomes before them. Every state that
// the run can have is tried; what else an expression names is unknown, and counts as if it could make it true.

import { GantryError } from "../errors.ts";
import { checkExpression, type Expression } from "../expr/expression.ts";
import { OUTCOMES, type Outcome } from "../task/states.ts";
import type { TemplatePlace } from "./places.ts";

type State = { readonly status: string; readonly outcomes: readonly Outcome[] };

const SUCCEEDED: State = { status: "succeeded", outcomes: ["succeeded", "skipped"] };
const FAILED: State = { status: "failed", outcomes: OUTCOMES };
const CANCELED: State = { status: "canceled", outcomes: OUTCOMES };
/** Each outcome multiplies the states that are tried. */
const MAX_OUTCOMES = 3;

/** The first alternative that is never true at this place. */
export function neverTrue(place: TemplatePlace, expression: Expression): Expression | undefined {
  const isJob = place.path.at(-3) !== "steps";
  const namesStatus = expression.references.some(({ variable }) => variable === "status");
  const later = isJob && place.path[0] === "jobs" ? [FAILED] : [FAILED, CANCELED];
  const states = namesStatus ? [SUCCEEDED, ...later] : [SUCCEEDED];
  return expression.alternatives
    .map((source) => checkExpression(source))
    .find((one): one is Expression => !("problem" in one) && states.every((state) => isFalse(one, state, isJob)));
}

/** False with every outcome that this state allows. What comes before a step is its job's steps; before a job, what it needs. */
function isFalse(expression: Expression, { status, outcomes }: State, isJob: boolean): boolean {
  const named = new Map<string, { readonly variable: string; readonly id: string }>();
  for (const { variable, path, certain } of expression.references) {
    if (variable === "status") continue;
    const [id = "", member] = path;
    if (!["steps", "needs", "jobs"].includes(variable) || member === undefined) continue;
    if (certain < 2) return false;
    if (member === "outcome") named.set(`${variable}.${id}`, { variable, id });
  }
  if (named.size > MAX_OUTCOMES) return false;
  let scopes: readonly { readonly [variable: string]: { readonly [id: string]: { readonly outcome: Outcome } } }[] = [
    {},
  ];
  for (const { variable, id } of named.values()) {
    const possible = (variable === "steps") === isJob ? OUTCOMES : outcomes;
    scopes = scopes.flatMap((scope) =>
      possible.map((outcome) => ({ ...scope, [variable]: { ...scope[variable], [id]: { outcome } } })),
    );
  }
  return scopes.every((scope) => {
    try {
      return expression.evaluate({ ...scope, status }) === false;
    } catch (error) {
      if (error instanceof GantryError) return false;
      throw error;
    }
  });
}
