// A runner that enrols itself, with a real task-agent over HTTP.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "@gantry/runtime/clock.ts";
import { AttackBench } from "@gantry/task-agent/attacks/attack.fixture.ts";
import { runnerConfigSchema } from "@gantry/task-runner/config.ts";
import { openToken } from "@gantry/task-runner/runner-token.ts";
import { machineFiles } from "@gantry/task-runner/state/files.ts";
import { createIdentityClient } from "@gantry/wire/runner/runner-client.ts";

const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };

async function openEnrolled(t: TestContext) {
  const bench = await AttackBench.open(t, "one agent");
  const data = await mkdtemp(join(tmpdir(), "gantry-identity-"));
  t.after(() => rm(data, { recursive: true }));
  const { token } = await bench.client.createEnrolment({ site: "busan", newSite: true, principal: "admin" });
  const file = join(data, "one-time-token");
  await writeFile(file, token);
  let passedMs = 0;
  let isDown = false;
  const deps = {
    env: {},
    files: machineFiles,
    logger,
    clock: { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passedMs },
    fetch: ((...call: Parameters<typeof fetch>) =>
      isDown ? Promise.reject(new Error("no connection")) : fetch(...call)) as typeof fetch,
  };
  const open = (name = "busan-7", enrol: object = { file }) =>
    openToken(runnerConfigSchema.parse({ name, site: "busan", agent: bench.url, enrol, data }), data, deps);
  const pass = (ms: number): void => {
    passedMs += ms;
    bench.passTime(ms);
  };
  const down = (value: boolean): void => {
    isDown = value;
  };
  return { bench, data, file, open, pass, down };
}

test("the first start enrols; later starts do not need the one-time token; tokens are renewed before they expire", async (t) => {
  const { bench, data, file, open, pass, down } = await openEnrolled(t);
  const token = await open();
  const first = await token();
  assert.equal(await token(), first);
  assert.equal((await stat(join(data, "runner-key.json"))).mode & 0o777, 0o600);
  await rm(file);
  const again = await open();
  const runner = await bench.signInWith(await again(), "busan", "busan-7");
  await runner.pollAll(0, 0);
  pass(500_000);
  down(true);
  assert.equal(await token(), first, "valid still, and a new one cannot be had");
  pass(200_000);
  await assert.rejects(token(), { code: "unavailable" });
  down(false);
  assert.notEqual(await token(), first);
});

test("while the agent cannot be reached the runner waits with its enrolment; the key stays the same", async (t) => {
  const { data, open, down } = await openEnrolled(t);
  down(true);
  const token = await open();
  await assert.rejects(token(), { code: "unavailable" });
  const key = await readFile(join(data, "runner-key.json"), "utf8");
  assert.match(key, /"isEnrolled":false/);
  down(false);
  assert.ok((await token()).length > 0);
  const after = JSON.parse(await readFile(join(data, "runner-key.json"), "utf8"));
  assert.match(after.enrolledWith, /^[0-9a-f]{64}$/);
  assert.deepEqual(after, { ...JSON.parse(key), isEnrolled: true, enrolledWith: after.enrolledWith });
});

test("a renewed key: the old one is refused at once, and a start with the new one-time token makes a new one", async (t) => {
  const { bench, data, file, open } = await openEnrolled(t);
  const old = await (await open())();
  const runner = await bench.signInWith(old, "busan", "busan-7");
  const before = await readFile(join(data, "runner-key.json"), "utf8");
  const { token } = await bench.client.renewRunnerKey("busan-7", "admin");
  await assert.rejects(runner.pollAll(0, 0), { code: "session-gone" });
  await assert.rejects(bench.signInWith(old, "busan", "busan-7"), { code: "unauthenticated" });
  await assert.rejects((await open())(), { code: "unauthenticated" });
  await writeFile(file, "a-wrong-one-time-token");
  await assert.rejects(open(), { code: "enrolment-invalid" });
  assert.equal(await readFile(join(data, "runner-key.json"), "utf8"), before, "the old key is still there");
  await writeFile(file, token);
  await bench.signInWith(await (await open())(), "busan", "busan-7");
  assert.notEqual(await readFile(join(data, "runner-key.json"), "utf8"), before);
});

test("a used or wrong one-time token, and a damaged key, end the start with a reason", async (t) => {
  const { data, open } = await openEnrolled(t);
  await (await open())();
  await assert.rejects(open("busan-8"), { code: "enrolment-invalid" });
  await writeFile(join(data, "runner-key.json"), "{}");
  await assert.rejects(open(), { code: "data-unusable" });
});

test("a configuration has a token or `enrol`, not both and not neither", () => {
  const base = { name: "busan-7", site: "busan", agent: "http://127.0.0.1:1", data: "/x" };
  for (const more of [{}, { token: "t", enrol: "e" }])
    assert.deepEqual(runnerConfigSchema.safeParse({ ...base, ...more }).error?.issues[0]?.path, ["token"]);
});

test("what is no answer of a task-agent is `unavailable`", async () => {
  const client = createIdentityClient({ url: "http://agent", fetch: async () => new Response("no", { status: 401 }) });
  await assert.rejects(client.challenge({ runner: "a" }), { code: "unauthenticated" });
  const page = createIdentityClient({ url: "http://agent", fetch: async () => new Response("<html>") });
  await assert.rejects(page.challenge({ runner: "a" }), { code: "unavailable" });
});
