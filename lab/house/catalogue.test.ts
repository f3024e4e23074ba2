import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { STEPS } from "@gantry/connectors/steps.ts";
import { CATALOGUE, catalogueText } from "../catalogue.ts";

test("pipelines/catalogue.json says what the steps are", async () => {
  const fresh = (await readFile(CATALOGUE, "utf8")) === catalogueText();
  assert(fresh, "the steps have changed: run `node lab/catalogue.ts` and commit pipelines/catalogue.json");
});

test("every step has a name of its own, of the form provider/verb-noun", () => {
  const names = STEPS.map((step) => step.name);
  assert.deepEqual(names, [...new Set(names)]);
  for (const name of names) assert.match(name, /^[a-z0-9-]+\/[a-z0-9-]+$/);
});
