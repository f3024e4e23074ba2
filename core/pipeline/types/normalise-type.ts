// Converts the form of a type in a file to JSON Schema. Pure.

import type { ParamSchema } from "../pipeline.ts";
import type { ItemFile, TypeFile } from "./type-shape.ts";

/** `string` is short for `{ type: string }`. */
export function normaliseType(file: TypeFile): ParamSchema {
  if (typeof file === "string") return { type: file };
  const { items, properties, additionalProperties, ...rest } = file;
  return { ...withoutAbsent(rest), ...innerTypes({ items, properties, additionalProperties }) };
}

/** What a list or a map contains. A member in the short form must be there, as a param in the short form. */
export function innerTypes({
  items,
  properties,
  additionalProperties,
}: Pick<ItemFile, "items" | "properties" | "additionalProperties">): Partial<ParamSchema> {
  const members = Object.entries(properties ?? {});
  const required = members.filter(([, member]) => typeof member === "string" || member.required === true);
  const others = additionalProperties === undefined ? undefined : normaliseType(additionalProperties);
  return {
    ...(items === undefined ? {} : { items: normaliseType(items) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(members.map(([name, member]) => [name, memberType(member)])),
          required: required.map(([name]) => name),
          additionalProperties: others ?? false,
        }),
    ...(properties === undefined && others !== undefined ? { additionalProperties: others } : {}),
  };
}

function memberType(file: TypeFile & { readonly required?: boolean | undefined }): ParamSchema {
  if (typeof file === "string") return { type: file };
  const { required: _, ...type } = file;
  return normaliseType(type);
}

type Limits = Omit<ItemFile, "items" | "properties" | "additionalProperties">;

/** Optional properties of a form may be there and undefined; those of a schema may not. */
function withoutAbsent(limits: Limits): ParamSchema {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), type: limits.type };
}
