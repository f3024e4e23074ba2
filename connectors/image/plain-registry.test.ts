// A site whose registry is not Harbor: images are pushed there and verified, with an account or without one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startRegistry } from "@gantry/lab/fakes/registry/registry.ts";
import { openBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { writeFiles } from "./image.fixture.ts";
import { buildPush } from "./steps.ts";
import { verify } from "./verify-step.ts";

for (const account of [undefined, { username: "ci", password: "registry-pass-1" }]) {
  test(`an image is pushed to a plain registry ${account ? "with an account" : "without an account"}, and found there`, async (t) => {
    const registry = await startRegistry({ name: "registry", dir: await tempDir(t), ...account });
    t.after(() => registry.close());
    const bench = await openBench({
      systems: [{ kind: "registry", name: "registry", url: registry.url, standIn: true, ...account }],
    });
    t.after(() => bench.close());
    await writeFiles(bench.workspace, { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
    const pushed = await bench.run(buildPush, { repository: "shop/web", tags: ["1"] });
    assert.ok(pushed.kind === "succeeded", JSON.stringify(pushed));
    const { image, digest, ref } = pushed.output;
    assert.equal(image, `${new URL(registry.url).host}/shop/web`);
    const there = await bench.run(verify, { repository: "shop/web", digest });
    assert.deepEqual(there, { kind: "succeeded", output: { image, digest, ref } });
    // The next image begins with this one.
    await writeFiles(bench.workspace, { Dockerfile: "ARG REGISTRY\nFROM ${REGISTRY}/shop/web:1\nCOPY b /\n", b: "b" });
    const second = await bench.run(buildPush, { repository: "shop/job", tags: ["1"] });
    assert.ok(second.kind === "succeeded", JSON.stringify(second));
  });
}

test("a site without any registry says so", async (t) => {
  const bench = await openBench({ systems: [] });
  t.after(() => bench.close());
  const outcome = await bench.run(verify, { repository: "shop/web", digest: `sha256:${"0".repeat(64)}` });
  assert.ok(outcome.kind === "errored" && outcome.failure.code === "system-missing");
  assert.match(outcome.failure.message, /has no harbor or registry system/);
});
