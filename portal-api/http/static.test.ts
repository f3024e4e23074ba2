// The files of the console, as a browser receives them.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";

let portal: TestPortal;
const asPage = { token: null, headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };

before(async () => {
  portal = await startTestPortal();
});
after(() => portal.close());

test("in a fresh clone the portal's page says how to build the console; then it is served without a restart", async () => {
  const missing = await portal.ask("/tasks", asPage);
  assert.equal(missing.status, 503);
  assert.match(missing.headers.get("content-type") ?? "", /^text\/html/);
  const page = await missing.text();
  assert.match(page, /<h1>The console is not built<\/h1>/);
  assert.match(page, /<code>npm run build<\/code>/);
  assert.match(JSON.stringify(portal.lines), /"folder":"[^"]+console"/, "the log warns, too");
  const dist = join(portal.dir, "console");
  await mkdir(dist);
  await writeFile(join(dist, "index.html"), "<title>Gantry</title>");
  await writeFile(join(dist, "app-3F5KQ2ZA.js"), "export {};");
  await writeFile(join(portal.dir, "secret.txt"), "secret");
  assert.equal(await (await portal.ask("/", asPage)).text(), "<title>Gantry</title>");
});

test("paths of pages return the page; paths of files and of the API do not", async () => {
  for (const path of [
    "/tasks/t1",
    "/apps/orders?tab=history",
    "/fleet",
    "/tasks/t1/jobs/deploy%5Bseoul%5D",
    "/pipelines/orders.ci",
  ]) {
    const answer = await portal.ask(path, asPage);
    assert.deepEqual([answer.status, await answer.text()], [200, "<title>Gantry</title>"], path);
    assert.match(answer.headers.get("content-security-policy") ?? "", /default-src 'self'/);
  }
  for (const path of ["/missing.js", "/v1/nothing", "/v1", "/docs/nothing"]) {
    assert.equal((await portal.ask(path, asPage)).status, 404, path);
  }
});

test("files with a hash in the name are cached for ever, others are revalidated", async () => {
  const script = await portal.ask("/app-3F5KQ2ZA.js", { token: null });
  assert.match(script.headers.get("cache-control") ?? "", /immutable/);
  assert.match(script.headers.get("content-type") ?? "", /^text\/javascript/);
  const page = await portal.ask("/", asPage);
  assert.equal(page.headers.get("cache-control"), "no-cache");
  const etag = page.headers.get("etag") ?? "";
  const again = await portal.ask("/", { token: null, headers: { ...asPage.headers, "if-none-match": etag } });
  assert.equal(again.status, 304);
});

test("nothing outside the folder is served", async () => {
  for (const path of [
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/x/../../secret.txt",
    "/.git",
    "//secret.txt",
  ]) {
    const answer = await portal.ask(path, { token: null });
    assert.doesNotMatch(await answer.text(), /^secret/, path);
    assert.ok(answer.status >= 400, path);
  }
});
