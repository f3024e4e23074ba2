// The data and messages of Gantry 0.1 must be understood by this version. They were recorded by record.ts and are never
// changed.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { startNotifyAgent } from "@gantry/notify-agent/main.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import type { RouteSpec } from "@gantry/runtime/http/route.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { ScriptedRunner } from "@gantry/task-agent/runner-protocol/runner.fixture.ts";
import { openDiskJournal } from "@gantry/task-runner/state/disk-journal.ts";
import { machineFiles } from "@gantry/task-runner/state/files.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { makeNotifyClient } from "@gantry/wire/notify/notify-client.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import { RUNNER_CALLS } from "@gantry/wire/runner/routes.ts";
import { z } from "zod";
import { noRedis, redisFor } from "../faults/redis/server.ts";
import { command, RUNNER_TOKEN, TOKEN } from "./record.ts";

const GOLDEN = fileURLToPath(new URL("./0.1/", import.meta.url));
const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** Years later: nothing may depend on the age of the data. */
const LATER_MS = 400 * 86_400_000;
const clock = { ...systemClock, nowMs: () => Date.now() + LATER_MS };

type Ids = Readonly<Record<"done" | "failed" | "canceled" | "held" | "running" | "queued", string>>;
type Recorded = { readonly ids: Ids; readonly tasks: Readonly<Record<keyof Ids, JsonObject & { state: string }>> };

async function read<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(GOLDEN, name), "utf8")) as T;
}

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-golden-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function database(name: string, file: string): Promise<void> {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA foreign_keys = OFF; BEGIN");
  db.exec((await readFile(join(GOLDEN, name), "utf8")).replaceAll(/^CREATE .*sqlite_sequence.*;$/gm, ""));
  db.exec("COMMIT");
  db.close();
}

/** Every field of the recorded view must be there with its value; there may be more. */
function assertShown(now: unknown, then: JsonValue, where = ""): void {
  if (typeof then !== "object" || then === null) {
    assert.deepEqual(now, then, where);
    return;
  }
  assert.ok(typeof now === "object" && now !== null, where);
  if (Array.isArray(then)) assert.equal((now as unknown[]).length, then.length, where);
  for (const [key, value] of Object.entries(then))
    assertShown((now as Record<string, unknown>)[key], value as JsonValue, `${where}/${key}`);
}

/** The raw answer, including fields that the current schemas omit. */
async function ask(url: string, path: string): Promise<unknown> {
  const answer = await fetch(`${url}/agent/v1/${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
  assert.equal(answer.status, 200);
  return answer.json();
}

type Agent = { readonly url: string };

/** Tasks must be unchanged, and those that had not ended must continue. */
async function assertGoesOn({ url }: Agent, { ids, tasks }: Recorded): Promise<void> {
  const client = makeAgentClient({ url, token: TOKEN });
  // A headline is written when it is asked for, so its words are those of today.
  const headline = "Run safe was canceled by kim after 0.0 s.";
  const today = { ...tasks, canceled: { ...(tasks.canceled as JsonObject), headline } };
  for (const name of ["done", "failed", "canceled", "held"] as const)
    assertShown(await ask(url, `tasks/${ids[name]}`), today[name], name);
  assert.equal((await client.task(ids.running)).state, "running");
  const [attempt] = (await client.task(ids.running)).jobs[0]?.attempts ?? [];
  assert.equal(attempt?.runner, "seoul-1");

  const ref = await runningRef(client, ids.running);
  const again = [{ ref, started: true }];
  const runner = await ScriptedRunner.signIn(url, RUNNER_TOKEN, "seoul", "seoul-1", again, {
    bootId: "00000000-0000-4000-8000-000000000002",
    registration: 2,
  });
  assert.deepEqual(runner.directives, [{ ref, do: "continue" }]);
  const permit = { step: "make", effect: "push", ordinal: 0, what: "the image" };
  assert.equal((await runner.effectBegin(ref, permit)).answer, "verify", "the permit of then is remembered");
  await runner.report(ref, { progress: 1 });
  assert.equal((await client.task(ids.running)).state, "succeeded");

  const tokyo = await ScriptedRunner.signIn(url, `${RUNNER_TOKEN}-of-tokyo`, "tokyo", "tokyo-1");
  const job = await tokyo.takeJob();
  assert.equal(job.ref.task, ids.queued);
  assert.ok(job.ref.fence > ref.fence);
  await tokyo.start(job.ref);
  await tokyo.report(job.ref);
  await client.resolve(ids.held, { principal: "kim", job: "build", answer: "fail" });
  assert.equal((await client.task(ids.held)).state, "failed");
}

/** The running attempt with its fence, which is in the events of the task. */
async function runningRef(client: ReturnType<typeof makeAgentClient>, task: string): Promise<JobRef> {
  const events = (await client.taskEvents(task, 0, 100)).map(({ data }) => data.event);
  const claimed = events.find((event) => typeof event.fence === "number");
  assert.ok(claimed, "a claim is in the history");
  return { task, job: "build", attempt: 1, fence: Number(claimed.fence) };
}

function agentConfig(folder: string, more: object = {}) {
  const runnerTokens = { [RUNNER_TOKEN]: "seoul", [`${RUNNER_TOKEN}-of-tokyo`]: "tokyo" };
  return { data: folder, portalUrl: "http://portal", token: TOKEN, runnerTokens, ...more };
}

test("a task-agent continues with the SQLite journal of 0.1", async (t) => {
  const folder = await folderFor(t);
  await database("task-agent.sql", join(folder, "journal.sqlite"));
  const agent = await startTaskAgent(agentConfig(folder), { logger, clock });
  t.after(agent.close);
  const recorded = await read<Recorded & { events: JsonObject[] }>("views.json");
  const { events } = (await ask(agent.url, "feed?after=0&limit=500")) as { events: JsonObject[] };
  assertShown(events.slice(0, recorded.events.length), recorded.events, "feed");
  await assertGoesOn(agent, recorded);
});

test("a task-agent continues with the Redis journal of 0.1", { skip: noRedis }, async (t) => {
  const folder = await folderFor(t);
  const redis = await redisFor(t);
  const recorded = await read<Recorded & { commands: string[][] }>("redis.json");
  for (const words of recorded.commands)
    await command(
      redis.port,
      words.map((word) => Buffer.from(word, "base64")),
    );
  const journal = { kind: "redis" as const, address: `127.0.0.1:${redis.port}`, waitReplicas: 0 };
  const agent = await startTaskAgent(agentConfig(folder, { journal, name: "a" }), { logger });
  t.after(agent.close);
  await assertGoesOn(agent, recorded);
});

test("all messages between a runner and a task-agent of 0.1 are understood", async () => {
  const said = await read<{ path: string; request: JsonObject; answer: JsonObject }[]>("messages.json");
  const calls = new Map(Object.values(RUNNER_CALLS).map((call) => [call.path.slice(1), call]));
  // No runner of the recording declined an offer. 0.1 had no artifacts, did not watch Argo CDs, and did not send logs of runners.
  const isRecorded = (path: string): boolean => !/^(?:decline$|observe$|own-log$|artifacts\/)/.test(path);
  const expected = [...calls.keys()].filter(isRecorded).toSorted();
  assert.deepEqual([...new Set(said.map(({ path }) => path))].toSorted(), expected);
  for (const { path, request, answer } of said) {
    const call: RouteSpec | undefined = calls.get(path);
    assertShown(call?.body && z.parse(call.body, request), request, path);
    if (call?.answer) assertShown(z.parse(call.answer, answer), answer, path);
  }
});

test("a notify-agent shows the inbox and the deliveries of 0.1, and sends nothing again", async (t) => {
  const folder = await folderFor(t);
  const facts = await read<{ inbox: JsonObject[]; deliveries: JsonObject[] }>("facts.json");
  await database("notify-agent.sql", join(folder, "notify.db"));
  const agent = { url: "http://127.0.0.1:9", token: TOKEN };
  const notify = await startNotifyAgent({ data: folder, token: TOKEN, agent }, { logger });
  t.after(notify.close);
  const client = makeNotifyClient({ url: notify.url, token: TOKEN });
  assertShown((await client.inbox({ limit: 50 })).items, facts.inbox);
  assertShown((await client.deliveries({ limit: 50 })).items, facts.deliveries);
});

test("a token of the portal of 0.1 is still valid", async (t) => {
  const folder = await folderFor(t);
  const { token } = await read<{ token: { secret: string; name: string; role: string } }>("facts.json");
  await database("portal-api.sql", join(folder, "portal.db"));
  const agent = { url: "http://127.0.0.1:9", token: TOKEN };
  const portal = await startPortal({ dataDir: folder, port: 0, agent }, { logger });
  t.after(portal.close);
  const me = await fetch(`${portal.url}/v1/me`, { headers: { authorization: `Bearer ${token.secret}` } });
  const { name, role } = (await me.json()) as JsonObject;
  assert.deepEqual([me.status, name, role], [200, token.name, token.role]);
});

test("a runner finds in its journal of 0.1 what it had claimed, started and not yet reported", async (t) => {
  const folder = await folderFor(t);
  const file = join(folder, "journal.jsonl");
  await writeFile(file, await readFile(join(GOLDEN, "task-runner.jsonl")));
  const journal = await openDiskJournal(machineFiles, file, Date.now(), logger);
  t.after(journal.close);
  const [attempt, ...others] = [...journal.state.attempts.values()];
  assert.equal(others.length, 0);
  assert.deepEqual([attempt?.ref.job, attempt?.report], ["build", undefined]);
  assert.ok(attempt && Object.keys(attempt).length > 2);
});
