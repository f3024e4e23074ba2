// Functions of expressions that the CEL library lacks, or does in another way than CEL: its positions in texts count halves of
// characters such as 😀, while `size` counts whole ones, and it reads "" as 0 and "0b11" as 3.

import { type ASTNode, type Environment, EvaluationError, Optional } from "@marcbachmann/cel-js";
import type { JsonValue } from "../json.ts";
import { childrenOf } from "./references.ts";
import { type CelValue, fromCel, toCel, ValueProblem } from "./values.ts";

/** Functions of the library that are replaced. It has no way to do so: calls get another name, with `_` at its end. */
const REPLACED: ReadonlySet<string> = new Set(["int", "double", "substring", "indexOf", "lastIndexOf", "split"]);
const MAX_INT = 2n ** 63n;
export const SUM_PROBLEM = "sum() is for lists of integers";
export const PLACE_PROBLEM = "the place in a list must be a whole number";
export const KEY_PROBLEM = "a key of a map must be text, a whole number, or true or false";

export function registerFunctions(environment: Environment): Environment {
  return environment
    .registerFunction("string.lower(): string", (text: string) => text.toLowerCase())
    .registerFunction("string.upper(): string", (text: string) => text.toUpperCase())
    .registerFunction("string.replace(string, string): string", replace)
    .registerFunction("list<int>.sum(): int", sumOf)
    .registerFunction("short(string): string", shortCommit)
    .registerFunction("fromJson(string): dyn", fromJson)
    .registerFunction("toJson(dyn): string", toJson)
    .registerFunction("key_(dyn): dyn", checkKey)
    .registerFunction("at_(dyn, dyn): optional<dyn>", optionalAt)
    .registerFunction("int_(int): int", (value: bigint) => value)
    .registerFunction("int_(double): int", wholeOf)
    .registerFunction("int_(string): int", intFrom)
    .registerFunction("double_(double): double", (value: number) => value)
    .registerFunction("double_(int): double", (value: bigint) => Number(value))
    .registerFunction("double_(uint): double", (value: unknown) => Number(value))
    .registerFunction("double_(string): double", doubleFrom)
    .registerFunction("string.substring_(int): string", (text: string, start: bigint) => substring(text, start))
    .registerFunction("string.substring_(int, int): string", substring)
    .registerFunction("string.indexOf_(string): int", (text: string, part: string) => indexOf(text, part, 0n))
    .registerFunction("string.indexOf_(string, int): int", indexOf)
    .registerFunction("string.lastIndexOf_(string): int", (text: string, part: string) =>
      positionAt(text, text.lastIndexOf(part)),
    )
    .registerFunction("string.lastIndexOf_(string, int): int", lastIndexOf)
    .registerFunction("string.split_(string): list<string>", (text: string, by: string) => split(text, by))
    .registerFunction("string.split_(string, int): list<string>", splitSome);
}

/**
 * Lets a call use the function that replaces the library's. Computed keys of a map are checked: the library would make a text
 * such as `[object Object]` of a list or map.
 */
export function replaceFunction(node: ASTNode, environment: Environment): void {
  if ((node.op === "call" || node.op === "rcall") && REPLACED.has(node.args[0])) node.args[0] += "_";
  if (node.op !== "map") return;
  for (const entry of node.args) {
    if (entry[0].op === "value") continue;
    const call = environment.parse("key_(0)").ast;
    if (call.op === "call") call.args[1] = [entry[0]];
    entry[0] = call;
  }
}

/**
 * Lets `value[?key]`, `value.?name`, and the members behind them use `at_`: the library takes every key that a list cannot have
 * for a missing element, so a mistake would silently become the default. True when there is such an access.
 */
export function replaceOptionalAccess(node: ASTNode, environment: Environment): boolean {
  const found = childrenOf(node).map((child) => replaceOptionalAccess(child, environment));
  const isOptional = isOptionalAccess(node);
  if (isOptional && "setMeta" in node && typeof node.setMeta === "function") {
    const isMember = node.op === "." || node.op === ".?";
    const call = environment.parse(`at_(0, ${isMember ? JSON.stringify(node.args[1]) : 0})`).ast;
    if (call.op === "call") call.args[1] = [node.args[0], ...(isMember ? call.args[1].slice(1) : [node.args[1]])];
    // The library's own way to evaluate a node as another one; its types leave it out.
    node.setMeta("alternate", call);
  }
  return isOptional || found.includes(true);
}

function isOptionalAccess(node: ASTNode): node is ASTNode & { op: "." | ".?" | "[]" | "[?]" } {
  if (node.op === ".?" || node.op === "[?]") return true;
  return (node.op === "." || node.op === "[]") && isOptionalAccess(node.args[0]);
}

/** A name as expressions write it, in a text of the library. */
export function withoutReplacements(text: string): string {
  return text.replace(/\b(\w+)_(?=\()/g, (whole, name: string) => (REPLACED.has(name) ? name : whole));
}

export function isReplacement(name: string): boolean {
  return name === "key_" || name === "at_" || (name.endsWith("_") && REPLACED.has(name.slice(0, -1)));
}

/** The text is never repeated in the error, because it may be a secret. */
function fromJson(text: string): CelValue {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new EvaluationError("fromJson() was given a text that is not JSON");
  }
  return asEvaluation("fromJson", () => exactNumbers(toCel(value)));
}

function toJson(value: unknown): string {
  return asEvaluation("toJson", () => JSON.stringify(fromCel(value)));
}

function asEvaluation<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error;
    throw new EvaluationError(`${name}(): ${error.message}`);
  }
}

/** An integer beyond 2^53 would silently become another one. */
function exactNumbers(value: CelValue): CelValue {
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new ValueProblem("it has a number that cannot be kept exactly; write it as text");
  if (Array.isArray(value)) value.forEach(exactNumbers);
  else if (value instanceof Map) for (const item of value.values()) exactNumbers(item);
  return value;
}

function checkKey(key: unknown): unknown {
  if (typeof key === "string" || typeof key === "bigint" || typeof key === "boolean") return key;
  throw new EvaluationError(KEY_PROBLEM);
}

/** What stands at a key, if it is there. A key that the value can never have is a mistake. */
function optionalAt(target: unknown, key: unknown): unknown {
  const value: unknown = target instanceof Optional ? target.orValue(undefined) : target;
  if (Array.isArray(value)) {
    const place = typeof key === "bigint" ? Number(key) : key;
    if (typeof place !== "number" || !Number.isInteger(place)) throw new EvaluationError(PLACE_PROBLEM);
    return Optional.of<unknown>(value[place]);
  }
  if (typeof value !== "object" || value === null) return Optional.none();
  if (typeof key === "object") throw new EvaluationError(KEY_PROBLEM);
  if (value instanceof Map) return Optional.of<unknown>(value.get(key));
  return Optional.of<unknown>(Object.hasOwn(value, String(key)) ? Reflect.get(value, String(key)) : undefined);
}

function replace(text: string, from: string, to: string): string {
  if (from === "") return `${to}${Array.from(text, (one) => one + to).join("")}`;
  return text.replaceAll(from, () => to);
}

function sumOf(list: readonly unknown[]): bigint {
  return list.reduce((sum: bigint, one) => {
    if (typeof one !== "bigint") throw new EvaluationError(SUM_PROBLEM);
    return sum + one;
  }, 0n);
}

/** The first 12 characters of a commit or of a digest without its algorithm: enough to tell apart, short enough to read. */
function shortCommit(text: string): string {
  return Array.from(text.replace(/^sha256:/, ""))
    .slice(0, 12)
    .join("");
}

function wholeOf(value: number): bigint {
  if (!Number.isFinite(value)) throw noNumber("int");
  return inRange(BigInt(Math.trunc(value)));
}

function intFrom(text: string): bigint {
  if (text.length > 20 || !/^[-+]?[0-9]+$/.test(text)) throw noNumber("int");
  return inRange(BigInt(text.replace("+", "")));
}

function inRange(value: bigint): bigint {
  if (value >= MAX_INT || value < -MAX_INT) throw noNumber("int");
  return value;
}

function doubleFrom(text: string): number {
  if (!/^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?$/i.test(text)) throw noNumber("double");
  return Number(text);
}

function noNumber(name: string): EvaluationError {
  return new EvaluationError(`${name}() type error: cannot convert`);
}

function substring(text: string, start: bigint, end?: bigint): string {
  const characters = Array.from(text);
  const [from, to] = [Number(start), end === undefined ? characters.length : Number(end)];
  if (from < 0 || to < from || to > characters.length)
    throw new EvaluationError("`substring` begins or ends outside of the text");
  return characters.slice(from, to).join("");
}

function indexOf(text: string, part: string, start: bigint): bigint {
  if (start < 0n) throw new EvaluationError("`indexOf` begins outside of the text");
  const skipped = Array.from(text).slice(0, Number(start)).join("");
  return positionAt(text, text.indexOf(part, skipped.length));
}

function lastIndexOf(text: string, part: string, start: bigint): bigint {
  const characters = Array.from(text);
  if (start < 0n || start > characters.length) throw new EvaluationError("`lastIndexOf` begins outside of the text");
  return positionAt(text, text.lastIndexOf(part, characters.slice(0, Number(start)).join("").length));
}

/** The number of characters before an offset; -1 stays. */
function positionAt(text: string, offset: number): bigint {
  return BigInt(offset === -1 ? -1 : Array.from(text.slice(0, offset)).length);
}

function split(text: string, by: string): string[] {
  return by === "" ? Array.from(text) : text.split(by);
}

/** At most so many parts: the last one has the rest. A negative limit means all. */
function splitSome(text: string, by: string, limit: bigint): string[] {
  const parts = split(text, by);
  const most = Number(limit);
  if (most < 0 || parts.length <= most) return parts;
  return most === 0 ? [] : [...parts.slice(0, most - 1), parts.slice(most - 1).join(by)];
}
