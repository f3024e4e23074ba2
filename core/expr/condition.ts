// `when:`: does a job or a step run?

import type { JsonObject } from "../json.ts";
import { checkExpression, expressionFailed } from "./expression.ts";

/**
 * A condition also asks that what came before succeeded, unless it names `status` itself; `always` holds always. No
 * condition holds when the status is `succeeded`. The scope must have `status`. Throws GantryError `expression-failed`,
 * also when the answer is not true or false.
 */
export function evaluateCondition(condition: string | undefined, scope: JsonObject): boolean {
  const source = condition?.trim();
  if (source === "always") return true;
  const succeeded = scope.status === "succeeded";
  if (source === undefined) return succeeded;
  const expression = checkExpression(source);
  if ("problem" in expression) throw expressionFailed(source, expression.problem);
  if (!succeeded && !expression.references.some((reference) => reference.variable === "status")) return false;
  const answer = expression.evaluate(scope);
  if (typeof answer !== "boolean") throw expressionFailed(source, "a condition must give true or false");
  return answer;
}
