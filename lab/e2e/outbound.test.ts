// Addresses in a Dockerfile that lead to the runner's own machine: refused, not asked, and no answer quoted.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { writeFiles } from "@gantry/connectors/image/image.fixture.ts";
import { buildPush } from "@gantry/connectors/image/steps.ts";
import { fastClock, openBench, type StepBench } from "@gantry/connectors/step.fixture.ts";
import { guardFor } from "@gantry/runtime/http/guarded-fetch.ts";
import { systemFetch } from "@gantry/task-runner/steps/system-fetch.ts";

/** A service of this machine that is no registry. */
async function startVictim(t: TestContext) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.setHeader("content-type", "application/json");
    response.statusCode = request.url?.includes("forbidden") ? 403 : 200;
    response.end(JSON.stringify({ errors: [{ message: "canary-of-the-victim" }] }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => new Promise((done) => server.close(done)));
  return { port: (server.address() as AddressInfo).port, asked };
}

/** A site without such a Harbor: a build whose base image cannot be read does not get as far as that. */
const HARBOR = {
  kind: "harbor" as const,
  name: "harbor",
  url: "http://127.0.0.1:9",
  standIn: true,
  username: "robot",
  password: "harbor-pass-1",
};

async function benchAt(t: TestContext, allow: readonly string[]): Promise<StepBench> {
  const bench = await openBench({
    systems: [HARBOR],
    fetch: systemFetch(fetch, { harbor: HARBOR }, allow),
    checkHost: guardFor(allow).check,
    limits: { maxPauseMs: 5 },
    nowMs: fastClock(),
  });
  t.after(() => bench.close());
  return bench;
}

test("FROM an address of this machine is refused as the user's mistake; the address is not asked", async (t) => {
  const { port, asked } = await startVictim(t);
  const bench = await benchAt(t, []);
  for (const [builder, lines] of [
    ["auto", `FROM 127.0.0.1:${port}/x/y`],
    ["auto", `FROM localhost:${port}/x/y`],
    ["buildah", `FROM 127.0.0.1:${port}/x/y\nRUN true`],
  ] as const) {
    await writeFiles(bench.workspace, { Dockerfile: lines });
    const outcome = await bench.once(buildPush, { repository: "orders/web", tags: ["1"], builder });
    assert.ok(outcome.kind === "failed", JSON.stringify(outcome));
    assert.equal(outcome.failure.code, "address-refused");
  }
  assert.deepEqual(asked, []);
});

test("an answer of an address that people chose is not quoted", async (t) => {
  const { port, asked } = await startVictim(t);
  const bench = await benchAt(t, ["127.0.0.0/8"]);
  for (const path of ["x/y", "x/forbidden"]) {
    await writeFiles(bench.workspace, { Dockerfile: `FROM 127.0.0.1:${port}/${path}` });
    const outcome = await bench.run(buildPush, { repository: "orders/web", tags: ["1"] });
    assert.doesNotMatch(JSON.stringify([outcome, bench.lines, bench.reasons]), /canary/);
    assert.equal(outcome.kind, "errored");
  }
  assert.ok(asked.length > 0);
});
