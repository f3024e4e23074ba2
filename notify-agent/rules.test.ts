// Rules from the definitions in force.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startNotifyAgent } from "./main.ts";
import { AGENT_TOKEN, deliveries, ended, TOKEN } from "./notify.fixture.ts";
import { startTestEnvironment } from "./notify-process.fixture.ts";

const rule = (name: string, channel: string) => ({
  file: "rules/ours.yaml",
  text: `rules:\n  - name: ${name}\n    when: event.kind == "TaskEnded"\n    oncePer: event.outcome\n    send: [{ channel: ${channel} }]\n`,
});

test("rules of the definitions are followed: events wait for the first ones, and a mistake leaves the last ones in force", async (t) => {
  const env = await startTestEnvironment(t, { rulesFromDefinitions: true });
  const agent = await env.start();
  const problem = async (): Promise<string> =>
    ((await (await fetch(`${agent.url}/readyz`)).json()) as { problems?: string[] }).problems?.join() ?? "";
  const until = async (isDone: () => Promise<boolean>): Promise<void> => {
    while (!(await isDone())) {
      env.clock.advance(5_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const keys = async (): Promise<string> =>
    (await deliveries(agent.url))
      .map(({ key }) => key)
      .toSorted()
      .join();

  env.feed.add(ended("succeeded"));
  assert.match(await problem(), /The rules have not been read from the task-agent yet. Events wait for them./);
  env.feed.setRules([rule("first", "inbox")]);
  await until(async () => (await keys()) === "first/succeeded/inbox");
  assert.equal(await problem(), "");

  env.feed.setRules([rule("second", "pager")]);
  await until(async () => (await problem()) !== "");
  assert.equal(
    await problem(),
    "The rules of the definitions do not fit this notify-agent: rules/ours.yaml:5: rules.0.send.0: there is no channel pager. The last valid ones stay in force.",
  );
  env.feed.add(ended("failed"));
  await until(async () => (await keys()) === "first/failed/inbox,first/succeeded/inbox");

  env.feed.setRules([rule("third", "inbox")]);
  await until(async () => (await problem()) === "");
  env.feed.add(ended("errored"));
  await until(async () => (await keys()).includes("third/errored/inbox"));
  assert.doesNotMatch(await keys(), /first\/errored/);

  env.feed.setRules([]);
  await until(async () => {
    env.feed.add(ended("canceled"), { task: "t02" });
    return (await keys()).includes("task-ended/t02/inbox");
  });
});

test("rules in the configuration and rules of the definitions exclude each other", async () => {
  const rules = [{ name: "a", when: "true", oncePer: "task.id", send: [{ channel: "inbox" }] }];
  const agent = { url: "http://localhost:1", token: AGENT_TOKEN };
  await assert.rejects(startNotifyAgent({ token: TOKEN, agent, rules, rulesFromDefinitions: true }), {
    details: { problem: "/rules: `rules` and `rulesFromDefinitions` are both given: remove one of them." },
  });
});
