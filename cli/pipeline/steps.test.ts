// The steps that pipelines can use, as people find them.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Page } from "@gantry/wire/agent/agent-client.ts";
import { z } from "zod";
import { startAgentAndPortal } from "./agent-and-portal.fixture.ts";

const { folder, run } = await startAgentAndPortal({});

const step = z.looseObject({
  name: z.string().regex(/^[a-z-]+\/[a-z-]+$/),
  title: z.string().min(1),
  input: z.looseObject({ type: z.literal("object"), properties: z.record(z.string(), z.looseObject({})).optional() }),
  output: z.looseObject({}),
  undo: z.boolean(),
});

test("A6: every step is listed with the schemas of what it takes and gives, and with whether it can be undone", async () => {
  const { code, out } = await run("api", "GET", "/v1/steps");
  assert.equal(code, 0, out);
  const { items } = JSON.parse(out) as Page<unknown>;
  const steps = items.map((item) => z.parse(step, item));
  const repository = steps.find(({ name }) => name === "git/create-repository");
  assert.ok(repository, steps.map(({ name }) => name).join(" "));
  assert.equal(repository.undo, true);
  assert.ok(Object.keys(repository.input.properties ?? {}).length > 0);
});

test("A6: a step that does not exist, and an input that it does not take, are refused with line and column before anything runs", async () => {
  const file = join(folder, "wrong.yaml");
  await writeFile(
    file,
    `name: wrong
app: none
jobs:
  a:
    site: here
    steps:
      - uses: git/chekout
      - uses: artifact/save
        with: { name: x, pathz: [a] }
`,
  );
  const { code, out } = await run("pipeline", "lint", file);
  assert.equal(code, 2);
  assert.match(out, /wrong\.yaml:7:\d+ .*git\/chekout.*git\/checkout/);
  assert.match(out, /wrong\.yaml:9:\d+ .*pathz/);
});
