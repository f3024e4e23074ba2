import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";

const PATH = "/v1/tasks/t1/jobs/deploy%5Bseoul%5D/artifacts/dist/content?path=app.js";
let portal: TestPortal;

before(async () => {
  portal = await startTestPortal();
  portal.agent.addTask({ id: "t1" });
});
after(() => portal.close());

test("a file of an artifact is a download, and its preview is text: a browser runs nothing of it", async () => {
  const file = await portal.ask(PATH);
  assert.equal(await file.text(), "<b>hi");
  assert.equal(file.headers.get("content-type"), "application/octet-stream");
  assert.equal(file.headers.get("content-length"), "5");
  assert.equal(file.headers.get("content-disposition"), "attachment; filename*=UTF-8''app.js");
  const preview = await portal.ask(`${PATH}&preview=true`);
  assert.equal(await preview.text(), "<b>hi");
  assert.equal(preview.headers.get("content-type"), "text/plain; charset=utf-8");
  for (const { headers } of [file, preview]) {
    assert.equal(headers.get("content-security-policy"), "sandbox");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
  }
});

test("a file that the artifact does not have is not found, and a name with line breaks is refused", async () => {
  assert.equal((await portal.ask(PATH.replace("app.js", "other.js"))).status, 404);
  assert.equal((await portal.ask("/v1/tasks/t1/jobs/x/artifacts/..%2Fx/content?path=a")).status, 400);
});
