// The form of a type in a pipeline file: of a param, of an element of a list, of a member of a map, of an output of a job.

import { z } from "zod";
import type { JsonValue } from "../../json.ts";

export const paramTypes = z.enum(["string", "integer", "number", "boolean", "array", "object"]);
type TypeName = z.infer<typeof paramTypes>;

/** A type, or a type with what limits its values. */
export type TypeFile = TypeName | ItemFile;
export type ItemFile = {
  readonly type: TypeName;
  readonly enum?: readonly JsonValue[] | undefined;
  readonly pattern?: string | undefined;
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly items?: TypeFile | undefined;
  readonly properties?: { readonly [name: string]: MemberFile } | undefined;
  readonly additionalProperties?: TypeFile | undefined;
};
export type MemberFile = TypeName | (ItemFile & { readonly required?: boolean | undefined });

const TYPE = `a type (${paramTypes.options.join(", ")}), or a map with \`type\` and its limits`;
const memberName = z
  .string()
  .regex(
    /^(?!(?:constructor|prototype|toString|valueOf|hasOwnProperty|isPrototypeOf|propertyIsEnumerable|toLocaleString)$)[A-Za-z_][A-Za-z0-9_-]{0,62}$/,
    "a member has letters, digits, `-` and `_`",
  );
// Types contain types: each refers to the others by name.
const inner: z.core.$ZodType<TypeFile> = z.lazy(() => typeShape);
const innerMember: z.core.$ZodType<MemberFile> = z.lazy(() => memberTypeShape);

/** What limits a value, besides its type. */
export const typeKeywords = {
  enum: z.array(z.json()).min(1).max(500).optional(),
  pattern: z.string().max(500).optional().describe("A regular expression that the whole text or part of it must match"),
  minLength: z.int().min(0).optional(),
  maxLength: z.int().min(0).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  items: z.optional(inner).describe("For type array: what the elements are"),
  properties: z
    .record(memberName, innerMember)
    .optional()
    .describe("For type object: its members. Others are refused, unless additionalProperties says what they are"),
  additionalProperties: z.optional(inner).describe("For type object: what members without a name in properties are"),
};

export const itemShape = z.strictObject({ type: paramTypes, ...typeKeywords });
export const memberShape = z.strictObject({
  ...itemShape.shape,
  required: z.boolean().optional().describe("The map must have it"),
});
const memberTypeShape = z.union([paramTypes, memberShape], TYPE);
export const typeShape = z.union([paramTypes, itemShape], TYPE);
