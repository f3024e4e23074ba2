import assert from "node:assert/strict";
import { test } from "node:test";
import manifest from "./package.json" with { type: "json" };
import { runCommand } from "./portal.fixture.ts";

const run = (...argv: string[]) => runCommand(["version", ...argv]);

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
  const { code, out } = await run("--short");
  assert.equal(code, 2);
  assert.match(out, /--short.*\n\nUsage: gantry version/s);
});
