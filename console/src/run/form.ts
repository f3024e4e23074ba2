// Derives a form from the JSON Schema of a pipeline's parameters: its fields, their first values, and the request. The
// server validates; its errors point to fields.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { FieldError } from "../data/api.ts";
import { isJsonObject, listAt, textAt } from "../data/json-access.ts";

export type FieldKind = "text" | "number" | "yes-no" | "choice" | "list" | "json";

export type Field = {
  /** The name of the parameter; for a member of a map with its path, as in `image.tag`. */
  readonly name: string;
  readonly kind: FieldKind;
  readonly title: string;
  readonly description: string;
  readonly isRequired: boolean;
  readonly choices: readonly string[];
  /** What the installation offers. Of a list: its elements; otherwise suggestions, and other values are allowed. */
  readonly offers: readonly string[];
  readonly pattern?: string;
  readonly min?: number;
  readonly max?: number;
  readonly isWhole: boolean;
  /** Of a list: what its elements are. Absent: texts. */
  readonly elements?: "number" | "yes-no";
  /** From the schema. The value of an expression is known only when the task runs. */
  readonly default?: JsonValue;
  readonly isDecidedLater: boolean;
  /** It is never shown, not even while it is typed. */
  readonly isSecret: boolean;
  /** The `x-ui` hint of the pipeline's author: `branch`, `target`, `text` … */
  readonly ui?: string;
};

/** The values of the inputs. A list field has a list of texts, every other field the text of its input. */
export type Entries = { readonly [name: string]: string | readonly string[] };

export function fieldsOf(schema: JsonObject): readonly Field[] {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const required = listAt(schema, "required");
  return Object.entries(properties).flatMap(([name, given]) => {
    const one = isJsonObject(given) ? given : {};
    return isMap(one) ? membersOf(name, one, required.includes(name)) : [fieldOf(name, one, required.includes(name))];
  });
}

/** A map with known members has a field for each of them. Another one is written as JSON. */
function isMap(schema: JsonObject): boolean {
  const isOpen = isJsonObject(schema.additionalProperties);
  const isLater = typeof schema.default === "string" || schema.enum !== undefined;
  return schema.type === "object" && isJsonObject(schema.properties) && !isOpen && !isLater;
}

/** With the default of the whole map as their defaults. */
function membersOf(name: string, map: JsonObject, isRequired: boolean): readonly Field[] {
  const preset = isJsonObject(map.default) ? map.default : {};
  const properties = isJsonObject(map.properties) ? map.properties : {};
  const members = Object.entries(properties).map(([member, given]) => {
    const one = isJsonObject(given) ? given : {};
    return [member, preset[member] === undefined ? one : { ...one, default: preset[member] }] as const;
  });
  return fieldsOf({ ...map, properties: Object.fromEntries(members) }).map((field) => ({
    ...field,
    name: `${name}.${field.name}`,
    title: `${textAt(map, "title") ?? name}: ${field.title}`,
    isRequired: isRequired && field.isRequired,
  }));
}

function fieldOf(name: string, one: JsonObject, isRequired: boolean): Field {
  const items = isJsonObject(one.items) ? one.items : {};
  const elements = kindOf(items, []);
  const choices = listAt(one, "enum").filter((choice) => typeof choice === "string");
  const pattern = textAt(one, "pattern");
  const ui = textAt(one, "x-ui");
  const min = numberOf(one.minimum ?? one.minLength);
  const max = numberOf(one.maximum ?? one.maxLength);
  return {
    name,
    kind: kindOf(one, choices),
    title: textAt(one, "title") ?? name,
    description: textAt(one, "description") ?? "",
    isRequired,
    choices,
    offers: offersOf(one),
    isWhole: one.type === "integer",
    isSecret: one.secret === true,
    isDecidedLater: JSON.stringify(one.default ?? null).includes("${{"),
    ...(elements === "number" || elements === "yes-no" ? { elements } : {}),
    ...(pattern === undefined ? {} : { pattern }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(one.default === undefined ? {} : { default: one.default }),
    ...(ui === undefined ? {} : { ui }),
  };
}

function offersOf(schema: JsonObject): readonly string[] {
  const items = isJsonObject(schema.items) ? schema.items : {};
  return [...listAt(items, "enum"), ...listAt(schema, "examples")].filter((one) => typeof one === "string");
}

/** `build`: the number of the build that a field for builds has at first. */
export function firstEntries(fields: readonly Field[], build?: string): Entries {
  return Object.fromEntries(
    fields.map((field) => {
      if (field.ui === "build" && build !== undefined) return [field.name, build];
      const known = field.isDecidedLater ? undefined : field.default;
      if (field.kind === "list") return [field.name, listAt({ known }, "known").map(textOf)];
      return [field.name, known === undefined ? "" : textOf(known)];
    }),
  );
}

/**
 * The parameters to send: only fields that have a value. For the others the pipeline's default applies. A map is sent as a
 * whole when one of its members has a value.
 */
export function paramsOf(fields: readonly Field[], entries: Entries): { readonly [name: string]: JsonValue } {
  return fields.reduce<JsonObject>((params, field) => {
    const entry = entries[field.name];
    if (entry === undefined || entry.length === 0) return params;
    const value =
      typeof entry === "string"
        ? jsonOf(field, entry)
        : entry.map((one) => jsonOf({ kind: field.elements ?? "text" }, one));
    return withMember(params, field.name.split("."), value);
  }, {});
}

function withMember(params: JsonObject, [name = "", ...rest]: readonly string[], value: JsonValue): JsonObject {
  const before = params[name];
  return { ...params, [name]: rest.length === 0 ? value : withMember(isJsonObject(before) ? before : {}, rest, value) };
}

/** The fields whose values are shown nowhere. */
export function secretNames(fields: readonly Field[]): readonly string[] {
  return fields.filter(({ isSecret }) => isSecret).map(({ name }) => name);
}

/** Errors by the name of their field; "" has those that belong to no field. */
export function errorsByField(
  fields: readonly Field[],
  errors: readonly FieldError[],
): { readonly [name: string]: readonly string[] } {
  const found: Record<string, string[]> = {};
  for (const { pointer, detail } of errors) {
    const parts = (pointer ?? "").replace(/^#/, "").split("/").slice(1).map(unescapePointer);
    const path = parts[0] === "params" ? parts.slice(1) : parts;
    const names = path.length === 0 ? [missingOf(detail) ?? ""] : path.map((_, at) => path.slice(0, at + 1).join("."));
    // Of a map: at its first field.
    const known = (name: string) => fields.find((field) => field.name === name || field.name.startsWith(`${name}.`));
    const key = names.toReversed().flatMap((name) => known(name)?.name ?? [])[0] ?? "";
    found[key] = [...(found[key] ?? []), detail];
  }
  return found;
}

/** The name in an error such as `name is missing`, which points to the whole form. */
function missingOf(detail: string): string | undefined {
  return /^`?([\w-]+)`? is missing/.exec(detail)?.[1];
}

function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

function kindOf(schema: JsonObject, choices: readonly string[]): FieldKind {
  if (choices.length > 0) return "choice";
  if (schema.type === "boolean") return "yes-no";
  if (schema.type === "number" || schema.type === "integer") return "number";
  if (schema.type === "array") return hasPlainElements(schema) ? "list" : "json";
  return schema.type === "string" || schema.type === undefined ? "text" : "json";
}

function hasPlainElements({ items }: JsonObject): boolean {
  return !isJsonObject(items) || (items.type !== "array" && items.type !== "object");
}

/** A text that does not fit the field is sent unchanged: the server says what is wrong with it. */
function jsonOf(field: Pick<Field, "kind">, text: string): JsonValue {
  if (field.kind === "yes-no") return text === "true";
  if (field.kind === "number") return Number.isFinite(Number(text)) ? Number(text) : text;
  if (field.kind !== "json") return text;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

function textOf(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
