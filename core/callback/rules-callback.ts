// The rule of `callback` in pipeline files.

import { isTemplated } from "../expr/template.ts";
import type { PathProblem } from "../issues.ts";
import type { RuleContext } from "../pipeline/rule.ts";
import { addressProblem } from "./callback-shape.ts";

/** An address without expressions is one. */
export function goodCallback({ pipeline, file }: RuleContext): readonly PathProblem[] {
  const { callback } = pipeline;
  if (callback === undefined || isTemplated(callback.url)) return [];
  const problem = addressProblem(callback.url);
  if (problem === undefined) return [];
  const path = typeof file.callback === "string" ? ["callback"] : ["callback", "url"];
  return [{ path, detail: `the address of \`callback\` ${problem}`, on: "value" }];
}
