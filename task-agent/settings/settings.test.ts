// Settings that are changed at run time over HTTP: the agent applies them and sends them to runners.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Listening } from "@gantry/runtime/http/listen.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { decodeEvent, encodeEvent } from "@gantry/wire/bus/event-codec.ts";
import { openRateLimit } from "../api/rate-limit.ts";
import { decideSiteBlock } from "../dispatch/decide-site-block.ts";
import { startTaskAgent } from "../main.ts";
import { PIPELINE, SEOUL, TOKEN } from "../release.fixture.ts";
import { ScriptedRunner } from "../runner-protocol/runner.fixture.ts";

const data = await mkdtemp(join(tmpdir(), "gantry-settings-"));
await writeFile(join(data, "release.yaml"), PIPELINE);
const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, level: "error" };
let agent: Listening;
let client: AgentClient;
let version = 0;

async function open(): Promise<void> {
  const runnerTokens = { [SEOUL]: "seoul" };
  const config = { data, portalUrl: "http://portal", token: TOKEN, runnerTokens, pipelines: data };
  agent = await startTaskAgent(config, { logger });
  client = makeAgentClient({ url: agent.url, token: TOKEN });
}
await open();
after(async () => {
  await agent.close();
  await rm(data, { recursive: true });
});

async function set(changes: Parameters<AgentClient["changeSettings"]>[0]["changes"]): Promise<void> {
  ({ version } = await client.changeSettings({ version, changes, principal: "kim" }));
}

let keys = 0;
function start(principal = "dev", key?: string) {
  keys += 1;
  return client.startTask({ pipeline: "release", params: {}, idempotencyKey: key ?? `key-${keys}`, principal });
}

async function until<T>(look: () => Promise<T>, isMet: (seen: T) => boolean): Promise<T> {
  let { last } = await client.feed({ limit: 1 });
  for (;;) {
    const seen = await look();
    if (isMet(seen)) return seen;
    last = (await client.feed({ after: last, limit: 100, waitMs: 5_000 })).last;
  }
}

test("nothing is set at first; a change applies at once, survives a restart, and is in the history", async () => {
  const before = await client.settings();
  assert.equal(before.version, 0);
  assert.ok(before.items.every(({ value }) => value === null));
  const { last } = await client.feed({ limit: 1 });
  const held = client.settingsNow({ after: 0, waitMs: 10_000 });
  const reason = "too many requests";
  const changes = { "log.taskAgent": "warn", "runners.pollSeconds": 5 };
  ({ version } = await client.changeSettings({ version, changes, principal: "kim", reason }));
  assert.equal(logger.level, "warn");
  assert.deepEqual(await held, { version: 1, values: changes });
  const [event] = (await client.feed({ after: last, limit: 10 })).events;
  assert.ok(event);
  assert.deepEqual(
    [event.type, event.subject, event.data.requestedBy, event.data.event.reason],
    ["dev.gantry.settings.changed.v1", "settings", "kim", reason],
  );
  assert.deepEqual(decodeEvent(encodeEvent(event, { startedAt: undefined, uses: undefined, site: undefined })), event);

  await agent.close();
  logger.level = "error";
  await open();
  assert.equal(logger.level, "warn");
  await set({ "log.taskAgent": null });
  assert.equal(logger.level, "error", "back to the configured level");
  const { items } = await client.settingsHistory({});
  assert.deepEqual(
    items.map((one) => [one.version, one.by, one.reason, one.changes]),
    [
      [2, "kim", undefined, [{ key: "log.taskAgent", from: "warn", to: null }]],
      [
        1,
        "kim",
        reason,
        [
          { key: "log.taskAgent", from: null, to: "warn" },
          { key: "runners.pollSeconds", from: null, to: 5 },
        ],
      ],
    ],
  );
  const [newest] = (await client.settingsHistory({ limit: 1 })).items;
  assert.equal(newest?.version, 2);
  assert.deepEqual(
    (await client.settingsHistory({ limit: 1, cursor: "2" })).items.map((one) => one.version),
    [1],
  );
});

test("a change for another version or with an invalid value has no effect", async () => {
  const stale = client.changeSettings({ version: version - 1, changes: { "notify.paused": true }, principal: "kim" });
  await assert.rejects(stale, { code: "version-differs" });
  await assert.rejects(set({ "notify.paused": true, "runners.pollSeconds": 90 }), {
    code: "bad-request",
    message: /runners\.pollSeconds must be a whole number from 1 to 25/,
  });
  const raced = await Promise.allSettled([set({ "notify.paused": true }), set({ "notify.paused": false })]);
  assert.deepEqual(raced.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  assert.equal((await client.settings()).version, version);
  await set({ "notify.paused": null });
});

test("a runner receives settings at once and with every reply, and learns when they are removed", async () => {
  const runner = await ScriptedRunner.signIn(agent.url, SEOUL, "seoul", "seoul-listening");
  const open = runner.pollAll(0, 20_000);
  await set({ "log.taskRunner": "debug", "runners.drainSeconds": 30 });
  assert.deepEqual((await open).settings, { logLevel: "debug", pollMs: 5_000, drainMs: 30_000 });
  await set({ "log.taskRunner": null, "runners.drainSeconds": null });
  assert.deepEqual((await runner.pollAll(0, 0)).settings, { pollMs: 5_000 });
  await set({ "runners.pollSeconds": null });
  assert.equal((await runner.pollAll(0, 0)).settings, undefined);
});

test("a paused site: offers are withdrawn, nothing starts, and the task says why; then it continues", async () => {
  const runner = await ScriptedRunner.signIn(agent.url, SEOUL, "seoul", "seoul-paused");
  const task = await start();
  const [offer] = await runner.poll(1);
  assert.ok(offer);
  await set({ "dispatch.pausedSites": ["seoul"] });
  await assert.rejects(runner.claim(offer), { code: "offer-gone" });
  const waiting = await until(
    () => client.task(task.id),
    (seen) => seen.waiting?.code === "site-paused",
  );
  assert.equal(waiting.waiting?.text, "Waiting for site seoul: an administrator has paused it.");
  const open = runner.takeJob();
  await set({ "dispatch.pausedSites": null });
  const job = await open;
  assert.equal(job.ref.task, task.id);
  await runner.start(job.ref);
  await runner.report(job.ref);
});

test("the job limit of a site counts running and offered jobs", async () => {
  await set({ "dispatch.jobsPerSite": 1 });
  const runner = await ScriptedRunner.signIn(agent.url, SEOUL, "seoul", "seoul-limited", [], { slots: 5 });
  const tasks = [await start(), await start()];
  const first = await runner.takeJob();
  assert.deepEqual((await runner.pollAll(4, 100)).offers, []);
  const other = tasks.find(({ id }) => id !== first.ref.task);
  const waiting = await until(
    () => client.task(other?.id ?? ""),
    (seen) => seen.waiting?.code === "site-limit",
  );
  assert.equal(waiting.waiting?.text, "Waiting for site seoul: an administrator has limited it to 1 job at a time.");
  await runner.start(first.ref);
  await runner.report(first.ref);
  const second = await runner.takeJob();
  assert.equal(second.ref.task, other?.id);
  await runner.start(second.ref);
  await runner.report(second.ref);
  await set({ "dispatch.jobsPerSite": null });
});

test("the task limit refuses only the principal that exceeds it; a repeated request does not count", async () => {
  await set({ "tasks.perMinute": 2 });
  const first = await start("script", "once");
  await start("script");
  assert.equal((await start("script", "once")).id, first.id);
  await assert.rejects(start("script"), { code: "too-many" });
  await start("kim");
  await set({ "tasks.perMinute": null });
  await start("script");
});

test("the minute of the task limit is a sliding window", async () => {
  const clock = new SteppedClock();
  const count = openRateLimit(clock, () => 2);
  count("kim");
  await clock.pass(40_000);
  count("kim");
  assert.throws(() => count("kim"), { code: "too-many" });
  await clock.pass(21_000);
  count("kim");
  assert.throws(() => count("kim"), { code: "too-many" });
});

test("a canceled job gets the grace period that is set", async () => {
  await set({ "tasks.cancelGraceSeconds": 3 });
  const runner = await ScriptedRunner.signIn(agent.url, SEOUL, "seoul", "seoul-cancel");
  await start();
  const job = await runner.takeJob();
  await runner.start(job.ref);
  await client.cancel(job.ref.task, { principal: "kim" });
  const beat = await runner.heartbeat(job.ref);
  assert.deepEqual([beat.state, beat.state === "cancel" && beat.graceMs], ["cancel", 3_000]);
  await runner.report(job.ref, { outcome: "canceled" });
});

test("decideSiteBlock compares running jobs and the limit, and paused sites", () => {
  const at = (running: number) =>
    decideSiteBlock({ "dispatch.jobsPerSite": 2 }, { site: "seoul", running: () => running })?.code;
  assert.deepEqual([at(1), at(2), at(3)], [undefined, "site-limit", "site-limit"]);
  assert.equal(decideSiteBlock({ "dispatch.pausedSites": ["tokyo"] }, { site: "seoul", running: () => 9 }), undefined);
});
