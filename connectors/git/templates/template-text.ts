// Text templates, pure: `{{ name }}`, `{{ a.b }}`, `{{ name | json }}`, `{{"literal"}}`. No loops, no code, no escaping
// rules that depend on the file: a value is put in as it is, or as a JSON string (which is also YAML) with `| json`.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";

/** What a template may name. Inside a repeated folder `item` is the element. */
export type Scope = { readonly values: JsonObject; readonly item: JsonValue | undefined };

export type Rendered = { readonly text: string; readonly mistakes: readonly Mistake[] };
/** `offset`: where in the text, in characters. */
export type Mistake = { readonly offset: number; readonly detail: string };

/** Fills in every `{{ … }}`. All mistakes are reported at once; the text is usable only when there are none. */
export function renderText(text: string, scope: Scope): Rendered {
  const mistakes: Mistake[] = [];
  const rendered = text.replace(
    /\{\{(\s*"[^"\n]*"\s*|[^{}]*)\}\}|\{\{/g,
    (all: string, inside: string | undefined, offset: number) => {
      const answer =
        inside === undefined ? { problem: "`{{` is not closed on this line" } : evaluate(inside.trim(), scope);
      if ("value" in answer) return answer.value;
      mistakes.push({ offset, detail: answer.problem });
      return all;
    },
  );
  return { text: rendered, mistakes };
}

/** Line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** The value of `a.b`; only own properties count. */
export function lookUp(name: string, scope: Scope): JsonValue | undefined {
  const [first = "", ...rest] = name.split(".");
  let value: JsonValue | undefined =
    first === "item" && scope.item !== undefined ? scope.item : ownProperty(scope.values, first);
  for (const part of rest) value = ownProperty(value, part);
  return value;
}

type Answer = { readonly value: string } | { readonly problem: string };

const NAME = /^([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)(?:\s*\|\s*(\w+))?$/;

function evaluate(inside: string, scope: Scope): Answer {
  const literal = /^"([^"\n]*)"$/.exec(inside);
  if (literal) return { value: literal[1] ?? "" };
  const [, name, filter] = NAME.exec(inside) ?? [];
  if (name === undefined) return { problem: `{{ ${inside} }} is not a name` };
  if (filter !== undefined && filter !== "json") return { problem: `there is no filter ${filter}, only json` };
  const value = lookUp(name, scope);
  if (value === undefined || value === null) return { problem: `there is no value ${name}` };
  if (filter === "json") return { value: JSON.stringify(value) };
  if (typeof value === "object") return { problem: `${name} is a list or an object; name one of its parts` };
  return { value: String(value) };
}

function ownProperty(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
