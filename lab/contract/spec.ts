// The published API documents of the outside systems, and the check of recorded requests and answers against them. The documents
// stay outside the project: `../shared/specs` beside the checkout, or the folder that GANTRY_SPECS names.

import { existsSync, readFileSync } from "node:fs";
import { join, resolve as resolvePath } from "node:path";
import { parse as parseYaml } from "yaml";
import type { Exchange } from "../fakes/fake-server.ts";
import { isNode, resolve, type SchemaCheck, type SchemaOptions, schemaCheck } from "./schema.ts";

export type Spec = {
  /** Below the folder of documents, e.g. `harbor/swagger-v2.15.2.yaml`. */
  readonly file: string;
  readonly document: unknown;
  readonly operations: readonly Operation[];
  readonly check: SchemaCheck;
};

export type Operation = {
  readonly method: string;
  /** As in the document, without its base path. */
  readonly template: string;
  readonly parameters: readonly Parameter[];
  readonly body: Body | undefined;
  readonly responses: ReadonlyMap<string, unknown>;
};
type Parameter = {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly values: readonly unknown[] | undefined;
};
type Body = { readonly required: boolean; readonly schemas: ReadonlyMap<string, unknown> };

/** Where the document is wrong or silent, as data: one place of one operation, and why it is accepted. */
export type Exemption = {
  /** `POST /projects`, with the document's own path template. */
  readonly operation: string;
  readonly at: "query" | "request" | "status" | "response";
  /** Begin of the complaint: a JSON pointer (`/metadata/public`), a query name, or a status. Absent: all of them. */
  readonly about?: string;
  readonly reason: string;
};

export type CheckOptions = {
  /** What stands in front of the document's paths on the server: `/api/v2.0`. */
  readonly basePath: string;
  /** Requests that are not part of this API, matched against `METHOD /path`: pages for people, other protocols. */
  readonly ignore?: readonly RegExp[];
  readonly exemptions?: readonly Exemption[];
};

/** The folder of documents, or undefined: then a contract test says that it was skipped. */
export function specsFolder(): string | undefined {
  const folder = process.env.GANTRY_SPECS ?? resolvePath(import.meta.dirname, "../../../shared/specs");
  return existsSync(join(folder, "needed-operations.json")) ? folder : undefined;
}

/** Reads one OpenAPI 3 or Swagger 2 document, JSON or YAML. Throws when there is no folder of documents. */
export function loadSpec(file: string, options: SchemaOptions = {}): Spec {
  return specOf(file, readDocument(file), options);
}

/** A document that was read already. */
export function specOf(file: string, document: unknown, options: SchemaOptions = {}): Spec {
  return { file, document, operations: operationsOf(document), check: schemaCheck(document, options) };
}

/** What is wrong with these exchanges; empty when all is well. Nothing to check is a problem too. */
export function checkExchanges(spec: Spec, exchanges: readonly Exchange[], options: CheckOptions): string[] {
  const { basePath, ignore = [], exemptions = [] } = options;
  const problems = new Set<string>();
  let checked = 0;
  for (const exchange of exchanges) {
    const said = `${exchange.method} ${exchange.path}`;
    if (exchange.path.startsWith("/_lab/") || ignore.some((one) => one.test(said))) continue;
    checked += 1;
    const operation = exchange.path.startsWith(basePath)
      ? findOperation(spec, exchange.method, exchange.path.slice(basePath.length))
      : undefined;
    if (!operation) {
      problems.add(`${said}: ${spec.file} has no such operation`);
      continue;
    }
    const name = `${operation.method} ${operation.template}`;
    for (const { at, text } of complaints(spec, operation, exchange)) {
      const exempt = exemptions.some(
        (one) => one.operation === name && one.at === at && (one.about === undefined || text.startsWith(one.about)),
      );
      if (!exempt) problems.add(`${name} → ${exchange.status}: ${at} ${text}`);
    }
  }
  if (checked === 0) problems.add("there was no exchange to check");
  return [...problems];
}

export type NeededOperation = { readonly method: string; readonly path: string; readonly missing_in?: string[] };

/** The calls that Gantry needs of a system, from the table beside the documents. */
export function neededOperations(system: string): readonly NeededOperation[] {
  const table = readDocument("needed-operations.json") as { [system: string]: { operations: NeededOperation[] } };
  const found = table[system];
  if (!found) throw new Error(`needed-operations.json has no ${system}`);
  return found.operations;
}

/** The needed operations that a document does not have, unless the table says so itself. */
export function checkOperationsExist(spec: Spec, needed: readonly NeededOperation[]): string[] {
  const plain = (method: string, path: string): string => `${method.toUpperCase()} ${path.replace(/\{[^}]*\}/g, "{}")}`;
  const known = new Set(spec.operations.map(({ method, template }) => plain(method, template)));
  return needed
    .filter((one) => !one.missing_in?.includes(spec.file) && !known.has(plain(one.method, one.path)))
    .map(({ method, path }) => `${spec.file} has no ${method} ${path}`);
}

export function readDocument(file: string): unknown {
  const folder = specsFolder();
  if (folder === undefined) throw new Error("there are no API documents; see GANTRY_SPECS");
  const text = readFileSync(join(folder, file), "utf8");
  return /\.ya?ml$/.test(file) ? parseYaml(text, { maxAliasCount: -1, merge: true }) : JSON.parse(text);
}

const METHODS = ["get", "head", "post", "put", "patch", "delete", "options"];

function operationsOf(document: unknown): Operation[] {
  const paths = isNode(document) && isNode(document.paths) ? document.paths : {};
  return Object.entries(paths).flatMap(([template, item]) => {
    if (!isNode(item)) return [];
    return METHODS.flatMap((method) => {
      const node = item[method];
      return isNode(node) ? [operationOf(document, method, template, node, item.parameters)] : [];
    });
  });
}

function operationOf(
  document: unknown,
  method: string,
  template: string,
  node: { readonly [key: string]: unknown },
  shared: unknown,
): Operation {
  const listed = [shared, node.parameters].flatMap((list) => (Array.isArray(list) ? list : []));
  const nodes = listed.map((one) => resolve(document, one)).filter(isNode);
  const responses = isNode(node.responses) ? node.responses : {};
  return {
    method: method.toUpperCase(),
    template,
    parameters: nodes.map(parameterOf),
    body: bodyOf(document, node.requestBody, nodes),
    responses: new Map(Object.entries(responses).map(([status, one]) => [status, schemaOf(resolve(document, one))])),
  };
}

function parameterOf(node: { readonly [key: string]: unknown }): Parameter {
  const schema = isNode(node.schema) ? node.schema : node;
  const values = Array.isArray(schema.enum) ? schema.enum : undefined;
  return { name: String(node.name), in: String(node.in), required: node.required === true, values };
}

function bodyOf(
  document: unknown,
  requestBody: unknown,
  parameters: readonly { readonly [key: string]: unknown }[],
): Body | undefined {
  const old = parameters.find((one) => one.in === "body");
  if (old) return { required: old.required === true, schemas: new Map([["application/json", old.schema]]) };
  const node = resolve(document, requestBody);
  if (!isNode(node) || !isNode(node.content)) return undefined;
  const schemas = Object.entries(node.content).map(
    ([type, media]) => [type, isNode(media) ? media.schema : undefined] as const,
  );
  return { required: node.required === true, schemas: new Map(schemas) };
}

/** The schema of an answer: Swagger 2 has it in place, OpenAPI 3 below a content type. */
function schemaOf(response: unknown): unknown {
  if (!isNode(response)) return undefined;
  if (!isNode(response.content)) return response.schema;
  const medias = Object.entries(response.content);
  const [, media] = medias.find(([type]) => type.includes("json")) ?? medias[0] ?? [];
  return isNode(media) ? media.schema : undefined;
}

/** The operation with the most literal segments; a last parameter may hold slashes if nothing else fits. */
function findOperation(spec: Spec, method: string, path: string): Operation | undefined {
  const literal = (template: string): number => template.split("/").filter((part) => !part.includes("{")).length;
  const matching = (last: string): Operation[] =>
    spec.operations
      .filter((one) => one.method === method && pattern(one.template, last).test(path))
      .sort((a, b) => literal(b.template) - literal(a.template));
  return matching("[^/]+")[0] ?? matching(".+")[0];
}

function pattern(template: string, last: string): RegExp {
  const parts = template.split(/(\{[^}]*\})/);
  const source = parts.map((part, at) => {
    if (!part.startsWith("{")) return part.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
    return at >= parts.length - 2 ? last : "[^/]+";
  });
  return new RegExp(`^${source.join("")}/?$`);
}

type Complaint = { readonly at: Exemption["at"]; readonly text: string };

function complaints(spec: Spec, operation: Operation, exchange: Exchange): Complaint[] {
  const complaintsAt = (at: Complaint["at"], texts: readonly string[]): Complaint[] =>
    texts.map((text) => ({ at, text }));
  return [
    ...complaintsAt("query", queryProblems(operation, exchange)),
    // A refused request may well have been wrong.
    ...(exchange.status < 400 ? complaintsAt("request", requestProblems(spec, operation, exchange)) : []),
    ...answerComplaints(spec, operation, exchange),
  ];
}

function queryProblems(operation: Operation, exchange: Exchange): string[] {
  const known = new Map(operation.parameters.filter((one) => one.in === "query").map((one) => [one.name, one]));
  const unknown = Object.keys(exchange.query).filter((name) => !known.has(name));
  const missing = [...known.values()].filter((one) => one.required && exchange.query[one.name] === undefined);
  const wrong = Object.entries(exchange.query).filter(([name, value]) => {
    const values = known.get(name)?.values;
    return values !== undefined && typeof value === "string" && !values.map(String).includes(value);
  });
  return [
    ...unknown.map((name) => `${name}: unknown parameter`),
    ...(exchange.status < 400 ? missing.map(({ name }) => `${name}: required and missing`) : []),
    ...wrong.map(([name, value]) => `${name}: ${value} is not one of its values`),
  ];
}

function requestProblems(spec: Spec, operation: Operation, exchange: Exchange): string[] {
  const { body } = operation;
  const sent = exchange.requestBody;
  const fields = operation.parameters.filter((one) => one.in === "formData");
  if (fields.length > 0) return formProblems(fields, sent);
  if (sent === undefined) return body?.required ? ["/: a body is required"] : [];
  if (!body) return isNode(sent) && Object.keys(sent).length === 0 ? [] : ["/: the operation takes no body"];
  const type = exchange.requestType.split(";")[0]?.trim() || "application/json";
  const found = [...body.schemas].find(([known]) => known === type || known === "*/*");
  if (!found) return [`/: the content type ${type} is not one of ${[...body.schemas.keys()].join(", ")}`];
  return found[1] === undefined ? [] : spec.check(found[1], sent, "request");
}

function formProblems(fields: readonly Parameter[], sent: unknown): string[] {
  const names = Object.keys(isNode(sent) ? sent : {});
  const unknown = names.filter((name) => !fields.some((one) => one.name === name));
  const missing = fields.filter((one) => one.required && !names.includes(one.name));
  return [...unknown.map((name) => `/: unknown field ${name}`), ...missing.map(({ name }) => `/: ${name} is missing`)];
}

function answerComplaints(spec: Spec, operation: Operation, exchange: Exchange): Complaint[] {
  const { status } = exchange;
  const exact = operation.responses.has(String(status)) ? String(status) : `${String(status)[0]}XX`;
  const key = operation.responses.has(exact) ? exact : "default";
  if (!operation.responses.has(key)) return [{ at: "status", text: `${status}: not documented` }];
  const schema = operation.responses.get(key);
  if (schema === undefined || exchange.responseBody === undefined) return [];
  return spec.check(schema, exchange.responseBody, "answer").map((text) => ({ at: "response", text }));
}
