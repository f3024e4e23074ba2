import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { answer, readSite } from "../src/server.js";

const pages = readSite(fileURLToPath(new URL("../site/", import.meta.url)));

test("the first page is served", () => {
  const { status, type } = answer(pages, "GET", "/");
  assert.deepEqual([status, type], [200, "text/html; charset=utf-8"]);
});

test("files outside of the site are not served", () => {
  for (const path of ["/../package.json", "/%2e%2e/package.json", "/src/server.js"])
    assert.equal(answer(pages, "GET", path).status, 404);
});

test("Kubernetes gets its probes", () => {
  assert.equal(answer(pages, "GET", "/readyz").status, 200);
  assert.equal(answer(pages, "POST", "/").status, 405);
});
