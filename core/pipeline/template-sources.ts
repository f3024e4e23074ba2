// The texts and expressions inside a template, each with its path in the file, and the types of JSON that they can give.

import { cutText } from "../expr/template.ts";
import { type OutputType, type ParamTypes, type Typing, typing } from "../expr/typed-check.ts";
import { isJsonObject, type JsonValue } from "../json.ts";
import type { Job, ParamSchema, ParamsSchema, Pipeline, StepDescription } from "./pipeline.ts";
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

/** Types of expressions, from those of params, and of outputs of steps and jobs. */
export function typingOf(pipeline: Pipeline, known: ReadonlyMap<string, StepDescription>): Typing {
  const jobs = [...pipeline.jobs, ...pipeline.finally];
  const looked = new Map<string, string | undefined>();
  const ofJob = (id: string, output: string): string | undefined => {
    const value = jobs.find((job) => job.id === id)?.outputs[output];
    return value === undefined ? undefined : typeOfValue(value, (source) => typed.typeOf(source));
  };
  const outputs: OutputType = (of, id, output) => {
    if (of === "step") return typeOfStepOutput(jobs, known, id, output);
    const key = `${id}.${output}`;
    if (looked.has(key)) return looked.get(key);
    // Jobs that need each other have outputs without a type; they are reported elsewhere.
    looked.set(key, undefined);
    looked.set(key, ofJob(id, output));
    return looked.get(key);
  };
  const typed = typing(celTypes(pipeline.params), outputs);
  return typed;
}

/** Steps of several jobs may have one id: only what is the same for all of them is known. */
function typeOfStepOutput(
  jobs: Pipeline["jobs"],
  known: ReadonlyMap<string, StepDescription>,
  id: string,
  output: string,
): string | undefined {
  const typeIn = ({ action }: Job["steps"][number]): string | undefined => {
    // What a script writes is text.
    if (action.kind === "run") return "string";
    const properties = known.get(action.uses)?.output?.properties;
    return isJsonObject(properties) && Object.hasOwn(properties, output) ? declaredType(properties[output]) : undefined;
  };
  const [type, ...others] = new Set(jobs.flatMap(({ steps }) => steps.filter((step) => step.id === id).map(typeIn)));
  return others.length === 0 ? type : undefined;
}

/** Only of what has one type, and is never null. */
function declaredType(schema: JsonValue | undefined): string | undefined {
  if (!isJsonObject(schema)) return undefined;
  const { type, items } = schema;
  if (type === "array") return isJsonObject(items) && items.type === "string" ? "list<string>" : "list";
  return typeof type === "string" && type !== "number" && Object.hasOwn(CEL_TYPES, type) ? CEL_TYPES[type] : undefined;
}

/** The type of an output of a job. A fraction may become a whole number on the way, so numbers that may be one have none. */
function typeOfValue(value: JsonValue, typeOf: (source: string) => string): string | undefined {
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "int" : undefined;
  if (typeof value !== "string") return undefined;
  const pieces = cutText(value);
  if ("problem" in pieces) return undefined;
  const [only, second] = pieces;
  if (only?.kind !== "expression" || second !== undefined) return "string";
  const type = typeOf(only.source);
  return ["string", "bool", "int", "list<string>"].includes(type) ? type : /^(list|map)\b/.exec(type)?.[0];
}

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
