// Runners and clients of other protocol versions: which version is used, what is ignored, and what is refused with which text.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { JsonObject } from "@gantry/core/json.ts";
import { problemSchema } from "@gantry/runtime/http/problem.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { agreeOn } from "@gantry/wire/protocol-version.ts";
import { sessionReply } from "@gantry/wire/runner/protocol.ts";
import { startTaskAgent } from "../main.ts";
import { ScriptedRunner } from "../runner-protocol/runner.fixture.ts";

const TOKEN = "platform-token-of-this-test";
const TOKENS = { "runner-token-of-seoul-0": "seoul", "runner-token-of-tokyo-0": "tokyo" };
const PIPELINE = (site: string): string => `
name: to-${site}
title: To ${site}
button: Go
app: none
jobs:
  work: { site: ${site}, steps: [{ id: make, title: Make, run: "true" }] }
`;

const data = await mkdtemp(join(tmpdir(), "gantry-versions-"));
for (const site of ["seoul", "tokyo"]) await writeFile(join(data, `to-${site}.yaml`), PIPELINE(site));
const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const config = { data, portalUrl: "http://portal", token: TOKEN, runnerTokens: TOKENS, pipelines: data };
const agent = await startTaskAgent(config, { logger });
const client = makeAgentClient({ url: agent.url, token: TOKEN });
after(async () => {
  await agent.close();
  await rm(data, { recursive: true });
});

async function post(path: string, body: object, versions?: string, site = "seoul"): Promise<Response> {
  return fetch(`${agent.url}/runner/v1/${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer runner-token-of-${site}-0`,
      "content-type": "application/json",
      ...(versions === undefined ? {} : { "gantry-protocol": versions }),
    },
    body: JSON.stringify(body),
  });
}

function registration(runner: string, site = "seoul"): JsonObject {
  const host = { name: "h", platform: "linux-x64", cpus: 1, memoryMb: 1 };
  const bootId = randomUUID();
  return { runner, bootId, site, labels: [], slots: 1, version: "test", host, systems: [], running: [] };
}

async function protocolOf(answer: Response): Promise<number | undefined> {
  assert.equal(answer.status, 200);
  return sessionReply.parse(await answer.json()).protocol;
}

test("the newest common version is used; a runner that sends no version counts as 0.1", async () => {
  assert.equal(await protocolOf(await post("session", registration("r1"))), 1);
  assert.equal(await protocolOf(await post("session", registration("r2"), "1-2")), 2);
  assert.equal(await protocolOf(await post("session", registration("r3"), "2-7")), 2);
  const names = { me: "Me", peer: "Peer" };
  assert.equal(agreeOn({ oldest: 2, newest: 4 }, "1-3", names), 3);
  assert.throws(() => agreeOn({ oldest: 2, newest: 4 }, "", names), { code: "version-unfit" });
});

test("an incompatible runner is refused with an explanation, and jobs that wait for it show that explanation", async () => {
  const { id } = await client.startTask({ pipeline: "to-tokyo", params: {}, idempotencyKey: "k", principal: "kim" });
  const refused = await post("session", registration("tokyo-1", "tokyo"), "8-9", "tokyo");
  assert.equal(refused.status, 426);
  const { code, title, detail, todo } = problemSchema.parse(await refused.json());
  assert.equal(code, "version-unfit");
  const explanation =
    "Runner tokyo-1 and the task-agent have no protocol version in common. Runner tokyo-1 supports versions 8 to 9 of the protocol, the task-agent supports versions 1 to 2. Update the task-agent. Processes may be at most one release apart.";
  assert.equal([title, detail, todo].join(" "), explanation);
  let task = await client.task(id);
  while (!task.waiting?.text.includes("have no protocol version in common")) task = await client.task(id);
  assert.equal(task.waiting?.text, `Waiting for a runner at tokyo: none has ever registered. ${explanation}`);
  assert.equal((await post("session", registration("tokyo-1", "tokyo"), "newest", "tokyo")).status, 400);
});

test("unknown fields are ignored; an unknown kind of message is refused with its position", async () => {
  const answer = await post("session", { ...registration("r4"), mood: "good", host2: { a: 1 } }, "1-3");
  const { session } = sessionReply.parse(await answer.json());
  assert.equal((await post("poll", { session, freeSlots: 0, waitMs: 0, colour: "red" })).status, 200);
  const unknown = await post("lunch", { session });
  assert.deepEqual([unknown.status, problemSchema.parse(await unknown.json()).code], [404, "not-found"]);
  const runner = await ScriptedRunner.signIn(agent.url, "runner-token-of-seoul-0", "seoul", "r5");
  await client.startTask({ pipeline: "to-seoul", params: {}, idempotencyKey: "k5", principal: "kim" });
  const { ref } = await runner.takeJob();
  await runner.start(ref);
  const progress = { session: runner.session, ref, from: 1, events: [{ kind: "step-hummed", step: "make" }] };
  const hummed = await post("progress", progress);
  assert.equal(hummed.status, 400);
  assert.equal(problemSchema.parse(await hummed.json()).errors?.[0]?.pointer, "/events/0/kind");
  const started = { kind: "step-started", step: "make", tune: "la" };
  assert.equal((await post("progress", { ...progress, events: [started] })).status, 200);
});

test("an incompatible portal or notify-agent is refused with the same explanation", async () => {
  const ask = (versions: string): Promise<Response> =>
    fetch(`${agent.url}/agent/v1/sites`, {
      headers: { authorization: `Bearer ${TOKEN}`, "gantry-protocol": versions },
    });
  assert.equal((await ask("1-9")).status, 200);
  assert.equal((await ask("3-9")).status, 426);
  assert.match(await (await ask("3-9")).text(), /Update the task-agent/);
});
