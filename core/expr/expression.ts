// Parses, checks and evaluates CEL expressions. Everything is bounded: length of the source, number of its parts, work
// (cost.ts), size of the result.

import { type ASTNode, TypeError as CelTypeError, EvaluationError, ParseError } from "@marcbachmann/cel-js";
import { GantryError } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { truncate } from "../truncate.ts";
import { celProblem } from "./cel-problem.ts";
import { belowAll, type Comparison, comparisonsOf } from "./comparisons.ts";
import { costOf, MAX_COST } from "./cost.ts";
import { makeEnvironment } from "./environment.ts";
import { isReplacement, KEY_PROBLEM, replaceFunction, replaceOptionalAccess } from "./functions.ts";
import { closedIn, constantsOf, type Part, splitAt } from "./parts.ts";
import { childrenOf, type Reference, referencesOf } from "./references.ts";
import { syntaxProblem } from "./syntax-problem.ts";
import { type CelValue, fromCel, toCel, ValueProblem } from "./values.ts";

export type Expression = {
  readonly source: string;
  readonly references: readonly Reference[];
  readonly comparisons: readonly Comparison[];
  /** Comparisons that are never true, or always, because no size or place is that small. */
  readonly below: readonly ExpressionProblem[];
  /** What stands between `||` at the top; the whole expression where there is none. */
  readonly alternatives: readonly string[];
  /** What stands between `&&` at the top; the whole expression where there is none. */
  readonly demands: readonly string[];
  /** Parts that name no variable; where one has no value, the expression has none. */
  readonly constants: readonly Part[];
  /** The type of the result as far as CEL knows it: `bool`, `int`, `list<…>` …, or `dyn` when it depends on the values. */
  readonly type: string;
  /** Throws GantryError `expression-failed`. */
  readonly evaluate: (scope: JsonObject, evaluation?: Evaluation) => JsonValue;
};

/**
 * What evaluations that belong together share: the work that is left for all of them, and the values of the scope that are
 * converted already. These must not change meanwhile.
 */
export type Evaluation = { readonly values: Map<JsonValue, CelValue>; work: number };

/** For evaluations that belong together: about two seconds. */
const MAX_WORK = 4 * MAX_COST;

export function newEvaluation(): Evaluation {
  return { values: new Map(), work: MAX_WORK };
}

export type ExpressionProblem = {
  readonly problem: string;
  /** Where in the source. */
  readonly offset: number;
};

export const MAX_EXPRESSION_LENGTH = 4_096;
/**
 * Compiled expressions are cached, because the same pipelines run often. The oldest one is dropped when the cache is full.
 */
const MAX_COMPILED = 1_000;

const environment = makeEnvironment();
type Parsed = ReturnType<typeof environment.parse>;
const compiled = new Map<string, Expression | ExpressionProblem>();

/**
 * Parses an expression and checks everything that does not depend on values: syntax, variables, functions, types of
 * literals.
 */
export function checkExpression(source: string): Expression | ExpressionProblem {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const fresh = compile(source);
  if (compiled.size >= MAX_COMPILED) {
    const oldest = compiled.keys().next();
    if (oldest.done !== true) compiled.delete(oldest.value);
  }
  if (source.length <= MAX_EXPRESSION_LENGTH) compiled.set(source, fresh);
  return fresh;
}

/**
 * Evaluates an expression. A missing variable or member is an error that names it. Throws GantryError `expression-failed`,
 * whose details contain the expression but never values.
 */
export function evaluate(source: string, scope: JsonObject, evaluation?: Evaluation): JsonValue {
  const expression = checkExpression(source);
  if ("problem" in expression) throw expressionFailed(source, expression.problem);
  return expression.evaluate(scope, evaluation);
}

export function expressionFailed(expression: string, problem: string): GantryError {
  return new GantryError("expression-failed", { expression: truncate(expression, 200).trim(), problem });
}

function compile(source: string): Expression | ExpressionProblem {
  if (source.trim() === "") return { problem: "the expression is empty", offset: 0 };
  if (source.length > MAX_EXPRESSION_LENGTH) {
    return { problem: `it is longer than ${MAX_EXPRESSION_LENGTH} characters`, offset: 0 };
  }
  let parsed: Parsed;
  try {
    parsed = environment.parse(source);
  } catch (error) {
    if (error instanceof ParseError) return { problem: syntaxProblem(error, source), offset: error.range?.start ?? 0 };
    throw error;
  }
  const refused = findRefused(parsed.ast, source);
  if (refused !== undefined) return refused;
  // The references are collected before the check, because checking expands macros in place.
  const references = referencesOf(parsed.ast);
  const comparisons = comparisonsOf(parsed.ast);
  const below = belowAll(parsed.ast);
  const alternatives = splitAt("||", parsed.ast, source);
  const demands = splitAt("&&", parsed.ast, source);
  const constants = constantsOf(parsed.ast, source);
  replaceFunctions(parsed.ast);
  const verdict = checkedAsWritten(source, parsed);
  if (!verdict.valid) {
    const error = verdict.error;
    const problem = celProblem(error?.summary ?? "it is not valid", { node: error?.node });
    return { problem, offset: error?.range?.start ?? 0 };
  }
  const names = new Set(references.map((reference) => reference.variable));
  const type = String(verdict.type ?? "dyn");
  return { source, references, comparisons, below, alternatives, demands, constants, type, evaluate };

  function evaluate(scope: JsonObject, evaluation = newEvaluation()): JsonValue {
    return run(source, parsed, { names, scope, evaluation });
  }
}

/** Checks the types as they are written, and prepares the expression to be evaluated. */
function checkedAsWritten(source: string, parsed: Parsed): ReturnType<Parsed["check"]> {
  if (!replaceOptionalAccess(parsed.ast, environment)) return parsed.check();
  const written = environment.parse(source);
  replaceFunctions(written.ast);
  const verdict = written.check();
  // What replaces an access takes values of any type, so this check finds less.
  return verdict.valid ? { ...parsed.check(), type: verdict.type } : verdict;
}

function run(
  source: string,
  parsed: { (context: Map<string, unknown>): unknown; ast: ASTNode },
  { names, scope, evaluation }: { names: ReadonlySet<string>; scope: JsonObject; evaluation: Evaluation },
): JsonValue {
  try {
    const context = new Map<string, CelValue>();
    for (const name of names) {
      const value = Object.hasOwn(scope, name) ? scope[name] : undefined;
      if (value !== undefined) context.set(name, converted(value, evaluation));
    }
    const cost = costOf(parsed.ast, context);
    if (cost > MAX_COST) throw new ValueProblem("it would take too much work with these values");
    evaluation.work -= cost;
    if (evaluation.work < 0)
      throw new ValueProblem("with those before it, it would take too much work with these values");
    return fromCel(parsed(context));
  } catch (error) {
    if (error instanceof EvaluationError || error instanceof CelTypeError) {
      throw expressionFailed(source, sentenceFor(source, error));
    }
    if (error instanceof ValueProblem) throw expressionFailed(source, error.message);
    throw error;
  }
}

function findWrongKey(keys: readonly ASTNode[]): ExpressionProblem | undefined {
  const seen = new Set<unknown>();
  for (const { op, args, start } of keys) {
    if (op === "list" || op === "map" || (op === "value" && (args === null || typeof args === "number")))
      return { problem: KEY_PROBLEM, offset: start };
    if (op !== "value") continue;
    // Keys that differ only by type become the same text in the result.
    if (seen.has(String(args))) return { problem: `the key ${String(args)} occurs twice in the map`, offset: start };
    seen.add(String(args));
  }
  return undefined;
}

function replaceFunctions(node: ASTNode): void {
  replaceFunction(node, environment);
  for (const child of childrenOf(node)) replaceFunctions(child);
}

/** Values of a scope may be large, and several expressions use the same ones. */
function converted(value: JsonValue, { values }: Evaluation): CelValue {
  const known = values.get(value);
  if (known !== undefined) return known;
  const fresh = toCel(value);
  if (typeof value === "object") values.set(value, fresh);
  return fresh;
}

/** Regular expressions of the library may take exponential time, so they are not offered. */
function findRefused(node: ASTNode, source: string): ExpressionProblem | undefined {
  const wrongKey = node.op === "map" ? findWrongKey(node.args.map(([key]) => key)) : undefined;
  if (wrongKey !== undefined) return wrongKey;
  if (node.op === "value" && typeof node.args === "string" && node.args.includes("${{"))
    return {
      problem:
        "a text in quotes stays as it is, with its `${{`; name the value outside of the quotes, and join texts with `+`",
      offset: node.start,
    };
  if ((node.op === "rcall" || node.op === "call") && isReplacement(node.args[0]))
    return { problem: `there is no function ${node.args[0]}`, offset: node.pos };
  if (node.op === "rcall" && node.args[0] === "matches") {
    return { problem: "`matches` is not offered; use ==, in, startsWith, endsWith or contains", offset: node.pos };
  }
  const chain = findChain(node, source);
  if (chain !== undefined) return chain;
  for (const child of childrenOf(node)) {
    const found = findRefused(child, source);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * In CEL all comparisons have the same precedence, so `a == b in c` means `(a == b) in c`. The library reads it, as most
 * people would, as `a == (b in c)`.
 */
function findChain(node: ASTNode, source: string): ExpressionProblem | undefined {
  if (!isComparison(node)) return undefined;
  const [left, right] = node.args;
  if (!isComparison(right)) return undefined;
  // Nodes begin and end inside of their parentheses.
  const opened = source.slice(left.end, right.start).split("(").length - 1;
  if (opened > closedIn(source.slice(right.start, right.end))) return undefined;
  const problem = `\`${node.op}\` and \`${right.op}\` stand side by side; put one of the two comparisons in parentheses`;
  return { problem, offset: right.start };
}

const COMPARISONS = ["==", "!=", "<", "<=", ">", ">=", "in"] as const;

function isComparison(node: ASTNode): node is ASTNode & { op: (typeof COMPARISONS)[number] } {
  return COMPARISONS.some((op) => op === node.op);
}

function sentenceFor(source: string, error: EvaluationError | CelTypeError): string {
  const node = error.node;
  if (error.code === "unknown_variable") return error.summary.replace(/^unknown variable: /i, "there is no ");
  const isAccess = node?.op === "." || node?.op === "[]";
  const target = isAccess && Array.isArray(node.args) ? (node.args[0] as ASTNode | undefined) : undefined;
  if (error.code === "no_such_key" && target !== undefined) {
    const key = error.summary.replace("No such key: ", "");
    return `there is no ${JSON.stringify(key)} in ${source.slice(target.start, target.end)}`;
  }
  return celProblem(error.summary, { node });
}
