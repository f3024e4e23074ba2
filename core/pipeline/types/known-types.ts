// The types that a pipeline declares for its params and for the outputs of its jobs, by the path under which expressions name
// them. Pure.

import type { KnownTypes } from "../../expr/typed-check.ts";
import { didYouMean } from "../../suggest.ts";
import type { ParamSchema, Pipeline } from "../pipeline.ts";

type Declared = Pick<Pipeline, "params" | "jobs" | "finally">;

/** CEL types by the types of JSON. A `number` may be whole. */
export const CEL_TYPES: { readonly [type: string]: string } = {
  string: "string",
  integer: "int",
  number: "number",
  boolean: "bool",
  object: "map",
};

/** Members of maps are typed as well: `params.image.tag`. */
export function knownTypes({ params, jobs, finally: last }: Declared): KnownTypes {
  const outputs = [...jobs, ...last]
    // Those of a job with elements are in a list.
    .filter(({ each, matrix }) => each === undefined && matrix === undefined)
    .flatMap(({ id, outputTypes = {} }) =>
      ["needs", "jobs"].flatMap((variable) => membersOf(`${variable}.${id}.outputs`, outputTypes)),
    );
  return new Map([...membersOf("params", params.properties), ...outputs]);
}

/** What an expression names with this variable and exactly these members. Undefined when nothing is declared of it. */
export function declaredType(
  { params, jobs, finally: last }: Declared,
  variable: string,
  path: readonly string[],
): ParamSchema | undefined {
  const [first = "", member, output = "", ...behind] = path;
  if (variable === "params") return typeAt(ownOf(params.properties, first), path.slice(1));
  if (variable === "approval") return first === "inputs" ? inputType(jobs, member ?? "") : undefined;
  if ((variable !== "needs" && variable !== "jobs") || member !== "outputs") return undefined;
  const job = [...jobs, ...last].find(({ id }) => id === first);
  return typeAt(ownOf(job?.outputTypes ?? {}, output), behind);
}

/** Several jobs may ask for an input of one name: then nothing is known here. */
function inputType(jobs: Declared["jobs"], name: string): ParamSchema | undefined {
  const [only, second] = jobs.flatMap(({ approval }) => ownOf(approval?.inputs?.properties ?? {}, name) ?? []);
  return second === undefined ? only : undefined;
}

function typeAt(schema: ParamSchema | undefined, path: readonly string[]): ParamSchema | undefined {
  const [name, ...rest] = path;
  if (name === undefined || schema === undefined) return schema;
  return typeAt(ownOf(schema.properties ?? {}, name) ?? (schema.additionalProperties || undefined), rest);
}

/** The mistake in the members behind a value of this type: one that its map does not have. `name`: of the value. */
export function wrongMember(
  schema: ParamSchema | undefined,
  path: readonly string[],
  name: string,
): string | undefined {
  const [member, ...rest] = path;
  if (member === undefined || schema === undefined) return undefined;
  if (schema.type !== "object") return undefined;
  const { properties = {}, additionalProperties } = schema;
  const inner = ownOf(properties, member);
  if (inner === undefined && additionalProperties === false)
    return `${name} has no member ${member}${didYouMean(member, Object.keys(properties))}`;
  return wrongMember(inner ?? (additionalProperties || undefined), rest, `${name}.${member}`);
}

/** The first of these members that the map may lack. `certain`: how many of them fail when they are missing. */
export function optionalMember(
  schema: ParamSchema | undefined,
  path: readonly string[],
  certain: number,
): readonly string[] | undefined {
  const [member, ...rest] = path;
  if (member === undefined || certain < 1 || schema?.type !== "object") return undefined;
  const { properties = {}, required = [] } = schema;
  if (!Object.hasOwn(properties, member)) return undefined;
  if (!required.includes(member)) return [member];
  const inner = optionalMember(properties[member], rest, certain - 1);
  return inner && [member, ...inner];
}

function ownOf<T>(map: { readonly [name: string]: T }, name: string): T | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

function membersOf(path: string, schemas: { readonly [name: string]: ParamSchema }): readonly [string, string][] {
  return Object.entries(schemas).flatMap(([name, schema]) => {
    const at = `${path}.${name}`;
    const type = celType(schema);
    return [...(type === undefined ? [] : [[at, type] as [string, string]]), ...membersOf(at, schema.properties ?? {})];
  });
}

/** Undefined: any type. */
export function celType({ type, items }: ParamSchema): string | undefined {
  if (type !== "array") return CEL_TYPES[type];
  const inner = items && items.type !== "number" && items.type !== "object" ? CEL_TYPES[items.type] : undefined;
  return inner === undefined ? "list" : `list<${inner}>`;
}
