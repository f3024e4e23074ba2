// The texts and expressions inside a template, each with its path in the file.

import { cutText } from "../expr/template.ts";
import { isJsonObject, type JsonValue } from "../json.ts";
import type { TemplatePlace } from "./places.ts";

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
