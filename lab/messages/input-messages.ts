// What is said about inputs that do not fit: pipeline files, parameters, configurations, requests, inputs of steps.

import { STEPS } from "@gantry/connectors/steps.ts";
import { openConfig } from "@gantry/core/config/read.ts";
import { explain, GantryError, type Problem } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { pipelineShape } from "@gantry/core/pipeline/file.ts";
import { MISTAKES, RUN_TIME_MISTAKES } from "@gantry/core/pipeline/mistakes.fixture.ts";
import { checkParams } from "@gantry/core/pipeline/params.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { ParamsSchema } from "@gantry/core/pipeline/pipeline.ts";
import { describeStep } from "@gantry/core/step/describe.ts";
import { notifySchema, parseConfig } from "@gantry/notify-agent/config.ts";
import { portalConfig } from "@gantry/portal-api/config.ts";
import { ROUTES } from "@gantry/portal-api/routes/routes.ts";
import { parse, problemsOf } from "@gantry/runtime/http/problem.ts";
import { agentConfig } from "@gantry/task-agent/config.ts";
import { runnerConfigSchema } from "@gantry/task-runner/config.ts";
import { z } from "zod";
import { distinct, type Entry, type Section } from "./section.ts";
import { wrongMaps, wrongValues } from "./wrong-values.ts";

/** Files that are not YAML, or YAML with a trap. */
const BROKEN_FILES: readonly (readonly [name: string, text: string])[] = [
  ["an empty file", ""],
  ["a syntax error", "name: demo\njobs: {\n"],
  ["a tab", "name: demo\njobs:\n\ta: 1\n"],
  ["a quote that is not closed", 'name: "demo\n'],
  ["a wrong indentation", "name: demo\n jobs:\n"],
  ["two documents", "name: a\n---\nname: b\n"],
  ["a tag", "name: !!binary aGk=\n"],
  ["a key twice", "name: a\nname: b\n"],
  ["an alias without an anchor", "name: *a\n"],
  ["an alias that leads to itself", "name: &a [*a]\n"],
  ["a number in another form", "name: 0x1F\n"],
  ["a merge key", "name: demo\n<<: { a: 1 }\n"],
  ["control characters", "name: \u0001\n"],
];

/** Words of other systems. */
const FOREIGN_FILES: readonly (readonly [name: string, text: string])[] = [
  [
    "GitHub",
    "name: demo\non: push\njobs:\n  a:\n    runs-on: linux\n    if: x\n    strategy: {}\n    steps: [{ name: a, run: x }]\n",
  ],
  ["GitLab", "name: demo\nstages: [a]\njobs:\n  a: { site: x, stage: a, script: [x], tags: [y], only: [z] }\n"],
  ["Jenkins", "name: demo\npipeline: {}\npost: {}\njobs:\n  a: { site: x, agent: none, steps: [{ script: x }] }\n"],
];

export async function inputMessages(): Promise<readonly Section[]> {
  const steps = (await Promise.all(Object.values(STEPS).map((load) => load()))).map((step) => step);
  const descriptions = steps.map(describeStep);
  const lint = (name: string, text: string): Entry => {
    const { problems, warnings } = parsePipeline({ name: "demo.yaml", text }, descriptions);
    return { name, sentences: [], details: [...problems, ...warnings].map(({ detail }) => detail) };
  };
  const shapes = [...wrongMaps(pipelineShape)].flatMap((value) => lint("", JSON.stringify(value)).details ?? []);
  return [
    { title: "Pipeline files that cannot be read", entries: BROKEN_FILES.map(([name, text]) => lint(name, text)) },
    {
      title: "Pipeline files in words of other systems",
      entries: FOREIGN_FILES.map(([name, text]) => lint(name, text)),
    },
    {
      title: "Pipeline files with a mistake",
      entries: [...MISTAKES, ...RUN_TIME_MISTAKES].map(([name, text]) => lint(name, text)),
    },
    { title: "Pipeline files of the wrong form", entries: [{ name: "all", sentences: [], details: distinct(shapes) }] },
    { title: "Parameters", entries: paramMessages() },
    { title: "Configurations", entries: configMessages() },
    { title: "Requests", entries: requestMessages() },
    {
      title: "Inputs of steps",
      entries: steps.map(({ name, input }) => ({ name, sentences: [], details: distinct(problemsOfAll(input)) })),
    },
  ];
}

const PARAMS: ParamsSchema = {
  type: "object",
  properties: {
    name: { type: "string", pattern: "^[a-z][a-z0-9-]*[a-z0-9]$", minLength: 3, maxLength: 40 },
    digest: { type: "string", default: "${{ app.facts.digest }}" },
    version: { type: "string", pattern: "^(v|V)[0-9]+(?:\\.[0-9]+)*$" },
    targets: { type: "array", items: { type: "string" } },
    count: { type: "integer", minimum: 1, maximum: 3 },
    level: { type: "string", enum: ["low", "high"] },
    dry: { type: "boolean" },
  },
  required: ["name"],
  additionalProperties: false,
};

function paramMessages(): readonly Entry[] {
  const given: readonly (readonly [name: string, given: JsonObject])[] = [
    ["an empty form", {}],
    ["wrong types", { name: 1, targets: "a", count: "3", level: 1, dry: "yes" }],
    ["wrong values", { name: "A B", version: "1.0", targets: ["a", 1], count: 7, level: "hihg" }],
    ["limits", { name: "ab", count: 1.5, nme: "x" }],
  ];
  return given.map(([name, params]) => {
    const { problems } = checkParams(PARAMS, params, { app: {} });
    return { name, sentences: [], details: problems.map(({ detail }) => detail) };
  });
}

function configMessages(): readonly Entry[] {
  const schemas = { "task-agent": agentConfig, "task-runner": runnerConfigSchema, "portal-api": portalConfig };
  const readFile = (): never => {
    throw Object.assign(new Error("no such file"), { code: "ENOENT" });
  };
  const problems = (schema: z.ZodObject, value: unknown, env: { readonly [name: string]: string } = {}): string[] => {
    const text = JSON.stringify(value, undefined, 1);
    return detailsOf(() => openConfig(schema, { file: { name: "c.yaml", text }, env, prefix: "GANTRY", readFile }));
  };
  const variables = { GANTRY_PORT: "many", GANTRY_TOKEN_FILE: "/run/none", GANTRY_TOKEN: "x", GANTRY_LABELS: "[1" };
  const entries = Object.entries({ ...schemas, "notify-agent": notifySchema }).map(([name, schema]): Entry => {
    const details = [...wrongMaps(schema)].flatMap((value) => problems(schema, value));
    const fromEnv = Object.entries(variables).flatMap(([key, text]) => problems(schema, {}, { [key]: text }));
    return { name, sentences: [], details: distinct([...details, ...fromEnv]) };
  });
  return [...entries, { name: "notify-agent, channels and rules", sentences: [], details: notifyMessages() }];
}

function notifyMessages(): readonly string[] {
  const base = { token: "token-of-the-notify-agent", agent: { url: "http://agent", token: "token-of-the-agent" } };
  const rule = { name: "a", when: "true", oncePer: "task.id", send: [{ channel: "inbox" }] };
  const inputs: readonly object[] = [
    { token: "short" },
    { ...base, token: { file: "/run/none" } },
    { ...base, token: { env: "NONE" } },
    { ...base, channels: { inbox: { kind: "mail" } } },
    { ...base, channels: { ops: { kind: "mial" } } },
    { ...base, channels: { ops: { kind: "mail" } } },
    { ...base, channels: { ops: { kind: "slack" } } },
    { ...base, channels: { ops: { kind: "webhook", url: 1 } } },
    { ...base, rules: [{ ...rule, when: "event.kind ==" }] },
    { ...base, rules: [{ ...rule, when: "event.knid == 'x'" }] },
    { ...base, rules: [{ ...rule, when: "evnt.kind == 'x'" }] },
    { ...base, rules: [{ ...rule, when: "task.id + 1" }] },
    { ...base, rules: [{ ...rule, oncePer: "1" }] },
    { ...base, rules: [{ ...rule, send: [{ channel: "opps" }] }] },
    { ...base, rules: [rule, rule] },
    { ...base, source: { kafka: { brokers: ["nonsense"] } } },
  ];
  return distinct(inputs.flatMap((input) => detailsOf(() => parseConfig(input as never, {}))));
}

function requestMessages(): readonly Entry[] {
  return ROUTES.flatMap(({ id, params, query, body }): Entry[] => {
    const schemas = [params, query, body].filter((schema) => schema !== undefined);
    const all = schemas.flatMap((schema) =>
      [...wrongValues(schema)].map((value) => failure(() => parse(schema, value))),
    );
    const details = distinct(all.flatMap((error) => (error === undefined ? [] : [explain(error).message])));
    return details.length === 0 ? [] : [{ name: id, sentences: details }];
  });
}

function problemsOfAll(schema: z.core.$ZodType): readonly string[] {
  return [...wrongMaps(schema)].flatMap((value) => {
    const parsed = z.safeParse(schema, value);
    return parsed.success ? [] : problemsOf(parsed.error, value, "/with", "the input").map(({ detail }) => detail);
  });
}

function detailsOf(read: () => unknown): string[] {
  return (failure(read)?.problems ?? []).map(({ detail }: Problem) => detail);
}

function failure(read: () => unknown): GantryError | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof GantryError) return error;
    throw error;
  }
}
