// definitions/publish hands over files of its folder, and nothing of the machine.

import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { openBench } from "../step.fixture.ts";
import { publish } from "./steps.ts";

test("files of a folder are handed over, and no name or text of what is outside of the workspace", async (t) => {
  const bench = await openBench({ systems: [] });
  t.after(() => bench.close());
  await writeFile(join(bench.home, "secret-of-others.yaml"), "a: 1");
  await mkdir(join(bench.workspace, "own"));
  await writeFile(join(bench.workspace, "own", "ci.yaml"), "name: ci");
  const good = await bench.run(publish, { directory: "own" });
  assert.ok(good.kind === "succeeded");
  const text = gunzipSync(Buffer.from(good.output.bundle, "base64")).toString();
  assert.deepEqual(JSON.parse(text), { "ci.yaml": "name: ci" });

  await symlink(bench.home, join(bench.workspace, "link"));
  await symlink(join(bench.home, "secret-of-others.yaml"), join(bench.workspace, "own", "link.yaml"));
  for (const directory of ["../home", "link", "own/../../home", bench.home, "own"]) {
    const outcome = await bench.run(publish, { directory });
    assert.ok(outcome.kind === "errored", directory);
    assert.equal(outcome.failure.code, directory === "own" ? "file-invalid" : "bad-input");
    assert.doesNotMatch(JSON.stringify([outcome, bench.lines]), /secret-of-others/, directory);
  }
  for (const directory of ["link", "nothing", "own/ci.yaml"]) {
    const empty = await bench.run(publish, { directory, optional: true });
    assert.ok(empty.kind === "succeeded" && empty.output.files === 0, directory);
  }
});
