// Which types of JSON a template can give, for checks against the schema of the place where its value goes.

import { cutText } from "../expr/template.ts";
import type { ParamTypes } from "../expr/typed-check.ts";
import type { JsonValue } from "../json.ts";
import type { ParamSchema, ParamsSchema } from "./pipeline.ts";
import type { RuleContext } from "./rule.ts";

const CEL_TYPES: { readonly [type: string]: string } = {
  string: "string",
  integer: "int",
  number: "number",
  boolean: "bool",
};
/** A fraction may be whole. */
const JSON_TYPES: { readonly [type: string]: readonly string[] } = {
  string: ["string"],
  int: ["integer"],
  uint: ["integer"],
  double: ["number", "integer"],
  bool: ["boolean"],
};

export function celTypes({ properties }: ParamsSchema): ParamTypes {
  const declared = Object.entries(properties).flatMap(([name, schema]) => {
    const type = celType(schema);
    return type === undefined ? [] : [[name, type] as const];
  });
  return Object.fromEntries(declared);
}

function celType({ type, items }: ParamSchema): string | undefined {
  if (type !== "array") return CEL_TYPES[type];
  const inner = items && items.type !== "number" ? CEL_TYPES[items.type] : undefined;
  return inner === undefined ? "list" : `list<${inner}>`;
}

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
