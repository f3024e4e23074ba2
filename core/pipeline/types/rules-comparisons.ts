// Rules for comparisons that are never true: with a value that the other side can never have.

import type { Comparison, Literal } from "../../expr/comparisons.ts";
import { checkExpression, type ExpressionProblem } from "../../expr/expression.ts";
import type { PathProblem } from "../../issues.ts";
import type { JsonValue } from "../../json.ts";
import { didYouMean } from "../../suggest.ts";
import { OUTCOMES } from "../../task/states.ts";
import { FACT_VALUES } from "../../trigger/facts.ts";
import type { ParamSchema } from "../pipeline.ts";
import { placesOf } from "../places.ts";
import type { RuleContext } from "../rule.ts";
import { sourcesIn } from "../template-sources.ts";
import { declaredType } from "./known-types.ts";

const STATUSES = ["succeeded", "failed", "canceled"];
/** Terms of other systems. */
const SYNONYMS: { readonly [word: string]: string } = {
  success: "succeeded",
  passed: "succeeded",
  failure: "failed",
  error: "errored",
  cancelled: "canceled",
  manual: "person",
  workflow_dispatch: "person",
  merge_request: "pull_request",
  cron: "schedule",
};
export const PARAM_TYPES: { readonly [type: string]: string } = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
};

/** Comparisons with a value that the other side can never have. */
export function possibleComparisons(context: RuleContext): readonly PathProblem[] {
  return placesOf(context.pipeline).flatMap((place) =>
    sourcesIn(place).flatMap(({ source, path }) => {
      const expression = checkExpression(source);
      if ("problem" in expression) return [];
      const found = expression.comparisons.flatMap(({ reference, operator, literals }) =>
        literals.flatMap((literal): ExpressionProblem[] => {
          // A template asks for what other files that include it say.
          if (reference.variable === "params" && context.isIncluded(place.path)) return [];
          const problem = impossible(context, { reference, operator, literal });
          return problem === undefined ? [] : [{ problem, offset: reference.offset }];
        }),
      );
      return [...expression.below, ...found].map(
        ({ problem, offset }): PathProblem => ({
          path,
          detail: problem,
          on: "value",
          within: { text: source, offset },
        }),
      );
    }),
  );
}

type Compared = Pick<Comparison, "reference" | "operator"> & { readonly literal: Literal };

/** Why the value that the reference names never compares like this. */
function impossible(
  { pipeline }: RuleContext,
  { reference: { variable, path }, operator, literal }: Compared,
): string | undefined {
  const name = [variable, ...path].join(".");
  const declared = declaredType(pipeline, variable, path);
  const outside = declared && typeof literal === "number" ? outsideOf(declared, operator, literal) : undefined;
  if (outside !== undefined) return `${name} is ${outside}`;
  if (operator !== "==" && operator !== "!=" && operator !== "in") return undefined;
  if (variable === "status" && path.length === 0) return notOneOf(name, literal, STATUSES);
  const isOutcome = ["steps", "needs", "jobs"].includes(variable) && path.length === 2 && path[1] === "outcome";
  if (isOutcome) return notOneOf(name, literal, OUTCOMES);
  const fact = path[0] ?? "";
  if (variable === "trigger" && path.length === 1 && Object.hasOwn(FACT_VALUES, fact))
    return notOneOf(name, literal, FACT_VALUES[fact] ?? []);
  if (declared === undefined) return undefined;
  if (!hasType(declared, literal))
    return `${name} is ${PARAM_TYPES[declared.type]} and never equals ${JSON.stringify(literal)}`;
  return declared.enum === undefined ? undefined : notOneOf(name, literal, declared.enum);
}

/** A number that is not within the limits of the type, in words. */
function outsideOf(
  { minimum = -Infinity, maximum = Infinity }: ParamSchema,
  operator: Comparison["operator"],
  literal: number,
): string | undefined {
  const least = `at least ${minimum}, and never `;
  const most = `at most ${maximum}, and never `;
  switch (operator) {
    case "<":
      return minimum >= literal ? `${least}less than ${literal}` : undefined;
    case "<=":
      return minimum > literal ? `${least}less than ${minimum}` : undefined;
    case ">":
      return maximum <= literal ? `${most}more than ${literal}` : undefined;
    case ">=":
      return maximum < literal ? `${most}more than ${maximum}` : undefined;
    default:
      if (literal < minimum) return `${least}${literal}`;
      return literal > maximum ? `${most}${literal}` : undefined;
  }
}

function hasType({ type }: ParamSchema, literal: Literal): boolean {
  if (type === "integer") return Number.isInteger(literal);
  if (type === "number") return typeof literal === "number";
  return type === typeof literal;
}

function notOneOf(what: string, literal: JsonValue, values: readonly JsonValue[]): string | undefined {
  if (values.includes(literal)) return undefined;
  const texts = values.filter((one) => typeof one === "string");
  const hint =
    typeof literal === "string"
      ? didYouMean(Object.hasOwn(SYNONYMS, literal) ? (SYNONYMS[literal] ?? "") : literal, texts)
      : "";
  return `${what} is never ${JSON.stringify(literal)}; it is one of ${values.slice(0, 20).map(String).join(", ")}${hint}`;
}
