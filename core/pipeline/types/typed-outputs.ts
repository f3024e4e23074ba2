// The outputs of a job in the types that its file declares. Pure.

import { GantryError } from "../../errors.ts";
import { withSubject } from "../../issues.ts";
import type { JsonObject, JsonValue } from "../../json.ts";
import { checkSchema } from "../json-schema.ts";

/** JSON Schemas, as `outputTypes` of a job. */
export type OutputTypes = { readonly [name: string]: JsonObject };

/**
 * Scripts write text: where another type is declared, a text is read as JSON. Throws `outputs-invalid` with every output that
 * does not fit, and with those that are missing. Values are not repeated: they may be long.
 */
export function typedOutputs(outputs: JsonObject, types: OutputTypes = {}): JsonObject {
  const typed = Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [
      name,
      Object.hasOwn(types, name) ? read(value, types[name]) : value,
    ]),
  );
  const problems = Object.entries(types).flatMap(([name, type]) => {
    const value = Object.hasOwn(typed, name) ? typed[name] : undefined;
    if (value === undefined) return [`${name} is missing`];
    return checkSchema(type, value).map(({ path, detail }) => withSubject([name, ...path], detail));
  });
  if (problems.length > 0) throw new GantryError("outputs-invalid", { problem: `${problems.join("; ")}.` });
  return typed;
}

function read(value: JsonValue, type: JsonObject | undefined): JsonValue {
  if (typeof value !== "string" || type?.type === "string") return value;
  try {
    return JSON.parse(value) as JsonValue;
  } catch {
    // What is wrong with the text is found by its type.
    return value;
  }
}
