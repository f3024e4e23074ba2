// `when:` decides whether a job or a step runs.

import type { JsonObject, JsonValue } from "../json.ts";
import { checkExpression, expressionFailed } from "./expression.ts";

/**
 * A condition also requires that everything before succeeded, unless it names `status` itself; `always` is always true. No
 * condition is true when everything before succeeded. The scope must have `status`. `before` is the status of what came
 * before, if it differs from `status`: in a `finally` job of a failed task, `status` is `failed` although the job's own
 * steps have succeeded so far. Throws GantryError `expression-failed`, also when the result is not a boolean.
 */
export function evaluateCondition(
  condition: string | undefined,
  scope: JsonObject,
  before: JsonValue | undefined = scope.status,
): boolean {
  const source = condition?.trim();
  if (source === "always") return true;
  const succeeded = before === "succeeded";
  if (source === undefined) return succeeded;
  const expression = checkExpression(source);
  if ("problem" in expression) throw expressionFailed(source, expression.problem);
  if (!succeeded && !expression.references.some((reference) => reference.variable === "status")) return false;
  const answer = expression.evaluate(scope);
  if (typeof answer !== "boolean") throw expressionFailed(source, "a condition must give true or false");
  return answer;
}

/** `when: ${{ x }}` and `when: x` are the same. */
export function bareCondition(when: string | undefined): string | undefined {
  const text = when?.trim();
  const wrapped = text === undefined ? null : /^\$\{\{([\s\S]*)\}\}$/.exec(text);
  return wrapped?.[1]?.trim() ?? text;
}
