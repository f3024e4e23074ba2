// Expressions for people who have not written them: why a condition is not met, and texts whose values are not known yet. Pure.

import { GantryError } from "../errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { truncate } from "../truncate.ts";
import { evaluateCondition } from "./condition.ts";
import { checkExpression } from "./expression.ts";
import type { Reference } from "./references.ts";
import { cutText } from "./template.ts";

const LONGEST_VALUE = 60;

/** Why the condition is not met, with the values that decide it: `the parameter dryRun is false`. No full stop. */
export function unmetText(condition: string, scope: JsonObject): string {
  const whole = checkExpression(condition);
  if ("problem" in whole) return `\`${condition}\` is not true`;
  const unmet = whole.demands.filter((demand) => !isMet(demand, scope));
  const named = (unmet.length === 0 ? [condition] : unmet).flatMap((demand) => {
    const expression = checkExpression(demand);
    return "problem" in expression ? [] : expression.references;
  });
  const said = new Set(named.map((reference) => sentenceOf(scope, reference)));
  return said.size === 0 ? `\`${condition}\` is not true` : inSentence([...said]);
}

/** The text with a name in the place of each expression: `cd/${{ app.name }}` is `cd/‹name of the app›`. */
export function templateInWords(template: JsonValue): string {
  const text = typeof template === "string" ? template : JSON.stringify(template);
  const pieces = cutText(text);
  if ("problem" in pieces) return text;
  return pieces.map((piece) => (piece.kind === "text" ? piece.text : `‹${expressionInWords(piece.source)}›`)).join("");
}

function expressionInWords(source: string): string {
  const expression = checkExpression(source);
  const named = "problem" in expression ? [] : expression.references.map(nameOf);
  const names = [...new Set(named.map((name) => name.replace(/^the (parameter )?/, "")))];
  return names.length === 0 ? "a value" : inSentence(names);
}

/** A part of it that has no value is not met either. */
function isMet(demand: string, scope: JsonObject): boolean {
  try {
    return evaluateCondition(demand, scope, "succeeded");
  } catch (error) {
    if (error instanceof GantryError) return false;
    throw error;
  }
}

function sentenceOf(scope: JsonObject, reference: Reference): string {
  const { variable, path } = reference;
  let value: JsonValue | undefined = scope[variable];
  for (const member of path) value = isJsonObject(value) && Object.hasOwn(value, member) ? value[member] : undefined;
  if (value !== undefined && value !== null) return `${nameOf(reference)} ${stateOf(value)}`;
  const isWhole = path.length === 0 || variable === "params" || isOfJob(variable);
  return isWhole ? `${nameOf(reference)} is not there` : `${ownerOf(variable)} has no ${path.join(".")}`;
}

function nameOf({ variable, path }: Reference): string {
  const [first, second, ...rest] = path;
  if (variable === "params") return first === undefined ? "what was asked for" : `the parameter ${path.join(".")}`;
  if (!isOfJob(variable))
    return first === undefined ? ownerOf(variable) : `the ${path.join(".")} of ${ownerOf(variable)}`;
  const owner = `the ${variable === "steps" ? "step" : "job"} ${first ?? ""}`.trim();
  if (second === undefined) return owner;
  return second === "outputs" && rest.length > 0
    ? `the output ${rest.join(".")} of ${owner}`
    : `the ${second} of ${owner}`;
}

function isOfJob(variable: string): boolean {
  return variable === "steps" || variable === "needs" || variable === "jobs";
}

function ownerOf(variable: string): string {
  return variable === "each" ? "this entry" : `the ${variable}`;
}

function stateOf(value: Exclude<JsonValue, null>): string {
  if (typeof value !== "object") return value === "" ? "is empty" : `is ${truncate(String(value), LONGEST_VALUE)}`;
  const size = Object.keys(value).length;
  return size === 0 ? "is empty" : `has ${size === 1 ? "one entry" : `${size} entries`}`;
}

function inSentence(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1) ?? ""}`;
}
