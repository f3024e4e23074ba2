// Tests of the HTTP API of the notify-agent; notify.test.ts runs them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AGENT_TOKEN, ended, get, inbox, TOKEN } from "../notify.fixture.ts";
import { settled, startTestEnvironment } from "../notify-process.fixture.ts";

export function overHttp(): void {
  describe("over HTTP", () => {
    test("the inbox can be followed by id", async (t) => {
      const env = await startTestEnvironment(t);
      const agent = await env.start();
      const first = inbox(agent.url, "?after=&wait=10000");
      env.feed.add(ended("failed"));
      const [one] = await first;
      assert.ok(one);
      assert.equal(one.url, "https://portal.example/tasks/t01");
      const next = inbox(agent.url, `?after=${one.id}&wait=10000`);
      env.feed.add(ended("succeeded"), { task: "t02" });
      assert.deepEqual(
        (await next).map((item) => item.task),
        ["t02"],
      );
      assert.deepEqual(await inbox(agent.url, `?after=${(await next)[0]?.id}`), []);
    });

    test("pages are newest first", async (t) => {
      const env = await startTestEnvironment(t, { channels: {}, rules: undefined });
      const agent = await env.start();
      for (let n = 1; n <= 7; n += 1) env.feed.add(ended("failed"), { task: `t${n}` });
      await settled(agent, 7);
      const seen: string[] = [];
      let cursor = "";
      do {
        const page = await get<{ items: { task: string }[]; nextCursor?: string }>(agent.url, `inbox?limit=3${cursor}`);
        seen.push(...page.items.map((item) => item.task));
        cursor = page.nextCursor ? `&cursor=${page.nextCursor}` : "";
      } while (cursor !== "");
      assert.deepEqual(seen, ["t7", "t6", "t5", "t4", "t3", "t2", "t1"]);
    });

    test("a channel can be tested", async (t) => {
      const env = await startTestEnvironment(t);
      const agent = await env.start();
      const ask = (name: string, token = TOKEN): Promise<Response> =>
        fetch(`${agent.url}/notify/v1/channels/${name}/test`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}` },
        });
      assert.deepEqual(await (await ask("ops")).json(), { kind: "delivered" });
      assert.match((await env.messages())[0]?.title ?? "", /^✓ Test message of Gantry on ops/);
      env.messenger.faults.add({ kind: "status", status: 404, body: "no_service", match: "slack", times: 1 });
      assert.deepEqual(await (await ask("ops")).json(), { kind: "refused", problem: "status 404: no_service" });
      assert.equal((await ask("nobody")).status, 404);
      assert.equal((await ask("ops", "wrong-token-wrong-token")).status, 401);
    });

    test("everything but health and metrics requires the token; invalid queries are refused", async (t) => {
      const env = await startTestEnvironment(t);
      const agent = await env.start();
      for (const path of ["inbox", "deliveries"]) {
        assert.equal((await fetch(`${agent.url}/notify/v1/${path}`)).status, 401);
        await assert.rejects(get(agent.url, path, AGENT_TOKEN), /401/);
      }
      for (const query of [
        "limit=0",
        "limit=x",
        "cursor=%%",
        "cursor=x",
        "after=abc",
        "wait=5",
        "after=1&cursor=x",
        "x=1",
      ]) {
        await assert.rejects(get(agent.url, `inbox?${query}`), /400/, query);
      }
      env.feed.add(ended("failed"));
      await settled(agent, 3);
      assert.equal((await fetch(`${agent.url}/livez`)).status, 200);
      assert.equal((await fetch(`${agent.url}/readyz`)).status, 200);
      const metrics = await (await fetch(`${agent.url}/metrics`)).text();
      assert.match(metrics, /gantry_notifications_total\{channel="ops",result="delivered"\} 1/);
      assert.match(metrics, /gantry_feed_up 1/);
      assert.doesNotMatch(metrics, /t01/);
    });
  });
}
