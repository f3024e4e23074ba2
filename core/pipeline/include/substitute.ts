// Puts the values of params into a template. A value becomes a part of the expression that names it, never a part of its text:
// what a value holds cannot become an expression, and nothing is evaluated twice. Pure.

import { checkExpression } from "../../expr/expression.ts";
import { cutText } from "../../expr/template.ts";
import { isJsonObject, type JsonValue } from "../../json.ts";

/** The values of a template's params: JSON, whose texts may be one expression of the caller each. */
export type Values = { readonly [param: string]: JsonValue };

/** What is wrong with a text, and where in it. */
export type SubstituteProblem = { readonly problem: string; readonly text: string; readonly offset: number };

/** A text of a template with these values. A text that is one param alone becomes its value, with its type. */
export function substituteText(text: string, values: Values): { readonly value: JsonValue } | SubstituteProblem {
  if (!text.includes("${{")) return { value: text };
  const pieces = cutText(text);
  // The rules of pipeline files say what is wrong with it.
  if ("problem" in pieces) return { value: text };
  const [only] = pieces;
  const alone =
    pieces.length === 1 && only?.kind === "expression" ? /^params\.(\w+)$/.exec(only.source)?.[1] : undefined;
  if (alone !== undefined && Object.hasOwn(values, alone)) return { value: values[alone] ?? null };
  let result = "";
  for (const piece of pieces) {
    if (piece.kind === "text") {
      result += piece.text.replaceAll("${{", "$${{");
      continue;
    }
    const plain = plainText(piece.source, values);
    const next = plain === undefined ? substituteExpression(piece.source, values) : { value: plain };
    if ("problem" in next) return next;
    result += plain === undefined ? `\${{ ${next.value} }}` : plain;
  }
  return { value: result };
}

/** A value that stays what it is in any text, so that a title, which has no expressions, can name a param. */
function plainText(source: string, values: Values): string | undefined {
  const name = /^params\.(\w+)$/.exec(source)?.[1] ?? "";
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && !/[${}]/.test(value) ? value : undefined;
}

/** An expression of a template with these values in place of its params. */
export function substituteExpression(source: string, values: Values): { readonly value: string } | SubstituteProblem {
  const expression = checkExpression(source);
  if ("problem" in expression) return { value: source };
  let result = "";
  let end = 0;
  for (const { variable, path, offset } of expression.references.toSorted((a, b) => a.offset - b.offset)) {
    if (variable !== "params") continue;
    const wrong = (problem: string): SubstituteProblem => ({ problem, text: source, offset });
    const [name] = path;
    if (name === undefined) return wrong("name one param of the template: params.NAME");
    if (!Object.hasOwn(values, name)) return wrong(`the template has no param ${name}`);
    const written = [`.${name}`, `["${name}"]`, `['${name}']`].find((one) => source.startsWith(`params${one}`, offset));
    if (written === undefined) return wrong(`write params.${name}: each param of a template has a value`);
    const value = celOf(values[name] ?? null);
    const captured = boundNames(source).find((bound) => namesIn(value).includes(bound));
    if (captured !== undefined)
      return wrong(`the variable ${captured} of this expression hides the one that params.${name} names`);
    result += `${source.slice(end, offset)}(${value})`;
    end = offset + "params".length + written.length;
  }
  return { value: result + source.slice(end) };
}

/** JSON as CEL. A text that is one expression becomes this expression. */
function celOf(value: JsonValue): string {
  if (typeof value === "string") return expressionOf(value) ?? JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((one: JsonValue) => celOf(one)).join(", ")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, one]) => `${JSON.stringify(key)}: ${celOf(one)}`)
    .join(", ")}}`;
}

/** The source of a text that is exactly one expression. */
export function expressionOf(text: string): string | undefined {
  const pieces = text.includes("${{") ? cutText(text) : [];
  if ("problem" in pieces) return undefined;
  const [only, second] = pieces;
  return only?.kind === "expression" && second === undefined ? only.source : undefined;
}

/** Names that `map(x, …)` and its like bind. */
function boundNames(source: string): readonly string[] {
  return [...source.matchAll(/\.(?:map|filter|all|exists|exists_one|bind)\(\s*([A-Za-z_]\w*)\s*,/g)].map(
    ([, name = ""]) => name,
  );
}

function namesIn(source: string): readonly string[] {
  const expression = checkExpression(source);
  return "problem" in expression ? [] : expression.references.map(({ variable }) => variable);
}
