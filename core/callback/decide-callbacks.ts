// Which addresses a task tells of its end. Pure.

import { expressionFailed } from "../expr/expression.ts";
import { renderText } from "../expr/template.ts";
import type { JsonObject } from "../json.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Outcome } from "../task/states.ts";
import { addressProblem, type Callback } from "./callback-shape.ts";

/** The callbacks of a new task. `earlier`: those of the task that it reruns. Throws GantryError `expression-failed`. */
export function callbacksOf(
  { callback }: Pick<Pipeline, "callback">,
  requested: Callback | undefined,
  earlier: readonly Callback[] | undefined,
  scope: JsonObject,
): readonly Callback[] {
  const asked = requested ? [{ ...requested, requested: true as const }] : [];
  return [...ofPipeline(callback, scope), ...(earlier ?? []).filter((one) => one.requested), ...asked];
}

function ofPipeline(callback: Pipeline["callback"], scope: JsonObject): readonly Callback[] {
  if (callback === undefined) return [];
  const url = renderText(callback.url, scope).trim();
  if (url === "") return [];
  const problem = addressProblem(url);
  if (problem !== undefined) throw expressionFailed("callback", `the address ${problem}`);
  return [{ ...callback, url }];
}

/** The addresses that are told of this outcome, each once. */
export function toldOf(callbacks: readonly Callback[] = [], outcome: Outcome): readonly string[] {
  const told = callbacks.filter((one) => one.on === undefined || one.on.includes(outcome));
  return [...new Set(told.map(({ url }) => url))];
}
