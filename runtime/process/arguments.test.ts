import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { readArguments, usage } from "./arguments.ts";

const SCHEMA = z.strictObject({
  port: z.int().default(3000),
  publicUrl: z.string().optional(),
  agent: z.strictObject({ url: z.string() }),
});

function problemOf(...argv: string[]): string {
  try {
    readArguments(argv, SCHEMA);
  } catch (error) {
    assert(error instanceof GantryError && error.code === "config-invalid");
    return String(error.details.problem);
  }
  return "";
}

test("a process takes --port and every other setting as a flag", () => {
  const read = readArguments(["--config", "a.yaml", "--port", "8080", "--agent-url=http://a"], SCHEMA);
  assert.equal(read.config, "a.yaml");
  assert.deepEqual(read.flags, { port: "8080", "public-url": undefined, "agent-url": "http://a" });
  assert.deepEqual(readArguments(["-h"], SCHEMA).show, "help");
  assert.deepEqual(readArguments(["--version"], SCHEMA).show, "version");
});

test("a flag that is misspelled, has no value, or is no flag at all is refused in words", () => {
  assert.equal(problemOf("--prot", "1"), "There is no flag --prot (did you mean --port?); --help lists them.");
  assert.equal(
    problemOf("--agent.url=x"),
    "There is no flag --agent.url (did you mean --agent-url?); --help lists them.",
  );
  assert.match(problemOf("--port"), /--port/);
  assert.match(problemOf("a.yaml"), /a\.yaml/);
});

test("--help lists every flag", () => {
  assert.match(
    usage("task-agent", SCHEMA),
    /GANTRY_TASK_AGENT_LOG_LEVEL.*--port VALUE\n {2}--public-url VALUE\n {2}--agent-url VALUE\n$/s,
  );
});
