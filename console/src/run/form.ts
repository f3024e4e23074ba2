// Derives a form from the JSON Schema of a pipeline's parameters: its fields, their first values, and the request. The
// server validates; its errors point to fields.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { FieldError } from "../data/api.ts";
import { isJsonObject, listAt, textAt } from "../data/json-access.ts";

export type FieldKind = "text" | "number" | "yes-no" | "choice" | "list" | "json";

export type Field = {
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
  return Object.entries(properties).map(([name, given]) => {
    const one = isJsonObject(given) ? given : {};
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
      isRequired: required.includes(name),
      choices,
      offers: offersOf(one),
      isWhole: one.type === "integer",
      isSecret: one.secret === true,
      isDecidedLater: JSON.stringify(one.default ?? null).includes("${{"),
      ...(pattern === undefined ? {} : { pattern }),
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
      ...(one.default === undefined ? {} : { default: one.default }),
      ...(ui === undefined ? {} : { ui }),
    };
  });
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

/** The parameters to send: only fields that have a value. For the others the pipeline's default applies. */
export function paramsOf(fields: readonly Field[], entries: Entries): { readonly [name: string]: JsonValue } {
  const params: Record<string, JsonValue> = {};
  for (const field of fields) {
    const entry = entries[field.name];
    if (entry === undefined || entry.length === 0) continue;
    params[field.name] = typeof entry === "string" ? jsonOf(field, entry) : [...entry];
  }
  return params;
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
    const name = (parts[0] === "params" ? parts[1] : parts[0]) ?? missingOf(detail);
    const key = fields.some((field) => field.name === name) ? (name ?? "") : "";
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
  if (schema.type === "array") return "list";
  return schema.type === "string" || schema.type === undefined ? "text" : "json";
}

/** A text that does not fit the field is sent unchanged: the server says what is wrong with it. */
function jsonOf(field: Field, text: string): JsonValue {
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
