// Turns the schemas of OpenAPI 3.0 and Swagger 2.0 into JSON Schema 2019-09, closed so that unknown fields are found, and
// compiles only what one check needs: the documents are megabytes, one operation needs a few kilobytes of them.

import type { ErrorObject, ValidateFunction } from "ajv/dist/2019.js";
import { Ajv2019 } from "ajv/dist/2019.js";

/** `answer`: null counts as absent, and required write-only fields may be missing (read-only ones in requests). */
export type Direction = "request" | "answer";

export type SchemaOptions = {
  /** The system writes 64-bit numbers as text, whatever its document says (gRPC gateways do). */
  readonly int64AsText?: boolean;
};

type Node = { readonly [key: string]: unknown };
type Draft = { [key: string]: unknown };

/** The checker of one document: answers what is wrong with a value, as sentences that begin with a JSON pointer. */
export type SchemaCheck = (schema: unknown, value: unknown, direction: Direction) => string[];

export function schemaCheck(document: unknown, options: SchemaOptions = {}): SchemaCheck {
  const ajv = new Ajv2019({
    strict: false,
    allErrors: true,
    validateFormats: false,
    logger: false,
    code: { optimize: false },
  });
  const compiled = { request: new Map<unknown, ValidateFunction>(), answer: new Map<unknown, ValidateFunction>() };
  return (schema, value, direction) => {
    let validate = compiled[direction].get(schema);
    if (!validate) {
      validate = ajv.compile(converted(document, schema, direction, options));
      compiled[direction].set(schema, validate);
    }
    return validate(value) ? [] : sentences(validate.errors ?? []);
  };
}

/** What a local `$ref` points at; the node itself when it is none. */
export function resolve(document: unknown, node: unknown): unknown {
  let at = node;
  for (let hops = 0; isNode(at) && typeof at.$ref === "string"; hops++) {
    if (hops > 20) throw new Error(`the references of ${at.$ref} go round in circles`);
    at = pointed(document, at.$ref);
  }
  return at;
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function pointed(document: unknown, ref: string): unknown {
  let at: unknown = document;
  for (const raw of ref.replace(/^#\//, "").split("/")) {
    const key = decodeURIComponent(raw).replaceAll("~1", "/").replaceAll("~0", "~");
    at = isNode(at) || Array.isArray(at) ? (at as Node)[key] : undefined;
  }
  if (at === undefined) throw new Error(`the document points at ${ref}, which it does not have`);
  return at;
}

/** A schema and everything it reaches, as one document of its own. */
function converted(document: unknown, schema: unknown, direction: Direction, options: SchemaOptions): Draft {
  const defs: Draft = {};
  const todo: { readonly ref: string; readonly open: boolean; readonly name: string }[] = [];
  const names = new Map<string, string>();
  const refer = (ref: string, open: boolean): Draft => {
    const key = `${open ? "open" : "closed"} ${ref}`;
    let name = names.get(key);
    if (name === undefined) {
      name = `d${names.size}`;
      names.set(key, name);
      todo.push({ ref, open, name });
    }
    return { $ref: `#/$defs/${name}` };
  };
  const converter: Converter = { direction, options, refer };
  const root = convert(converter, schema, false);
  for (let next = todo.pop(); next; next = todo.pop()) {
    defs[next.name] = convert(converter, pointed(document, next.ref), next.open);
  }
  return { ...root, $defs: defs };
}

type Converter = {
  readonly direction: Direction;
  readonly options: SchemaOptions;
  readonly refer: (ref: string, open: boolean) => Draft;
};

const COPIED = ["minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minimum", "maximum"];

/** `open`: part of a composition, whose whole decides about unknown fields. */
function convert(by: Converter, schema: unknown, open: boolean): Draft {
  if (!isNode(schema)) return {};
  if (typeof schema.$ref === "string") return by.refer(schema.$ref, open);
  const draft: Draft = {};
  for (const key of COPIED) if (schema[key] !== undefined) draft[key] = schema[key];
  if (Array.isArray(schema.enum)) draft.enum = schema.enum;
  addType(by, schema, draft);
  if (schema.items !== undefined) draft.items = convert(by, schema.items, false);
  addProperties(by, schema, draft);
  // Many documents declare oneOf whose branches overlap: one that fits is enough. Discriminators are not used.
  const some = [schema.anyOf, schema.oneOf].filter(Array.isArray);
  const all = Array.isArray(schema.allOf) ? schema.allOf.map((part) => convert(by, part, true)) : [];
  for (const parts of some) all.push({ anyOf: parts.map((part) => convert(by, part, true)) });
  if (all.length > 0) draft.allOf = all;
  close(schema, draft, open);
  return schema.nullable === true || schema["x-nullable"] === true ? nullable(draft) : draft;
}

function addType(by: Converter, schema: Node, draft: Draft): void {
  const { type } = schema;
  if (typeof type !== "string" || type === "file" || type === "any") return;
  const text = by.options.int64AsText && type === "integer" && schema.format === "int64";
  draft.type = text ? ["integer", "string"] : type;
}

function addProperties(by: Converter, schema: Node, draft: Draft): void {
  const required = new Set(Array.isArray(schema.required) ? (schema.required as string[]) : []);
  const hidden = by.direction === "request" ? "readOnly" : "writeOnly";
  if (isNode(schema.properties)) {
    const properties: Draft = {};
    for (const [name, property] of Object.entries(schema.properties)) {
      if (isNode(property) && property[hidden] === true) required.delete(name);
      const draft = convert(by, property, false);
      properties[name] = by.direction === "answer" && !required.has(name) ? nullable(draft) : draft;
    }
    draft.properties = properties;
  }
  if (required.size > 0) draft.required = [...required];
}

/** Maps have free names, and what documents say about their values is rarely true: both are let through. */
function close(schema: Node, draft: Draft, open: boolean): void {
  const { additionalProperties: more } = schema;
  const bare = draft.properties === undefined && draft.allOf === undefined;
  if (more === true || isNode(more) || bare) draft.additionalProperties = true;
  else if (!open) draft.unevaluatedProperties = false;
}

function nullable(draft: Draft): Draft {
  return { anyOf: [draft, { type: "null" }] };
}

function sentences(errors: readonly ErrorObject[]): string[] {
  const telling = errors.filter(({ keyword, params }) => keyword !== "anyOf" && params.type !== "null");
  const texts = (telling.length > 0 ? telling : errors).map(({ instancePath, keyword, message, params }) => {
    const at = instancePath === "" ? "/" : instancePath;
    if (keyword === "unevaluatedProperties") return `${at}: unknown field ${params.unevaluatedProperty}`;
    if (keyword === "enum") return `${at}: must be one of ${(params.allowedValues as unknown[]).join(", ")}`;
    return `${at}: ${message}`;
  });
  return [...new Set(texts)];
}
