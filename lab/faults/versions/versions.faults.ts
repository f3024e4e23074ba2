// The previous and the current release together, as processes: every pair of agent and runner, agents that are replaced by
// the other release during the work, and portals and notify-agents of one release with agents of the other.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { noRedis, redisFor } from "../redis/server.ts";
import { checkOutOlder, noOlder, OLDER, type OlderTree } from "./older.ts";
import { freePort, runTasks, Stage, TOKEN, untilReady } from "./processes.ts";

const NOW = fileURLToPath(new URL("../../..", import.meta.url));
const TASKS = 100;

describe(`Gantry ${OLDER.version} and the current version`, { skip: noOlder() }, () => {
  let older: OlderTree;
  before(() => {
    older = checkOutOlder();
  });
  after(() => older?.remove());
  const rootOf = (release: "older" | "newer"): string => (release === "older" ? older.root : NOW);

  for (const agentOf of ["older", "newer"] as const) {
    for (const runnerOf of ["older", "newer"] as const) {
      test(`${TASKS} tasks with the ${agentOf} agent and the ${runnerOf} runner`, async (t) => {
        const stage = await Stage.open();
        t.after(() => stage.close());
        const port = await freePort();
        const url = `http://127.0.0.1:${port}`;
        const agent = await stage.start(rootOf(agentOf), "task-agent", stage.agentConfig(port));
        await untilReady(url, agent);
        const runner = await stage.start(rootOf(runnerOf), "task-runner", stage.runnerConfig("seoul-1", url));
        assert.deepEqual(await runTasks(url, TASKS, "k"), { succeeded: TASKS });
        assert.equal((await runner.stop()).code, 0);
        assert.equal((await agent.stop()).code, 0);
      });
    }
  }

  test("the agent is replaced by the newer one while tasks run; the older one then refuses the newer journal", async (t) => {
    const stage = await Stage.open("sleep 0.05");
    t.after(() => stage.close());
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const config = stage.agentConfig(port);
    const first = await stage.start(rootOf("older"), "task-agent", config);
    await untilReady(url, first);
    await stage.start(rootOf("older"), "task-runner", stage.runnerConfig("seoul-1", url));
    await stage.start(rootOf("newer"), "task-runner", stage.runnerConfig("seoul-2", url));
    assert.deepEqual(await runTasks(url, TASKS / 2, "before"), { succeeded: TASKS / 2 });
    const ids = await requestOnly(url, TASKS / 2);
    assert.equal((await first.stop()).code, 0);
    const second = await stage.start(rootOf("newer"), "task-agent", config);
    await untilReady(url, second);
    await allSucceed(url, ids);
    assert.deepEqual(await runTasks(url, TASKS / 2, "after"), { succeeded: TASKS / 2 });
    assert.equal((await second.stop()).code, 0);
    const back = await (await stage.start(rootOf("older"), "task-agent", config)).ended;
    assert.equal(back.code, 2, "the journal has a newer layout, and an older agent does not touch it");
    assert.match(back.said, /was written by a newer version of Gantry/);
  });

  test("two agents on one Redis, one of each release; then each is replaced by the other, and back", {
    skip: noRedis,
  }, async (t) => {
    const redis = await redisFor(t);
    const stage = await Stage.open();
    t.after(() => stage.close());
    const journal = { kind: "redis", address: `127.0.0.1:${redis.port}`, waitReplicas: 0 };
    const ports = { a: await freePort(), b: await freePort() };
    const urls = { a: `http://127.0.0.1:${ports.a}`, b: `http://127.0.0.1:${ports.b}` };
    const begin = async (name: "a" | "b", release: "older" | "newer") => {
      const more = { name, data: join(stage.folder, name), journal };
      const agent = await stage.start(rootOf(release), "task-agent", stage.agentConfig(ports[name], more));
      await untilReady(urls[name], agent);
      return agent;
    };
    let [a, b] = [await begin("a", "older"), await begin("b", "newer")];
    await stage.start(rootOf("newer"), "task-runner", stage.runnerConfig("seoul-1", urls.a));
    await stage.start(rootOf("older"), "task-runner", stage.runnerConfig("seoul-2", urls.b));
    const both = async (round: string): Promise<void> => {
      const count = TASKS / 2;
      const done = await Promise.all([runTasks(urls.a, count, `${round}-a`), runTasks(urls.b, count, `${round}-b`)]);
      assert.deepEqual(done, [{ succeeded: count }, { succeeded: count }]);
    };
    await both("mixed");
    assert.equal((await a.stop()).code, 0);
    a = await begin("a", "newer");
    await both("newer");
    assert.equal((await b.stop()).code, 0);
    b = await begin("b", "older");
    await both("back");
    for (const agent of [a, b]) assert.equal((await agent.stop()).code, 0);
  });

  for (const agentOf of ["older", "newer"] as const) {
    const others = agentOf === "older" ? "newer" : "older";
    test(`portal and notify-agent of the ${others} release with the ${agentOf} agent`, async (t) => {
      const stage = await Stage.open();
      t.after(() => stage.close());
      const [agentPort, notifyPort, portalPort] = [await freePort(), await freePort(), await freePort()];
      const [url, notifyUrl, portalUrl] = [agentPort, notifyPort, portalPort].map((port) => `http://127.0.0.1:${port}`);
      assert.ok(url && notifyUrl && portalUrl);
      const agent = await stage.start(rootOf(agentOf), "task-agent", stage.agentConfig(agentPort));
      await untilReady(url, agent);
      await stage.start(rootOf(agentOf), "task-runner", stage.runnerConfig("seoul-1", url));
      const peer = { url, token: TOKEN };
      const quiet = { logLevel: "silent" };
      const notifyConfig = {
        data: join(stage.folder, "notify"),
        port: notifyPort,
        token: TOKEN,
        agent: peer,
        ...quiet,
      };
      await stage.start(rootOf(others), "notify-agent", notifyConfig);
      const notify = { url: notifyUrl, token: TOKEN };
      const portalConfig = { dataDir: join(stage.folder, "portal"), port: portalPort, agent: peer, notify, ...quiet };
      await untilReady(portalUrl, await stage.start(rootOf(others), "portal-api", portalConfig));
      await assertServes(portalUrl, join(stage.folder, "portal/admin-token"));
    });
  }
});

async function requestOnly(url: string, count: number): Promise<readonly string[]> {
  const client = makeAgentClient({ url, token: TOKEN });
  const starts = Array.from({ length: count }, (_, at) =>
    client.startTask({ pipeline: "release", params: {}, idempotencyKey: `during-${at}`, principal: "kim" }),
  );
  return (await Promise.all(starts)).map(({ id }) => id);
}

async function allSucceed(url: string, ids: readonly string[]): Promise<void> {
  const client = makeAgentClient({ url, token: TOKEN });
  for (const id of ids) {
    for (let { last } = await client.feed({ limit: 1 }); ; ) {
      const { state } = await client.task(id);
      if (state === "succeeded") break;
      assert.ok(["queued", "waiting", "running"].includes(state), `${id} is ${state}`);
      last = (await client.feed({ after: last, limit: 100, waitMs: 1_000 })).last;
    }
  }
}

/** Typical requests of users: start a task, view it, follow it, read the inbox. */
async function assertServes(portal: string, tokenFile: string): Promise<void> {
  const token = (await readFile(tokenFile, "utf8")).trim();
  const ask = async (path: string, body?: object): Promise<{ status: number; content: Record<string, unknown> }> => {
    const answer = await fetch(`${portal}${path}`, {
      method: body ? "POST" : "GET",
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/json",
        ...(body ? { "content-type": "application/json", "idempotency-key": crypto.randomUUID() } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: answer.status, content: (await answer.json()) as Record<string, unknown> };
  };
  const started = await ask("/v1/tasks", { pipeline: "release", params: {} });
  assert.equal(started.status, 202);
  const { id } = started.content;
  while ((await ask(`/v1/tasks/${id}`)).content.state !== "succeeded") await delay(50);
  for (const path of ["/v1/tasks", "/v1/sites", "/v1/runners", "/v1/pipelines", "/v1/apps", `/v1/tasks/${id}/events`])
    assert.equal((await ask(path)).status, 200, path);
  while (((await ask("/v1/inbox")).content.items as unknown[]).length === 0) await delay(100);
}
