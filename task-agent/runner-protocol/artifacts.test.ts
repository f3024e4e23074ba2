// What runners save and take, over HTTP with scripted runners.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ProtocolFixture } from "./protocol.fixture.ts";

const TWO_JOBS = {
  saves: `name: saves
app: none
jobs:
  build: { site: seoul, retrySafe: true, steps: [{ run: "true" }] }
  read: { needs: build, site: seoul, retrySafe: true, steps: [{ run: "true" }] }
`,
};

test("a runner that takes the files of a large artifact one by one keeps the task-agent free for others", async (t) => {
  const agent = await ProtocolFixture.open(t, TWO_JOBS);
  await agent.request("saves");
  const runner = await agent.runner();
  const build = await runner.takeJob();
  await runner.start(build.ref);
  const bytes = Buffer.from("x");
  const content = { digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`, size: 1 };
  const files = Array.from({ length: 5_000 }, (_, at) => ({ path: `dist/module-${at}/index.js`, ...content }));
  assert.deepEqual(await runner.saveArtifact(build.ref, "dist", files), [content.digest]);
  assert.equal(await runner.uploadArtifact(build.ref, content, bytes), 1);
  assert.deepEqual(await runner.saveArtifact(build.ref, "dist", files), []);
  await runner.report(build.ref);
  const { ref } = await runner.takeJob();
  await runner.start(ref);
  const [dist] = await runner.artifactsOf(ref, "build");
  assert.ok(dist);
  const start = process.cpuUsage();
  for (let at = 0; at < 200; at += 1)
    assert.equal(Buffer.from(await runner.artifactContent(ref, dist, at)).toString(), "x");
  const { user } = process.cpuUsage(start);
  assert.ok(user < 2_000_000, `${user} microseconds`);
});
