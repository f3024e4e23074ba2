// Callbacks as the notify-agent delivers them: a fake feed, and receivers over real HTTP.

import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { CallbackView } from "@gantry/wire/notify/views.ts";
import { parseConfig } from "./config.ts";
import { AGENT_TOKEN, ended, get, TOKEN, until } from "./notify.fixture.ts";
import { startTestEnvironment } from "./notify-process.fixture.ts";

const KEY = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const CALLBACKS = { key: KEY, hosts: ["127.0.0.1", "localhost"], allow: ["127.0.0.0/8", "localhost"] };

/** Counts what arrives. `answers: false`: it takes the request and says nothing. */
async function receiver(t: TestContext, { answers }: { readonly answers: boolean }) {
  const got: string[] = [];
  const first = Promise.withResolvers<void>();
  const server: Server = createServer((request, response) => {
    got.push(String(request.headers["webhook-id"]));
    first.resolve();
    if (answers) response.end("thanks");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, got, first: first.promise };
}

async function callbacksOf(url: string, task: string): Promise<readonly CallbackView[]> {
  return (await get<{ items: CallbackView[] }>(url, `tasks/${task}/callbacks`)).items;
}

test("A20: a receiver that never answers does not hold up what is for another host", async (t) => {
  const silent = await receiver(t, { answers: false });
  const quick = await receiver(t, { answers: true });
  const env = await startTestEnvironment(t, { callbacks: CALLBACKS, channels: {}, rules: [] });
  const agent = await env.start();
  env.feed.add({ ...ended("succeeded"), told: [`http://127.0.0.1:${silent.port}/`] });
  await silent.first;
  env.feed.add({ ...ended("failed"), told: [`http://localhost:${quick.port}/`] }, { task: "t02" });
  const [told] = await until(agent.journal, async () => {
    const items = await callbacksOf(agent.url, "t02");
    return items.some(({ state }) => state === "delivered") ? items : undefined;
  });
  assert.equal(told?.tries, 1);
  assert.equal((await callbacksOf(agent.url, "t01"))[0]?.state, "pending");
  assert.deepEqual(await callbacksOf(agent.url, "t0"), [], "a part of an id is not the id");
});

test("A20: without `callbacks` in the configuration nobody is told, and the task says why", async (t) => {
  const receives = await receiver(t, { answers: true });
  const env = await startTestEnvironment(t, { channels: {}, rules: [] });
  const agent = await env.start();
  env.feed.add({ ...ended("succeeded"), told: [`http://127.0.0.1:${receives.port}/`] });
  const [callback] = await until(agent.journal, async () => {
    const items = await callbacksOf(agent.url, "t01");
    return items.length > 0 ? items : undefined;
  });
  assert.equal(callback?.state, "refused");
  assert.match(callback.problem ?? "", /callbacks are not set up/);
  assert.deepEqual(receives.got, []);
});

test("A20: mistakes in `callbacks` prevent the start, and no rule can use its channel", () => {
  const config = { token: TOKEN, agent: { url: "http://127.0.0.1:9", token: AGENT_TOKEN } };
  const problemsOf = (more: object): string => {
    try {
      parseConfig({ ...config, ...more }, {});
    } catch (error) {
      if (error instanceof GantryError) return String(error.details.problem);
      throw error;
    }
    return "";
  };
  assert.equal(problemsOf({ callbacks: CALLBACKS }), "");
  assert.match(problemsOf({ callbacks: { ...CALLBACKS, key: "short" } }), /\/callbacks\/key.*whsec_/);
  assert.match(problemsOf({ callbacks: { ...CALLBACKS, hosts: [] } }), /\/callbacks\/hosts/);
  assert.match(problemsOf({ callbacks: { ...CALLBACKS, key: { env: "NO_SUCH" } } }), /NO_SUCH is not set/);
  assert.match(problemsOf({ channels: { callback: { kind: "mail" } } }), /use `callbacks`/);
  const send = [{ channel: "callback" }];
  const rules = [{ name: "one", when: "true", oncePer: "task.id", send }];
  assert.match(problemsOf({ callbacks: CALLBACKS, rules }), /There is no channel callback/);
});
