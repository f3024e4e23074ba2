// Templates: JSON whose strings may hold `${{ expression }}`. The text is split once and the expressions are evaluated once.
// Their results are data and are never searched for expressions.

import type { JsonObject, JsonValue } from "../json.ts";
import { checkExpression, type Evaluation, evaluate, expressionFailed, newEvaluation } from "./expression.ts";
import type { Reference } from "./references.ts";

/** A text in pieces: literal text, or the source of an expression with its offset in the text. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "expression"; readonly source: string; readonly offset: number };

export type TemplateReference = Reference & { readonly expression: string };

/** Characters of all the texts that one template may grow to. */
const MAX_RENDERED = 1_048_576;
const MAX_DEPTH = 100;

/**
 * Renders a template. A string that is exactly one `${{ }}` becomes that value with its type; any other string becomes text.
 * Lists and objects are rendered recursively; keys are not templates. `evaluation`: shared by templates that belong together.
 * Throws GantryError `expression-failed`.
 */
export function render(template: JsonValue, scope: JsonObject, evaluation: Evaluation = newEvaluation()): JsonValue {
  const budget = { left: MAX_RENDERED };
  return walk(template, 0);

  function walk(node: JsonValue, depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw expressionFailed("", `a template is nested deeper than ${MAX_DEPTH}`);
    if (typeof node === "string") return fill(node, scope, { budget, evaluation });
    if (typeof node !== "object" || node === null) return node;
    if (isList(node)) return node.map((item) => walk(item, depth + 1));
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item, depth + 1)]));
  }
}

/** Like `render`, for places that need text: numbers and booleans are written out, null is empty, the rest is JSON. */
export function renderText(template: JsonValue, scope: JsonObject, evaluation?: Evaluation): string {
  return asText(render(template, scope, evaluation));
}

/**
 * The variables that a template uses. Expressions that cannot be parsed are skipped; the rules of pipeline files report
 * them.
 */
export function referencesIn(template: JsonValue): readonly TemplateReference[] {
  return expressionsIn(template).flatMap((source) => {
    const expression = checkExpression(source);
    if ("problem" in expression) return [];
    return expression.references.map((reference) => ({ ...reference, expression: source }));
  });
}

/** The sources of all expressions in a template. */
export function expressionsIn(template: JsonValue): readonly string[] {
  if (typeof template === "string") {
    const cut = cutText(template);
    return Array.isArray(cut) ? cut.flatMap((piece) => (piece.kind === "expression" ? [piece.source] : [])) : [];
  }
  if (typeof template !== "object" || template === null) return [];
  return Object.values(template).flatMap(expressionsIn);
}

/** Whether any string in the template contains an expression. */
export function isTemplated(template: JsonValue): boolean {
  return expressionsIn(template).length > 0;
}

/** Splits a text at its expressions. `$${{` means the literal characters `${{`. */
export function cutText(text: string): readonly Piece[] | { readonly problem: string; readonly offset: number } {
  const pieces: Piece[] = [];
  let literal = "";
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("${{", at);
    if (next === -1) break;
    if (next > at && text[next - 1] === "$") {
      literal += `${text.slice(at, next - 1)}\${{`;
      at = next + 3;
      continue;
    }
    const end = endOfExpression(text, next + 3);
    if (typeof end === "string") return { problem: `\`\${{\` is not closed with \`}}\`${end}`, offset: next };
    literal += text.slice(at, next);
    if (literal !== "") pieces.push({ kind: "text", text: literal });
    literal = "";
    pieces.push({ kind: "expression", source: text.slice(next + 3, end).trim(), offset: next + 3 });
    at = end + 2;
  }
  literal += text.slice(at);
  if (literal !== "") pieces.push({ kind: "text", text: literal });
  return pieces;
}

/**
 * The position of the `}}` that closes an expression, or a hint why there is none. Braces of maps and everything in quotes
 * belong to the expression.
 */
function endOfExpression(text: string, start: number): number | string {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const char = text[at];
    if (char === '"' || char === "'") {
      at = endOfQuote(text, at, char);
      if (at > text.length) return `; the quote ${char} inside of it has no end`;
      continue;
    }
    if (char === "{") depth += 1;
    if (char === "}" && depth === 0) return text[at + 1] === "}" ? at : "; it has a `{` or `}` too many";
    if (char === "}") depth -= 1;
    at += 1;
  }
  return depth > 0 ? "; it has a `{` too many" : "";
}

function endOfQuote(text: string, start: number, quote: string): number {
  const close = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  let at = start + close.length;
  while (at < text.length && !text.startsWith(close, at)) at += text[at] === "\\" ? 2 : 1;
  return at + close.length;
}

function fill(
  text: string,
  scope: JsonObject,
  { budget, evaluation }: { budget: { left: number }; evaluation: Evaluation },
): JsonValue {
  if (!text.includes("${{")) return text;
  const pieces = cutText(text);
  if ("problem" in pieces) throw expressionFailed(text, pieces.problem);
  const [only] = pieces;
  if (pieces.length === 1 && only?.kind === "expression") {
    const value = evaluate(only.source, scope, evaluation);
    spend(
      budget,
      typeof value === "object" && value !== null ? JSON.stringify(value).length : String(value).length,
      text,
    );
    return value;
  }
  let result = "";
  for (const piece of pieces) {
    const part = piece.kind === "text" ? piece.text : asText(evaluate(piece.source, scope, evaluation));
    spend(budget, part.length, text);
    result += part;
  }
  return result;
}

function spend(budget: { left: number }, length: number, text: string): void {
  budget.left -= length;
  if (budget.left < 0) throw expressionFailed(text, `the result is longer than ${MAX_RENDERED} characters`);
}

function asText(value: JsonValue): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}
