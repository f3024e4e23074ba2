// The texts and expressions inside a template, each with its path in the file, and the types of JSON that they can give.

import { cutText } from "../expr/template.ts";
import { type MemberType, type Typing, typing } from "../expr/typed-check.ts";
import { isJsonObject, type JsonValue } from "../json.ts";
import type { Job, Pipeline, StepDescription } from "./pipeline.ts";
import type { TemplatePlace } from "./places.ts";
import type { RuleContext } from "./rule.ts";
import { CEL_TYPES, celType, knownTypes } from "./types/known-types.ts";

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

/** Types of expressions, from those of params, of the outputs of steps and jobs, and of the answers of approvals. */
export function typingOf(pipeline: Pipeline, known: ReadonlyMap<string, StepDescription>): Typing {
  const jobs = [...pipeline.jobs, ...pipeline.finally];
  const looked = new Map<string, string | undefined>();
  const ofJob = (id: string, output: string): string | undefined => {
    const key = `${id}.${output}`;
    if (looked.has(key)) return looked.get(key);
    // Jobs that need each other have outputs without a type; they are reported elsewhere.
    looked.set(key, undefined);
    const value = jobs.find((job) => job.id === id)?.outputs[output];
    const type = value === undefined ? undefined : typeOfValue(value, (source) => typed.typeOf(source));
    looked.set(key, type);
    return type;
  };
  const members: MemberType = ({ variable, path }) => {
    const [id = "", member, name = ""] = path;
    const as = (type: string | undefined, parts: number) => (type === undefined ? undefined : { type, parts });
    if (variable === "approval") return as(typeOfAnswer(jobs, path), id === "inputs" ? 2 : 1);
    if (variable === "steps") return member === "outputs" ? as(typeOfStepOutput(jobs, known, id, name), 3) : undefined;
    if (variable !== "needs" && variable !== "jobs") return undefined;
    if (member === "outputs") return as(ofJob(id, name), 3);
    const own = jobs.filter((job) => job.id === id);
    return member === "approval" ? as(typeOfAnswer(own, path.slice(2)), name === "inputs" ? 4 : 3) : undefined;
  };
  const typed = typing(knownTypes(pipeline), members);
  return typed;
}

/** Several jobs may ask for an input of one name: only what is the same for all of them is known. */
function typeOfAnswer(jobs: Pipeline["jobs"], [member, name]: readonly string[]): string | undefined {
  if (member === "by" || member === "reason") return "string";
  if (member !== "inputs" || name === undefined) return undefined;
  const types = jobs.flatMap(({ approval }) => {
    const properties = approval?.inputs?.properties ?? {};
    return Object.hasOwn(properties, name) && properties[name] ? [celType(properties[name])] : [];
  });
  const [type, ...others] = new Set(types);
  return others.length > 0 || type === "number" ? undefined : type;
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
