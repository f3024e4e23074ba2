// References of claiflow (`$inputs.a`, `$step.outputs.b[1]`), as expressions.

import { isJsonObject, type JsonValue } from "@gantry/core/json.ts";
import { quoted, Untranslatable } from "./expression.ts";

/** What a name means at some place of a flow. */
export type Meaning =
  | { readonly kind: "inputs" }
  /** `inputs`: of the step, as they are written in the flow. */
  | { readonly kind: "step"; readonly value: string; readonly inputs: JsonValue; readonly scope: Scope }
  /** The loop that the place is in. */
  | { readonly kind: "element"; readonly value: string }
  /** A loop that has ended: its job, and its steps in order. */
  | { readonly kind: "loop"; readonly list: string; readonly steps: readonly string[] };

type Loop = Extract<Meaning, { kind: "loop" }>;

export type Scope = { readonly [name: string]: Meaning };

const REFERENCE = /^\$([A-Za-z_][\w-]*)((?:\.[\w$-]+|\[[^\]]+\])*)(?:\s*\|\s*(.+))?$/;
const INSIDE = /\$\{([^}]+)\}/g;

/** An expression with the same value. Throws Untranslatable. */
export function expressionOf(value: JsonValue, scope: Scope): string {
  if (typeof value === "string") return ofText(value, scope);
  if (Array.isArray(value)) return `[${value.map((one: JsonValue) => expressionOf(one, scope)).join(", ")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, one]) => `${quoted(key)}: ${expressionOf(one, scope)}`)
    .join(", ")}}`;
}

function ofText(text: string, scope: Scope): string {
  // A literal text that begins with a dollar sign.
  if (text.startsWith("$$")) return quoted(text.slice(1));
  if (INSIDE.test(text)) {
    INSIDE.lastIndex = 0;
    const parts = text.split(INSIDE).map((part, index) => {
      if (index % 2 === 0) return quoted(part);
      return `string(${reference(`$${part.trim()}`, scope)})`;
    });
    return parts.filter((part) => part !== '""').join(" + ");
  }
  return text.startsWith("$") ? reference(text, scope) : quoted(text);
}

function reference(text: string, scope: Scope): string {
  const [, name = "", rest = "", filter] = REFERENCE.exec(text) ?? [];
  const meaning = Object.hasOwn(scope, name) ? scope[name] : undefined;
  if (!meaning)
    throw new Untranslatable(
      `\`${text}\` names no input and no step before it. A text that begins with $ is written $$`,
    );
  const path = [...rest.matchAll(/\.([\w$-]+)|\[([^\]]+)\]/g)].map(([, key, index]) => key ?? Number(index));
  const value = within(text, meaning, path);
  if (filter === undefined) return value;
  if (filter.trim() === "length") return `size(${value})`;
  throw new Untranslatable(`the filter \`${filter}\` has no counterpart`);
}

type PathOf = readonly (string | number)[];

function within(text: string, meaning: Meaning, path: PathOf): string {
  if (path.some((one) => Number.isNaN(one))) return withOwnIteration(text, meaning, path);
  const [first, ...rest] = path;
  switch (meaning.kind) {
    case "inputs":
      return member("params", path);
    case "element":
      if (first === "val") return member(`${meaning.value}.val`, rest);
      if (first === "key") return member(`${meaning.value}.key`, rest);
      break;
    case "step":
      if (first === "outputs") return member(meaning.value, rest);
      if (first === "inputs") return expressionOf(inputAt(text, meaning.inputs, rest), meaning.scope);
      break;
    case "loop":
      return ofLoop(text, meaning, path);
  }
  throw new Untranslatable(`\`${text}\` has no counterpart`);
}

/** `$r[$r.key].$c.outputs` inside of the loop is the step itself, which the caller knows as `$c`. */
function withOwnIteration(text: string, meaning: Meaning, [, step]: PathOf): string {
  if (meaning.kind !== "element" || typeof step !== "string" || !step.startsWith("$"))
    throw new Untranslatable(`\`${text}\` has no counterpart`);
  throw new Untranslatable(`\`${text}\`: write \`${step}.outputs\`, which is the step of the same iteration here`);
}

function ofLoop(text: string, { list, steps }: Loop, [first, second, third, ...rest]: PathOf): string {
  if (first === "outputs" && second === undefined) return outputsOf({ list, steps });
  if (typeof first === "number" && typeof second === "string" && second.startsWith("$") && third === "outputs")
    return member(`${list}[${first}].outputs${key(second.slice(1))}`, rest);
  throw new Untranslatable(`\`${text}\` has no counterpart`);
}

/** The outputs of the last step of a loop, one for each element. */
export function outputsOf({ list, steps }: Pick<Loop, "list" | "steps">): string {
  return `${list}.map(one, one.outputs${key(steps.at(-1) ?? "")})`;
}

function inputAt(text: string, inputs: JsonValue, path: PathOf): JsonValue {
  return path.reduce<JsonValue>((inside, step) => {
    const next = Array.isArray(inside)
      ? (inside as readonly JsonValue[])[Number(step)]
      : isJsonObject(inside)
        ? inside[String(step)]
        : undefined;
    if (next === undefined) throw new Untranslatable(`\`${text}\` is no input of that step`);
    return next;
  }, inputs);
}

function member(first: string, path: PathOf): string {
  return path.reduce<string>((all, one) => all + (typeof one === "number" ? `[${one}]` : key(one)), first);
}

function key(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${quoted(name)}]`;
}
