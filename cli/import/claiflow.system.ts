// `gantry import claiflow`: flows that really run, with the values that they gave there.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { parse } from "yaml";
import { runCommand } from "../portal.fixture.ts";

/** `keep` also writes what it got to a file, so that a test can read it. */
const COMMANDS = {
  keep: { run: 'printf %s "$INPUTS" > kept.json\necho "result=$INPUTS" >> "$GANTRY_OUTPUT"\n' },
  square: {
    shell: "node",
    run: "const { n } = JSON.parse(process.env.INPUTS);\nrequire('fs').appendFileSync(process.env.GANTRY_OUTPUT, `result=${n * n}\\n`);\n",
  },
};

async function flows(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-of-flows-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  const runner = { name: "m", site: "here", agent: "http://localhost:1", token: "t", data: "d", isolation: "none" };
  await writeFile(path("runner.json"), JSON.stringify(runner));
  await writeFile(path("commands.json"), JSON.stringify(COMMANDS));
  const importFlow = async (flow: unknown): Promise<{ code: number; out: string; notes: string }> => {
    await writeFile(path("flow.json"), JSON.stringify(flow));
    let out = "";
    let notes = "";
    const { code } = await runCommand(
      ["import", "claiflow", path("flow.json"), "--commands", path("commands.json"), "--site", "here"],
      {
        stdout: (text) => {
          out += text;
        },
        stderr: (text) => {
          notes += text;
        },
      },
    );
    return { code, out, notes };
  };
  return {
    importFlow,
    /** What the last `keep` of the flow got. */
    run: async (flow: unknown, params: JsonObject = {}): Promise<JsonValue> => {
      const { code, out, notes } = await importFlow(flow);
      assert.deepEqual([code, notes], [0, ""], out);
      await writeFile(path("flow.yaml"), out);
      const given = Object.entries(params).flatMap(([name, value]) => [
        "--param",
        `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
      ]);
      const argv = ["pipeline", "exec", path("flow.yaml"), "--config", path("runner.json"), "--workspace", folder];
      const ran = await runCommand([...argv, ...given], { env: process.env });
      assert.equal(ran.code, 0, ran.out);
      return JSON.parse(await readFile(path("kept.json"), "utf8")) as JsonValue;
    },
  };
}

const inputs = (properties: JsonObject): JsonObject => ({ type: "object", properties });

test("B2: inputs and results of earlier steps, in a flow as text as a database has it", async (t) => {
  const { run } = await flows(t);
  const flow = [
    { $id: "one", $command: "keep", inputs: { word: "$inputs.a.b" } },
    { $id: "two", $command: "keep", inputs: { text: "${one.outputs.word} ${inputs.second}" } },
  ];
  const template = {
    flow: JSON.stringify(flow),
    inputs: { type: "object", properties: { second: { type: "string" } } },
  };
  const literal = JSON.parse(JSON.stringify(template).replace("$inputs.a.b", "hello")) as JsonValue;
  assert.deepEqual(await run(literal, { second: "world" }), { text: "hello world" });
});

test("B3: a loop over a list gives the list of its results, and one over nothing an empty list", async (t) => {
  const { run } = await flows(t);
  const flow = {
    flow: [
      { $id: "r", $range: "$inputs.xs", $steps: [{ $id: "sq", $command: "square", inputs: { n: "$r.val" } }] },
      { $id: "all", $command: "keep", inputs: { squares: "$r.outputs" } },
    ],
    inputs: inputs({ xs: { type: "array", items: { type: "integer" } } }),
  };
  assert.deepEqual(await run(flow, { xs: [1, 2, 3, 4, 5] }), { squares: [1, 4, 9, 16, 25] });
  assert.deepEqual(await run(flow, { xs: [] }), { squares: [] });
});

test("B2, B6: values are swapped, and a user's value that looks like a reference stays a value", async (t) => {
  const { run } = await flows(t);
  const flow = {
    flow: [
      { $id: "a", $command: "keep", inputs: { x: "$inputs.x", y: "$inputs.y" } },
      { $id: "b", $command: "keep", inputs: { x: "$a.outputs.y", y: "$a.inputs.x", price: "$$5.00" } },
    ],
    inputs: inputs({ x: { type: "string" }, y: { type: "string" } }),
  };
  assert.deepEqual(await run(flow, { x: "one", y: "two" }), { x: "two", y: "one", price: "$5.00" });
  assert.deepEqual(await run(flow, { x: "$a.outputs.y", y: "$(touch x)" }), {
    x: "$(touch x)",
    y: "$a.outputs.y",
    price: "$5.00",
  });
});

test("B5: only one branch of a condition runs", async (t) => {
  const { run } = await flows(t);
  const flow = {
    flow: [
      {
        $id: "c",
        $condition: "$inputs.yes",
        $then: [{ $id: "t", $command: "keep", inputs: { took: "then" } }],
        $else: [{ $id: "e", $command: "keep", inputs: { took: "else" } }],
      },
    ],
    inputs: inputs({ yes: { type: "boolean" } }),
  };
  assert.deepEqual(await run(flow, { yes: true }), { took: "then" });
  assert.deepEqual(await run(flow, { yes: false }), { took: "else" });
});

test("B4: a print shows the steps that it does not hide", async (t) => {
  const { importFlow } = await flows(t);
  const { out } = await importFlow([
    { $id: "secret", $command: "keep", inputs: {} },
    { $id: "shown", $command: "keep", inputs: {} },
    { $id: "p", $print: { hide: ["secret"] } },
  ]);
  assert.deepEqual(Object.keys((parse(out) as { outputs: object }).outputs), ["shown"]);
});

test("what has no counterpart is named, and an unknown command fails instead of doing nothing", async (t) => {
  const { importFlow } = await flows(t);
  const { code, out, notes } = await importFlow([
    { $id: "a", $command: "helm.install", inputs: { x: "$nobody.outputs", y: "$inputs.list|map(.a)" } },
  ]);
  assert.equal(code, 1);
  assert.match(notes, /the command helm\.install is not in the file/);
  assert.match(notes, /`\$nobody\.outputs` names no input and no step before it/);
  assert.match(out, /exit 1/);
});
