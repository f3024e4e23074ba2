import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { RIGHTS_PAGE, rightsPage } from "../rights-of-systems.ts";

test("docs/rights-of-systems.md has the rights that the checks of the connectors test", async () => {
  const isFresh = (await readFile(RIGHTS_PAGE, "utf8")) === (await rightsPage());
  assert.ok(isFresh, "connectors/rights.ts has changed: run `node lab/rights-of-systems.ts` and commit the page");
});
