import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { GantryError } from "../errors.ts";
import { type ConfigSources, flagsOf, openConfig, readConfig, variableOf } from "./read.ts";

const SCHEMA = z.strictObject({
  port: z.int().min(0).max(65_535).default(3000),
  publicUrl: z.url().optional(),
  secure: z.boolean().default(false),
  labels: z.array(z.string()).default([]),
  agent: z.strictObject({ url: z.url().transform((text) => text.toUpperCase()), token: z.string().min(8) }),
  level: z.enum(["debug", "info"]).default("info"),
});

const FILE = "agent:\n  url: http://agent\n  token: secret-token\n";

function read(sources: Partial<ConfigSources>) {
  const readFile = (path: string): string => {
    if (path === "/run/token") return "token-from-file\n";
    throw Object.assign(new Error(`open ${path}`), { code: "ENOENT" });
  };
  return readConfig(SCHEMA, {
    file: { name: "gantry.yaml", text: FILE },
    env: {},
    prefix: "GANTRY",
    readFile,
    ...sources,
  });
}

function problems(sources: Partial<ConfigSources>): readonly string[] {
  try {
    read(sources);
  } catch (error) {
    assert(error instanceof GantryError);
    assert.equal(error.code, "config-invalid");
    return error.problems.map((one) =>
      one.line === undefined ? one.detail : `${one.file}:${one.line}:${one.column} ${one.detail}`,
    );
  }
  return [];
}

test("file, then environment, then flags", () => {
  const defaults = { secure: false, labels: [], level: "info", agent: { url: "HTTP://AGENT", token: "secret-token" } };
  assert.deepEqual(read({}), { ...defaults, port: 3000 });
  assert.equal(read({ env: { GANTRY_PORT: "4000" } }).port, 4000);
  assert.equal(read({ env: { GANTRY_PORT: "4000" }, flags: { port: "5000", level: undefined } }).port, 5000);
  assert.equal(read({ env: { GANTRY_PORT: undefined }, file: { name: "g", text: `${FILE}port: 1\n` } }).port, 1);
});

test("text of the environment becomes what the schema wants", () => {
  const env = {
    GANTRY_SECURE: "true",
    GANTRY_LABELS: "big, arm64",
    GANTRY_PUBLIC_URL: "https://x",
    GANTRY_AGENT_URL: "http://b",
  };
  const config = read({ env });
  assert.deepEqual(
    [config.secure, config.labels, config.publicUrl, config.agent.url],
    [true, ["big", "arm64"], "https://x", "HTTP://B"],
  );
  assert.deepEqual(read({ env: { GANTRY_LABELS: '["a,b"]' } }).labels, ["a,b"]);
});

test("every variable can be given as a file", () => {
  assert.equal(read({ env: { GANTRY_AGENT_TOKEN_FILE: "/run/token" } }).agent.token, "token-from-file");
  assert.deepEqual(problems({ env: { GANTRY_AGENT_TOKEN_FILE: "/run/none" } }), [
    "GANTRY_AGENT_TOKEN_FILE: the file /run/none cannot be read: there is no such file (ENOENT)",
  ]);
  assert.deepEqual(problems({ env: { GANTRY_AGENT_TOKEN_FILE: "/run/token", GANTRY_AGENT_TOKEN: "x" } }), [
    "GANTRY_AGENT_TOKEN and GANTRY_AGENT_TOKEN_FILE are both set",
  ]);
});

test("all problems at once, each with where it comes from", () => {
  const text = "prot: 1\nagent:\n  url: nonsense\n  tokn: x\nlevel: inf\nsecure: 3\n";
  const env = { GANTRY_PORT: "many", GANTRY_LABELS: "[1" };
  assert.deepEqual(problems({ file: { name: "g.yaml", text }, env }).toSorted(), [
    "GANTRY_LABELS must be JSON",
    "GANTRY_PORT must be a number",
    "g.yaml:1:1 unknown key prot (did you mean port?)",
    "g.yaml:2:1 agent: token is missing",
    "g.yaml:3:8 agent: url must be an address such as https://host.example",
    "g.yaml:4:3 agent: unknown key tokn (did you mean token?)",
    "g.yaml:5:8 level must be debug or info (did you mean info?)",
    "g.yaml:6:9 secure must be true or false",
  ]);
});

test("a wrong value names its variable and never shows it", () => {
  const found = problems({ env: { GANTRY_AGENT_TOKEN: "s3cret", GANTRY_LEVEL: "hunter2" } });
  assert.deepEqual(found, [
    "GANTRY_AGENT_TOKEN: token must have at least 8 characters",
    "GANTRY_LEVEL: level must be debug or info",
  ]);
});

test("a variable that cannot be read is not reported as missing, too", () => {
  const env = { GANTRY_AGENT_TOKEN_FILE: "/run/none" };
  const file = { name: "g.yaml", text: "agent:\n  url: http://a\n" };
  assert.deepEqual(problems({ file, env }), [
    "GANTRY_AGENT_TOKEN_FILE: the file /run/none cannot be read: there is no such file (ENOENT)",
  ]);
});

test("a key that is a secret is never shown", () => {
  const tokens = z.record(z.string().min(16).meta({ secret: true }), z.strictObject({ site: z.string() }));
  const text =
    "tokens:\n  hunter2: { site: a }\n  hunter2-hunter2-hunter2: { site: 1, hunt: 2 }\n  hunter3-hunter3-hunter3: x\n";
  const sources = { file: { name: "g.yaml", text }, env: {}, prefix: "GANTRY", readFile: () => "" };
  assert.throws(
    () => readConfig(z.strictObject({ tokens }), sources),
    ({ problems: found }: GantryError) => {
      assert.doesNotMatch(JSON.stringify(found), /hunter/);
      assert.deepEqual(
        found.map(({ line, detail }) => `${line} ${detail}`),
        [
          "2 tokens: a key of tokens is not valid: it must have at least 16 characters",
          "3 tokens.…: site must be text",
          "3 tokens.…: unknown key hunt",
          "4 tokens: an entry of tokens must be a map",
        ],
      );
      return true;
    },
  );
});

test("every setting is a flag: --port, --agent-url, --labels, with the problems of its value", () => {
  assert.deepEqual(flagsOf(SCHEMA), ["port", "public-url", "secure", "labels", "agent-url", "agent-token", "level"]);
  const flags = { "public-url": "https://x", secure: "true", labels: "a, b", "agent-url": "http://c" };
  assert.deepEqual(read({ env: { GANTRY_LABELS: "z", GANTRY_AGENT_URL: "http://b" }, flags }), {
    port: 3000,
    publicUrl: "https://x",
    secure: true,
    labels: ["a", "b"],
    level: "info",
    agent: { url: "HTTP://C", token: "secret-token" },
  });
  assert.deepEqual(problems({ flags: { port: "many" } }), ["--port must be a number"]);
  assert.deepEqual(problems({ flags: { port: "70000" } }), ["--port: port must be at most 65535"]);
});

test("unknown flags are refused", () => {
  assert.deepEqual(problems({ flags: { prot: "1" } }), ["there is no flag --prot (did you mean --port?)"]);
});

test("a file that is no map is refused", () => {
  assert.match(problems({ file: { name: "g", text: "- a" } })[0] ?? "", /must be a map/);
  assert.equal(
    read({ file: undefined, env: { GANTRY_AGENT_URL: "http://a", GANTRY_AGENT_TOKEN: "12345678" } }).port,
    3000,
  );
});

test("names of variables follow the keys", () => {
  assert.equal(variableOf("GANTRY", ["agent", "publicUrl"]), "GANTRY_AGENT_PUBLIC_URL");
});

test("a problem that is found later is reported with its line, or its variable", () => {
  const file = { name: "gantry.yaml", text: `port: 1\n${FILE}` };
  const env = { GANTRY_LABELS: "a,b" };
  const { locate } = openConfig(SCHEMA, { file, env, prefix: "GANTRY", readFile: () => "" });
  assert.deepEqual(locate({ pointer: "/agent/url", detail: "it is nowhere." }), {
    pointer: "/agent/url",
    detail: "agent.url: it is nowhere.",
    file: "gantry.yaml",
    line: 3,
    column: 8,
  });
  assert.equal(locate({ pointer: "/labels/1", detail: "no." }).detail, "GANTRY_LABELS: no.");
  const placed = { pointer: "/port", detail: "x", file: "other.yaml", line: 7, column: 1 };
  assert.deepEqual(locate(placed), placed);
});
