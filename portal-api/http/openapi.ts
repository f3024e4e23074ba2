// Generates the OpenAPI 3.1 document from the declared routes and their schemas.

import { ERRORS, type ErrorCode } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { PROBLEM_TYPE, problemSchema } from "@gantry/runtime/http/problem.ts";
import { z } from "zod";
import type { Needed, Route } from "./route.ts";

type Schemas = {
  readonly answer: (schema: z.core.$ZodType) => JsonValue;
  readonly request: (schema: z.core.$ZodType) => JsonValue;
  readonly components: () => JsonObject;
};

export function openApiOf(
  routes: readonly Route[],
  info: { readonly version: string; readonly url: string },
): JsonObject {
  const schemas = collectSchemas();
  const paths: Record<string, Record<string, JsonValue>> = {};
  const problem = schemas.answer(problemSchema);
  for (const one of routes) {
    paths[one.path] = { ...paths[one.path], [one.method.toLowerCase()]: operationOf(one, schemas, problem) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Gantry",
      version: info.version,
      description: "Create apps, run CI and CD, and follow tasks. Every error is application/problem+json with a code.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: info.url }],
    tags: [...new Set(routes.map((one) => one.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: schemas.components(),
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "A token, which begins with gantry_pat_" },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "gantry_session",
          description: "The session cookie of a signed-in browser",
        },
      },
    },
  };
}

/** Of parameters in paths. */
const EXAMPLES: { readonly [parameter: string]: string } = {
  app: "orders",
  id: "t0mx28eysn04hrp5cn16",
  job: "deploy[seoul]",
  step: "sync",
  name: "ci",
  issuer: "seoul",
  runner: "seoul-1",
  number: "12",
  source: "bitbucket",
  trigger: "orders:ci:push-1",
  site: "seoul",
  session: "0".repeat(64),
};

/** Errors before the route is known, and errors that every route can have. */
const EVERYWHERE: readonly ErrorCode[] = [
  "bad-request",
  "method-not-allowed",
  "request-timeout",
  "headers-too-large",
  "internal",
  "limit-reached",
];

/** The error codes of a route: its own ones, and those that follow from its method, access and parameters. */
export function errorsOf(one: Route): readonly ErrorCode[] {
  const codes: ErrorCode[] = [...EVERYWHERE, ...(one.errors ?? [])];
  if (one.right !== "anyone") codes.push("unauthenticated");
  if (one.method !== "GET" || typeof one.right !== "string") codes.push("forbidden");
  if (one.params) codes.push("not-found");
  if (one.method !== "GET") codes.push("body-too-large", "media-type");
  if (one.requiresIdempotencyKey) codes.push("idempotency-key-missing");
  if (one.requiresIfMatch) codes.push("if-match-missing", "version-differs");
  if (one.path.startsWith("/v1/")) codes.push("unavailable", "system-strange");
  return [...new Set(codes)].sort((a, b) => ERRORS[a].status - ERRORS[b].status);
}

function operationOf(one: Route, schemas: Schemas, problem: JsonValue): JsonObject {
  const body = bodyOf(one, schemas);
  return {
    operationId: one.id,
    tags: [one.tag],
    summary: one.summary,
    description: [one.description, needInWords(one.right)].filter(Boolean).join(" "),
    parameters: parametersOf(one, schemas),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responsesOf(one, schemas, problemsOf(one, problem)),
    security: one.right === "anyone" ? [] : [{ token: [] }, { session: [] }],
  };
}

const ON: Readonly<Record<Exclude<Needed, string>["on"], string>> = {
  app: " on the app",
  "new-app": " on the name of the app",
  task: " on the app of the task",
  delivery: " on the apps that the delivery is about",
  start: " or that of the pipeline (run-ci, run-cd, create-app) on the app",
  site: " on the site",
  runner: " on the site of the runner",
  pipeline: " on the pipeline",
  installation: " on everything",
  others: ", except about the caller",
  list: "; the list contains only what the caller may see",
};

/** What a route needs, as a sentence. */
export function needInWords(right: Needed): string {
  if (right === "anyone") return "Needs no sign-in.";
  if (right === "signed-in") return "Needs sign-in.";
  return `Needs the right ${right.verb}${ON[right.on]}.`;
}

function parametersOf(one: Route, schemas: Schemas): JsonValue {
  const keyHeader = {
    name: "Idempotency-Key",
    in: "header",
    required: true,
    description: "A new value for every new request; the same value when a request is repeated",
    schema: { type: "string", minLength: 1, maxLength: 200 },
  };
  const matchHeader = {
    name: "If-Match",
    in: "header",
    required: true,
    description: "The ETag of the version on which the change is based, or * for any",
    schema: { type: "string", minLength: 1, maxLength: 202 },
  };
  return [
    ...fieldsOf("path", one.params, schemas),
    ...fieldsOf("query", one.query, schemas),
    ...(one.requiresIdempotencyKey ? [keyHeader] : []),
    ...(one.requiresIfMatch ? [matchHeader] : []),
  ];
}

function fieldsOf(place: "path" | "query", schema: z.core.$ZodType | undefined, schemas: Schemas): JsonObject[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape).map(([name, field]: [string, z.core.$ZodType]) => {
    const { description } = z.globalRegistry.get(field) ?? {};
    return {
      name,
      in: place,
      required: !z.safeParse(field, undefined).success,
      ...(description === undefined ? {} : { description }),
      schema: schemas.request(field),
      ...(place === "path" && name in EXAMPLES ? { example: EXAMPLES[name] ?? "" } : {}),
    };
  });
}

function bodyOf(one: Route, schemas: Schemas): JsonObject | undefined {
  if (!one.body) return undefined;
  const type = one.form ? "application/x-www-form-urlencoded" : "application/json";
  const required = !z.safeParse(one.body, {}).success;
  return { required, content: { [type]: { schema: schemas.request(one.body), example: one.example ?? {} } } };
}

type Problems = { readonly [status: string]: { readonly description: string; readonly content: JsonObject } };

function responsesOf(one: Route, schemas: Schemas, problems: Problems): JsonObject {
  const declared = Object.fromEntries(
    Object.entries(one.responses).map(([status, { description, content, headers }]) => {
      const shown = Object.entries(content ?? {}).map(([type, schema]) => [type, { schema: schemas.answer(schema) }]);
      const named = Object.entries(headers ?? {}).map(([name, text]) => [
        name,
        { description: text, schema: { type: "string" } },
      ]);
      const answer = {
        description,
        // A page answers with HTML or, if the request is invalid, with a problem.
        ...(shown.length > 0 ? { content: { ...problems[status]?.content, ...Object.fromEntries(shown) } } : {}),
        ...(named.length > 0 ? { headers: Object.fromEntries(named) } : {}),
      };
      return [status, answer];
    }),
  );
  return { ...problems, ...declared };
}

function problemsOf(one: Route, schema: JsonValue): Problems {
  const byStatus = Map.groupBy(errorsOf(one), (code) => ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      { description: codes.map((code) => `\`${code}\``).join(", "), content: { [PROBLEM_TYPE]: { schema } } },
    ]),
  );
}

/** Schemas with an id become components. The name that zod generates for the recursive JSON type becomes `Json`. */
function collectSchemas(): Schemas {
  const components = new Map<string, string>();
  const convert = (schema: z.core.$ZodType, io: "input" | "output"): JsonValue => {
    const whole = z.toJSONSchema(z.object({ root: schema }), { io, unrepresentable: "any" });
    const made = JSON.parse(JSON.stringify(whole)) as { properties: { root: JsonValue }; $defs?: JsonObject };
    const names = new Map(Object.keys(made.$defs ?? {}).map((name) => [name, name.startsWith("__") ? "Json" : name]));
    const rename = (value: JsonValue): JsonValue =>
      JSON.parse(
        JSON.stringify(value).replace(/"#\/\$defs\/([^"]+)"/g, (_, name: string) => {
          return JSON.stringify(`#/components/schemas/${names.get(name) ?? name}`);
        }),
      );
    for (const [name, value] of Object.entries(made.$defs ?? {})) {
      const to = names.get(name) ?? name;
      const text = JSON.stringify(rename(value));
      const known = components.get(to);
      if (known !== undefined && known !== text) throw new Error(`two different schemas have the id ${to}`);
      components.set(to, text);
    }
    return rename(made.properties.root);
  };
  return {
    answer: (schema) => convert(schema, "output"),
    request: (schema) => convert(schema, "input"),
    components: () =>
      Object.fromEntries([...components].sort().map(([name, text]) => [name, JSON.parse(text) as JsonValue])),
  };
}
