// Addresses that are told when a task has ended: what a request and a pipeline file may say, and which of them are told. Pure.

import { z } from "zod";
import { expressionFailed } from "../expr/expression.ts";
import { isTemplated, renderText } from "../expr/template.ts";
import type { PathProblem } from "../issues.ts";
import type { JsonObject } from "../json.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { RuleContext } from "../pipeline/rule.ts";
import { OUTCOMES, type Outcome } from "../task/states.ts";

const MAX_URL = 2_000;

/** `on`: the outcomes that are told; absent: all. `requested`: whoever requested the task wants it, not the pipeline. */
export type Callback = {
  readonly url: string;
  readonly on?: readonly Outcome[] | undefined;
  readonly requested?: true | undefined;
};

const on = z
  .array(z.enum(OUTCOMES))
  .min(1)
  .max(OUTCOMES.length)
  .optional()
  .describe("Only when the task has ended with one of these outcomes. Default: however it ends");

/** Of a request. */
export const callbackRequest = z
  .strictObject({
    url: z
      .string()
      .max(MAX_URL)
      .superRefine((url, context) => {
        const message = addressProblem(url);
        if (message !== undefined) context.addIssue({ code: "custom", message });
      })
      .describe("Where the message goes: http or https, without a user name"),
    on,
  })
  .describe("An address that is told when the task has ended, with a signature");

/** Of a pipeline file. */
export const callbackShape = z.strictObject({
  url: z.string().min(1).max(MAX_URL).describe("The address. It may contain ${{ expression }}; empty: nobody is told"),
  on,
});

/** What is wrong with the address, as the rest of a sentence; undefined: nothing. */
function addressProblem(text: string): string | undefined {
  if (text.length > MAX_URL) return `must have at most ${MAX_URL} characters`;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return "must be an address with http:// or https://";
  if (url.username !== "" || url.password !== "")
    return "must not contain a user name or a password: who may see the task sees it";
  return undefined;
}

/** Rule of pipeline files: an address without expressions is one. */
export function goodCallback({ pipeline, file }: RuleContext): readonly PathProblem[] {
  const { callback } = pipeline;
  if (callback === undefined || isTemplated(callback.url)) return [];
  const problem = addressProblem(callback.url);
  if (problem === undefined) return [];
  const path = typeof file.callback === "string" ? ["callback"] : ["callback", "url"];
  return [{ path, detail: `the address of \`callback\` ${problem}`, on: "value" }];
}

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
