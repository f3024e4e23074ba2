import assert from "node:assert/strict";
import { test } from "node:test";
import manifest from "./package.json" with { type: "json" };
import { version } from "./version.ts";

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const code = await version(argv, {
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    env: {},
  });
  return { code, out, err };
}

test("prints the version of the package, and the commit of a checkout", async () => {
  const { code, out } = await run();
  assert.equal(code, 0);
  assert.ok(out.startsWith(`gantry ${manifest.version}`), out);
  assert.match(out, /^gantry \d+\.\d+\.\d+( \([0-9a-f]{12}\))?\n$/);
});

test("--json prints JSON", async () => {
  const shown = JSON.parse((await run("--json")).out) as Record<string, unknown>;
  assert.deepEqual(Object.keys(shown), ["name", "version", "commit"]);
  assert.equal(shown.version, manifest.version);
});

test("an unknown argument is an error", async () => {
  const { code, err } = await run("--short");
  assert.equal(code, 2);
  assert.match(err, /--short.*\n\nUsage: gantry version/s);
});
