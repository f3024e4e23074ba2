import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { STEPS } from "@gantry/connectors/steps.ts";
import { CATALOGUE, catalogueText } from "../catalogue.ts";

test("pipelines/catalogue.json is up to date", async () => {
  const fresh = (await readFile(CATALOGUE, "utf8")) === (await catalogueText());
  assert(fresh, "the steps have changed: run `node lab/catalogue.ts` and commit pipelines/catalogue.json");
});

test("every step is registered under its name, which has the form provider/verb-noun", async () => {
  for (const [name, load] of Object.entries(STEPS)) {
    assert.match(name, /^[a-z0-9-]+\/[a-z0-9-]+$/);
    assert.equal((await load()).name, name);
  }
});
