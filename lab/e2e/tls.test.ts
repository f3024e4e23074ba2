// All four processes over TLS, with a client certificate for the runner; and what each of them refuses without.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { startNotifyAgent } from "@gantry/notify-agent/main.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import { makeCertificates } from "@gantry/runtime/http/certificates.fixture.ts";
import { fetchWithTls } from "@gantry/runtime/http/client-tls.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { startRunner } from "@gantry/task-runner/main.ts";
import { createRunnerClient } from "@gantry/wire/runner/runner-client.ts";

const logger = makeLogger("test", "silent");
const token = "platform-token-of-this-test";
const runnerToken = "runner-token-of-this-test";

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-tls-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test("portal, agents and a runner with a client certificate talk by https; a runner without one is turned away", async (t) => {
  const folder = await folderOf(t);
  makeCertificates(folder, ["server", "runner"]);
  const file = (name: string): string => join(folder, name);
  const tls = { cert: file("server.crt"), key: file("server.key") };
  const ca = file("ca.crt");
  const agent = await startTaskAgent(
    {
      data: file("agent"),
      portalUrl: "https://portal",
      token,
      runnerTokens: { [runnerToken]: "seoul" },
      tls: { ...tls, clientCa: ca },
    },
    { logger },
  );
  t.after(() => agent.close());
  const peer = { url: agent.url, token, ca };
  const notify = await startNotifyAgent({ data: file("notify"), token, agent: peer, tls }, { logger });
  t.after(() => notify.close());
  const portal = await startPortal(
    { dataDir: file("portal"), port: 0, tls, agent: peer, notify: { url: notify.url, token, ca } },
    { logger },
  );
  t.after(() => portal.close());
  const runner = await startRunner(
    {
      name: "seoul-1",
      site: "seoul",
      agent: agent.url,
      token: runnerToken,
      data: file("runner"),
      agentTls: { ca, cert: file("runner.crt"), key: file("runner.key") },
    },
    { logger },
  );
  t.after(() => runner.close());
  await runner.registered;

  const trusting = await fetchWithTls({ ca }, "/");
  const ask = async (path: string): Promise<{ items: { name: string }[] }> => {
    const answer = await trusting(portal.url + path, { headers: { authorization: `Bearer ${portal.adminToken}` } });
    return (await answer.json()) as { items: { name: string }[] };
  };
  assert.match(portal.url, /^https:/);
  assert.deepEqual(
    (await ask("/v1/runners")).items.map(({ name }) => name),
    ["seoul-1"],
  );
  assert.deepEqual((await ask("/v1/inbox")).items, []);
  const without = createRunnerClient({ url: agent.url, token: () => runnerToken, fetch: trusting });
  await assert.rejects(without.poll({ session: "s", waitMs: 0, freeSlots: 1 }), {
    code: "client-certificate-needed",
  });
});

test("a client certificate that ends while its connection is open does not count any more", async (t) => {
  const folder = await folderOf(t);
  makeCertificates(folder, ["server", "runner"]);
  const file = (name: string): string => join(folder, name);
  const ca = file("ca.crt");
  let passedMs = 0;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + passedMs };
  const tls = { cert: file("server.crt"), key: file("server.key"), clientCa: ca };
  const agent = await startTaskAgent(
    { data: file("agent"), portalUrl: "https://portal", token, runnerTokens: { [runnerToken]: "seoul" }, tls },
    { logger, clock },
  );
  t.after(() => agent.close());
  const known = await fetchWithTls({ ca, cert: file("runner.crt"), key: file("runner.key") }, "/agentTls");
  const client = createRunnerClient({ url: agent.url, token: () => runnerToken, fetch: known });
  const poll = () => client.poll({ session: "s", waitMs: 0, freeSlots: 1 });
  await assert.rejects(poll(), { code: "session-gone" });
  passedMs = 31 * 86_400_000;
  await assert.rejects(poll(), { code: "client-certificate-needed" });
});

test("each process refuses plain http to or from other machines when it starts", async (t) => {
  const folder = await folderOf(t);
  const agent = { url: "http://agent.example:7001", token };
  const data = join(folder, "data");
  const refused = async (start: Promise<unknown>, pointer: string): Promise<void> => {
    await assert.rejects(start, (error) => {
      assert.ok(error instanceof GantryError, String(error));
      assert.equal(error.code, "config-invalid");
      assert.deepEqual(
        error.problems.map((problem) => problem.pointer),
        [pointer],
      );
      assert.match(String(error.details.problem), /plain HTTP.*allowPlainHttp: true/);
      return true;
    });
  };
  await refused(startTaskAgent({ data, portalUrl: "http://p", token, host: "0.0.0.0" }, { logger }), "/host");
  await refused(startNotifyAgent({ data, token, agent }, { logger }), "/agent/url");
  await refused(startPortal({ dataDir: data, agent }, { logger }), "/agent/url");
  const runner = { name: "r", site: "s", agent: agent.url, token: runnerToken, data };
  await refused(startRunner(runner, { logger }), "/agent");
});

test("a Redis on another machine without password or TLS is refused, unless the configuration allows it", async (t) => {
  const data = join(await folderOf(t), "data");
  const start = (journal: object) =>
    startTaskAgent(
      { data, portalUrl: "http://p", token, journal: { kind: "redis", address: "redis.invalid:6379", ...journal } },
      { logger },
    );
  const problems = async (journal: object): Promise<string> => {
    try {
      await start(journal);
      return "started";
    } catch (error) {
      assert.ok(error instanceof GantryError, String(error));
      return [error.code, ...error.problems.map(({ pointer }) => pointer)].join(" ");
    }
  };
  assert.equal(await problems({}), "config-invalid /journal/password /journal/tls");
  assert.equal(await problems({ password: "p" }), "config-invalid /journal/tls");
  assert.equal(await problems({ tls: true }), "config-invalid /journal/password");
  assert.equal(
    await problems({ address: undefined, sentinels: ["s.invalid:1"], sentinelName: "m", password: "p" }),
    "config-invalid /journal/tls",
  );
  assert.equal(await problems({ allowInsecure: true }), "store-unreachable");
  assert.equal(await problems({ password: "p", tls: true }), "store-unreachable");
});
