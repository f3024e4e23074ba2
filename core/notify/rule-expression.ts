// The expressions of rules: CEL over `event` and `task`. Checked completely when a rule is read.

import {
  type ASTNode,
  TypeError as CelTypeError,
  Environment,
  EvaluationError,
  ParseError,
} from "@marcbachmann/cel-js";
import { celProblem, typeInWords } from "../expr/cel-problem.ts";
import { childrenOf, referencesOf } from "../expr/references.ts";
import { syntaxProblem } from "../expr/syntax-problem.ts";
import { type CelValue, fromCel, toCel, ValueProblem } from "../expr/values.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { didYouMean } from "../suggest.ts";
import { EVENT_KINDS, EVENT_MEMBERS, TASK_MEMBERS } from "./vocabulary.ts";

export type RuleExpression = (scope: RuleScope) => RuleValue;
/** `missing`: the event has no such member. This is normal, because a rule is evaluated for events of every kind. */
export type RuleValue =
  | { readonly kind: "value"; readonly value: JsonValue }
  | { readonly kind: "missing" }
  | { readonly kind: "problem"; readonly problem: string };

/** The variables, already as CEL values: made once per event, used by every rule. */
export type RuleScope = ReadonlyMap<string, CelValue>;

const MAX_LENGTH = 2_000;
const RULE_VARIABLES = ["event", "task"];
const environment = new Environment({
  unlistedVariablesAreDyn: false,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: 500, maxDepth: 40, maxListElements: 256, maxMapEntries: 64, maxCallArguments: 16 },
})
  .registerVariable("event", "dyn")
  .registerVariable("task", "dyn");

export function ruleScope(event: JsonObject, task: JsonObject): RuleScope {
  return new Map([
    ["event", toCel(event)],
    ["task", toCel(task)],
  ]);
}

/** The expression, or all its mistakes. `wanted` is the type of its value. */
export function compileRuleExpression(
  source: string,
  wanted: "bool" | "string",
): { readonly expression: RuleExpression } | { readonly problems: readonly string[] } {
  if (source.length > MAX_LENGTH) return { problems: [`it is longer than ${MAX_LENGTH} characters`] };
  let parsed: ReturnType<typeof environment.parse>;
  try {
    parsed = environment.parse(source);
  } catch (error) {
    if (error instanceof ParseError) return { problems: [syntaxProblem(error, source)] };
    throw error;
  }
  // Before the check, because checking expands macros in place.
  const problems = wordProblems(parsed.ast);
  const verdict = parsed.check();
  if (!verdict.valid) problems.push(problemOf(verdict.error));
  else if (verdict.type !== wanted && verdict.type !== "dyn")
    problems.push(`it must be ${typeInWords(wanted)}, and this is ${typeInWords(verdict.type ?? "dyn")}`);
  if (problems.length > 0) return { problems };
  return { expression: (scope) => evaluate(parsed, scope) };
}

function evaluate(parsed: (scope: Map<string, CelValue>) => unknown, scope: RuleScope): RuleValue {
  try {
    return { kind: "value", value: fromCel(parsed(new Map(scope))) };
  } catch (error) {
    if (error instanceof EvaluationError && error.code === "no_such_key") return { kind: "missing" };
    if (error instanceof EvaluationError || error instanceof CelTypeError) {
      return { kind: "problem", problem: problemOf(error) };
    }
    if (error instanceof ValueProblem) return { kind: "problem", problem: error.message };
    throw error;
  }
}

function problemOf(error: ParseError | EvaluationError | CelTypeError | undefined): string {
  return celProblem(error?.summary ?? "its types do not fit", { variables: RULE_VARIABLES, node: error?.node });
}

/** Finds members and kinds of events that do not exist. CEL itself would accept them and never match. */
function wordProblems(ast: ASTNode): string[] {
  const problems = referencesOf(ast).flatMap(({ variable, path }) => {
    const known = variable === "event" ? EVENT_MEMBERS : variable === "task" ? TASK_MEMBERS : undefined;
    const member = path[0];
    if (known === undefined || member === undefined || known.includes(member)) return [];
    return [`${variable} has no member ${member}${didYouMean(member, known)}`];
  });
  return [...problems, ...kindsIn(ast).flatMap(kindProblem)];
}

function kindProblem(kind: string): string[] {
  if (EVENT_KINDS.includes(kind)) return [];
  return [`there is no event of kind ${JSON.stringify(kind)}${didYouMean(kind, EVENT_KINDS)}`];
}

/** The texts that `event.kind` is compared with. */
function kindsIn(node: ASTNode): readonly string[] {
  const inner = childrenOf(node).flatMap(kindsIn);
  if (node.op !== "==" && node.op !== "!=" && node.op !== "in") return inner;
  const [left, right] = node.args;
  if (!isEventKind(left) && !isEventKind(right)) return inner;
  return [...inner, ...textsIn(left), ...textsIn(right)];
}

function isEventKind(node: ASTNode): boolean {
  return node.op === "." && node.args[1] === "kind" && node.args[0].op === "id" && node.args[0].args === "event";
}

function textsIn(node: ASTNode): readonly string[] {
  if (node.op === "value") return typeof node.args === "string" ? [node.args] : [];
  return node.op === "list" ? node.args.flatMap(textsIn) : [];
}
