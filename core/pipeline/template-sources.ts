// The texts and expressions inside a template, each with its path in the file, and the types of JSON that they can give.

import { cutText } from "../expr/template.ts";
import { isJsonObject, type JsonValue } from "../json.ts";
import type { TemplatePlace } from "./places.ts";
import type { RuleContext } from "./rule.ts";

export type Found = { readonly source: string; readonly path: readonly (string | number)[] };

/** The expressions of a place, without `${{ }}`. Texts that cannot be split into expressions are skipped. */
export function sourcesIn(place: TemplatePlace): readonly Found[] {
  if (place.condition) return [{ source: String(place.template), path: place.path }];
  return textsOf(place.template, place.path).flatMap(({ source, path }) => {
    const pieces = cutText(source);
    if ("problem" in pieces) return [];
    return pieces.flatMap((piece) => (piece.kind === "expression" ? [{ source: piece.source, path }] : []));
  });
}

/** All texts inside, at any depth. */
export function textsOf(template: JsonValue, path: Found["path"]): readonly Found[] {
  if (typeof template === "string") return [{ source: template, path }];
  if (Array.isArray(template)) return template.flatMap((item: JsonValue, index) => textsOf(item, [...path, index]));
  if (!isJsonObject(template)) return [];
  return Object.entries(template).flatMap(([key, item]) => textsOf(item, [...path, key]));
}

/** A fraction may be whole. */
const JSON_TYPES: { readonly [type: string]: readonly string[] } = {
  string: ["string"],
  int: ["integer"],
  uint: ["integer"],
  double: ["number", "integer"],
  bool: ["boolean"],
};

/** The types that the value of a text with expressions may have; undefined when only the values decide, or without one. */
export function typesOf({ typing }: Pick<RuleContext, "typing">, value: JsonValue): readonly string[] | undefined {
  if (typeof value !== "string" || !value.includes("${{")) return undefined;
  const pieces = cutText(value);
  if ("problem" in pieces) return undefined;
  const [only, second] = pieces;
  if (only?.kind !== "expression" || second !== undefined) return ["string"];
  const type = typing.typeOf(only.source);
  if (type.startsWith("list")) return ["array"];
  if (type.startsWith("map")) return ["object"];
  return Object.hasOwn(JSON_TYPES, type) ? JSON_TYPES[type] : undefined;
}
