// An app whose Argo CD application is there already, from the adoption to forgetting it. Other shapes: adopted.faults.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openField } from "./adopted.fixture.ts";
import { liveWith, SHAPES } from "./adopted-shapes.fixture.ts";

test("an adopted app with an application of its own is built and deployed, and nothing is duplicated", async (t) => {
  const shape = SHAPES.find(({ name }) => name === "storefront");
  assert.ok(shape);
  await liveWith(await openField(t), shape);
});
