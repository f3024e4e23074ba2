// Task-agents on one store, over real HTTP, and an attacker who has the token of one site. The victim's site is seoul. Two
// agents share a real Redis.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import type { Journal } from "@gantry/journal/journal.ts";
import { type MemoryStore, newMemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { openRedisJournal } from "@gantry/journal/redis/redis.ts";
import { noRedis, type RedisServer, startRedis } from "@gantry/lab/faults/redis/server.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import { createApp } from "@gantry/runtime/http/app.ts";
import { type Listening, listen } from "@gantry/runtime/http/listen.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { JobRef, SessionRequest } from "@gantry/wire/runner/protocol.ts";
import { FENCE_KEY } from "../agent.fixture.ts";
import { type Agent, openAgent } from "../agent.ts";
import { portalRoutes } from "../api/portal-routes.ts";
import { openRunnerAdmission } from "../api/runner-admission.ts";
import { runnerRoutes } from "../api/runner-routes.ts";
import { type AgentConfigInput, agentConfig, siteTokensOf } from "../config.ts";
import { NO_OWN_PIPELINES } from "../definitions/own-pipelines.ts";
import { limitLogs } from "../logs/log-limits.ts";
import { openLogStore } from "../logs/log-store.ts";
import { type Claimed, type Identity, ScriptedRunner } from "../runner-protocol/runner.fixture.ts";
import { NO_SETTINGS_STORE, type Settings } from "../settings/settings.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { definitionsOf, type SITES } from "./pipelines.fixture.ts";

const PLATFORM_TOKEN = "platform-token-of-this-test";
const TOKENS: { readonly [site in Site]: string } = {
  seoul: "runner-token-of-seoul-0",
  busan: "runner-token-of-busan-0",
};
export type Site = (typeof SITES)[number];

/** How many agents there are, and whether they know their runners from their own memory. */
export const SETUPS = ["one agent", "one agent after a restart", "two agents on Redis"] as const;
export type Setup = (typeof SETUPS)[number];

/**
 * Options of the tests of a setup: why they have to be skipped on this machine. Call it where the tests of a file are
 * declared: what they need ends with that file.
 */
export function needs(setup: Setup): { readonly skip: string | false } {
  if (setup !== "two agents on Redis") return { skip: false };
  after(endRedis);
  return { skip: noRedis };
}

/** One Redis for all tests of a file; each has its own keys. */
let redis: Promise<RedisServer> | undefined;

async function endRedis(): Promise<void> {
  const started = redis;
  redis = undefined;
  await (await started)?.dispose();
}

type Member = { readonly agent: Agent; readonly server: Listening; readonly close: () => Promise<void> };

/** What the agents share. */
type Store = {
  readonly open: (clock: Clock) => Promise<Journal>;
  /** Everything in it about tasks, runners and fences, as text that can be compared. */
  readonly content: () => Promise<string>;
};
export type Answer = {
  readonly status: number;
  /** Of an error; else empty. */
  readonly code: string;
  readonly body: { readonly [field: string]: unknown };
  readonly retryAfter: string | null;
};

export class AttackBench {
  /** Lines of the alarms that were raised. */
  readonly alarms: string[] = [];
  readonly #logs = mkdtempSync(join(tmpdir(), "gantry-attack-"));
  readonly #store: Store;
  readonly #setup: Setup;
  readonly #config: Partial<AgentConfigInput>;
  readonly #scripts: Readonly<Record<string, string>>;
  /** Of each agent: a restarted one is at the same address. */
  readonly #ports = new Map<string | undefined, number>();
  #members: Member[] = [];
  #passedMs = 0;

  private constructor(setup: Setup, config: Partial<AgentConfigInput>, scripts: Readonly<Record<string, string>>) {
    this.#setup = setup;
    this.#config = config;
    this.#scripts = scripts;
    this.#store = setup === "two agents on Redis" ? redisStore() : memoryStore();
  }

  /** `scripts`: the steps of the pipeline `scripts`, for busan. */
  static async open(
    t: TestContext,
    setup: Setup,
    config: Partial<AgentConfigInput> = {},
    scripts: Readonly<Record<string, string>> = {},
  ): Promise<AttackBench> {
    const bench = new AttackBench(setup, config, scripts);
    await bench.#begin();
    t.after(async () => {
      await bench.#end();
      rmSync(bench.#logs, { recursive: true });
    });
    return bench;
  }

  /** The agent at which the victim is signed in. */
  get #first(): Member {
    const [first] = this.#members;
    if (!first) throw new Error("no agent runs");
    return first;
  }

  get client(): AgentClient {
    return makeAgentClient({ url: this.#first.server.url, token: PLATFORM_TOKEN });
  }

  /** What a portal and a runner of busan need to reach the agent where the victim is not signed in, if there is one. */
  get attackedAgent(): { readonly url: string; readonly portalToken: string; readonly runnerToken: string } {
    return { url: this.#attacked.server.url, portalToken: PLATFORM_TOKEN, runnerToken: TOKENS.busan };
  }

  /** The wall clock of the agents. */
  passTime(ms: number): void {
    this.#passedMs += ms;
  }

  /** Takes a runner out of service, at the agent where the victim is not signed in, if there is one. */
  async remove(runner: string): Promise<void> {
    const { server } = this.#attacked;
    const answer = await fetch(`${server.url}/agent/v1/runners/${runner}/remove`, {
      method: "POST",
      headers: { authorization: `Bearer ${PLATFORM_TOKEN}` },
    });
    assert.equal(answer.status, 204);
  }

  /** To be called once the victim is at work: from here on the attacker's agent may not know the victim's session. */
  async turnToAttack(): Promise<void> {
    if (this.#setup !== "one agent after a restart") return;
    await this.#end();
    await this.#begin();
    // Connections to the agent before it are found to be closed when they are used.
    await this.settled(() => this.client.sites().then(Boolean, () => false));
  }

  signIn(
    site: Site,
    name: string,
    running: SessionRequest["running"] = [],
    as: Identity = {},
  ): Promise<ScriptedRunner> {
    return ScriptedRunner.signIn(this.#first.server.url, TOKENS[site], site, name, running, as);
  }

  get url(): string {
    return this.#first.server.url;
  }

  signInWith(token: string, site: Site, name: string): Promise<ScriptedRunner> {
    return ScriptedRunner.signIn(this.url, token, site, name);
  }

  /** The attacker, with busan's token, at the agent where the victim is not signed in, if there is one. */
  attacker(name: string): Promise<ScriptedRunner> {
    return ScriptedRunner.signIn(this.#attacked.server.url, TOKENS.busan, "busan", name);
  }

  async request(site: Site | "scripts", params: StartTask["params"] = {}): Promise<string> {
    const asked = { pipeline: site, params, idempotencyKey: randomUUID(), principal: "dev" };
    return (await this.client.startTask(asked)).id;
  }

  /** A task that no runner takes. The task-agent stores a moment later why it waits, which is no effect of an attack. */
  async requestThatWaits(site: Site): Promise<string> {
    const id = await this.request(site);
    await this.settled(async () => (await this.client.task(id)).jobs.some(({ waiting }) => waiting !== undefined));
    return id;
  }

  /** A runner of seoul that has started a job. */
  async victim(name = "seoul-1"): Promise<{ readonly runner: ScriptedRunner; readonly job: Claimed }> {
    await this.request("seoul");
    const runner = await this.signIn("seoul", name);
    const taken = await runner.takeJob();
    await runner.start(taken.ref);
    return { runner, job: taken };
  }

  /** A call of the runner protocol with the attacker's token. */
  async call(path: string, body: object, token: string = TOKENS.busan): Promise<Answer> {
    return this.#post(path, JSON.stringify(body), "application/json", token);
  }

  /** The same with the token of a site. */
  callAs(site: Site, path: string, body: object): Promise<Answer> {
    return this.call(path, body, TOKENS[site]);
  }

  /**
   * Begins requests whose bodies never come, of so many bytes (default: 100) or of any length, without a token unless a site is given.
   * Resolves when so many of them have got a 429; the returned function breaks the others off.
   */
  async slowBodies(
    count: number,
    path: string,
    { refused, site, length = 100 }: { refused: number; site?: Site; length?: number | "chunked" },
  ): Promise<() => void> {
    const headers = {
      "content-type": "application/json",
      ...(site === undefined ? {} : { authorization: `Bearer ${TOKENS[site]}` }),
      ...(length === "chunked" ? { "transfer-encoding": "chunked" } : { "content-length": String(length) }),
    };
    let left = refused;
    const all = Promise.withResolvers<void>();
    const sent = Array.from({ length: count }, () => {
      const one = request(`${this.#attacked.server.url}/runner/v1/${path}`, { method: "POST", headers, agent: false });
      one.on("error", () => {}); // It was broken off.
      one.on("response", (answer: IncomingMessage) => {
        if (answer.statusCode !== 429) all.reject(new Error(`${answer.statusCode}`));
        left -= 1;
        if (left === 0) all.resolve();
      });
      one.flushHeaders();
      return one;
    });
    await all.promise;
    return () => {
      for (const one of sent) one.destroy();
    };
  }

  /** The same from another address of this machine. */
  async callFrom(localAddress: string, path: string, body: object): Promise<{ readonly status: number }> {
    const headers = { "content-type": "application/json" };
    const sent = request(`${this.#attacked.server.url}/runner/v1/${path}`, { method: "POST", headers, localAddress });
    sent.end(JSON.stringify(body));
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    answer.resume();
    return { status: answer.statusCode ?? 0 };
  }

  /** What one agent has committed reaches the other within milliseconds. */
  async settled(isSettled: () => Promise<boolean>): Promise<void> {
    while (!(await isSettled())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async log(
    session: string,
    { task, job: key, attempt, fence }: JobRef,
    step: string,
    bytes: Buffer,
    crc: number,
    token: string = TOKENS.busan,
  ): Promise<Answer> {
    const query = new URLSearchParams({ session, fence: String(fence), offset: "0", crc: String(crc) });
    const path = ["logs", task, key, String(attempt), step].map(encodeURIComponent).join("/");
    return this.#post(`${path}?${query}`, new Uint8Array(bytes), "application/octet-stream", token);
  }

  /** Everything in the store about tasks, runners and fences. */
  async state(): Promise<string> {
    const files = readdirSync(this.#logs, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    const logs = files.map(({ parentPath, name }) => [parentPath, name, statSync(join(parentPath, name)).size]);
    return JSON.stringify([await this.#store.content(), logs], undefined, 1);
  }

  /** Nothing is stored that was not there before. */
  async unchanged(attack: () => Promise<void>): Promise<void> {
    const before = await this.state();
    await attack();
    assert.equal(await this.state(), before);
  }

  get #attacked(): Member {
    return this.#members.at(-1) ?? this.#first;
  }

  async #post(path: string, body: string | Uint8Array<ArrayBuffer>, type: string, token: string): Promise<Answer> {
    const answer = await fetch(`${this.#attacked.server.url}/runner/v1/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": type },
      body,
    });
    const content = (await answer.json()) as { code?: string; [field: string]: unknown };
    const { status, headers } = answer;
    return { status, code: content.code ?? "", body: content, retryAfter: headers.get("retry-after") };
  }

  async #begin(): Promise<void> {
    const names = this.#setup === "two agents on Redis" ? ["first", "second"] : [undefined];
    for (const name of names) this.#members.push(await this.#open(name));
  }

  async #end(): Promise<void> {
    const members = this.#members;
    this.#members = [];
    for (const member of members) await member.close();
  }

  async #open(name: string | undefined): Promise<Member> {
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + this.#passedMs };
    const journal = await this.#store.open(clock);
    const silent = (): void => {};
    const error = (fields: object, text: string): void => {
      if ("alarm" in fields) this.alarms.push(`${String(fields.alarm)}: ${text}`);
    };
    const logger = { debug: silent, info: silent, warn: silent, error };
    const config = agentConfig.parse({
      data: "/",
      portalUrl: "http://portal",
      token: PLATFORM_TOKEN,
      runnerTokens: Object.fromEntries(Object.entries(TOKENS).map(([site, token]) => [token, site])),
      ...this.#config,
    });
    const agent = await openAgent({
      config,
      journal,
      definitions: definitionsOf(this.#scripts),
      logs: limitLogs(openLogStore(this.#logs, clock, { shared: name !== undefined }), this.#logs, config.limits),
      logger,
      clock,
      newId: randomUUID,
      fenceKey: FENCE_KEY,
      ...(name === undefined ? {} : { name }),
    });
    const app = createApp({ name: "task-agent", logger });
    app.use(
      runnerRoutes({
        protocol: agent.protocol,
        logs: agent.logs,
        tokens: siteTokensOf(config),
        identities: agent.identities,
        admission: openRunnerAdmission(clock, config.limits),
      }),
    );
    const portal = portalRoutes({
      ...agent,
      journal,
      settings: NO_SETTINGS_STORE as Settings,
      definitionSet: { view: notServed, part: notServed, sync: notServed },
      ownPipelines: NO_OWN_PIPELINES,
      templates: {
        view: notServed,
        sync: notServed,
        offers: async () => ({}),
        clusters: async () => [],
        knownClusters: async () => () => undefined,
        tick: notServed,
      },
      proposals: { start: notServed, read: notServed },
      deliveries: { receive: notServed, redeliver: notServed, read: notServed, list: notServed },
      polling: { sources: notServed },
      triggers: {
        list: notServed,
        view: notServed,
        pause: notServed,
        resume: notServed,
        run: notServed,
        ticks: [],
      },
      portalUrl: config.portalUrl,
      token: config.token,
      newId: randomUUID,
      paramsBytes: config.limits.paramsBytes,
      onCancel: agent.protocol.cancel,
      onRemove: agent.protocol.remove,
    });
    app.use(portal.routes());
    const server = await listen(app, { host: "127.0.0.1", port: this.#ports.get(name) ?? 0 });
    this.#ports.set(name, Number(new URL(server.url).port));
    const close = async (): Promise<void> => {
      const closed = server.close();
      agent.wakePolls();
      await closed;
      await agent.close();
      await agent.logs.close();
      await journal.close();
    };
    return { agent, server, close };
  }
}

const notServed = async (): Promise<never> => assert.fail("the attacks do not ask for definitions");

function memoryStore(): Store {
  const store: MemoryStore = newMemoryStore();
  return {
    open: async (clock) => openMemoryJournal({ indexes: AGENT_INDEXES, clock, store }),
    content: async () => JSON.stringify([...store.streams].filter(([name]) => !CHANGES_BY_ITSELF.test(name))),
  };
}

function redisStore(): Store {
  redis ??= startRedis();
  const server = redis;
  const prefix = `attack-${randomUUID()}`;
  return {
    open: async () => openRedisJournal({ address: await server, indexes: AGENT_INDEXES, prefix }),
    content: async () => {
      const reply = await (await server).command("EVAL", CONTENT, "0", prefix);
      assert.match(reply, /^[$]/, reply);
      const entries = JSON.parse(reply.slice(reply.indexOf("\n"))) as readonly (readonly [string, unknown])[];
      const lasting = entries.filter(([key]) => !CHANGES_BY_ITSELF.test(key.slice(key.indexOf(":stream:") + 8)));
      return JSON.stringify(lasting);
    },
  };
}

/** Streams that agents write every second. */
const CHANGES_BY_ITSELF = /^agent\/(peer|leases)/;

/** All streams and the seqs of their events. The index of agents changes by itself; every other one follows from a stream. */
const CONTENT = `
local found = {}
for _, key in ipairs(redis.call('KEYS', '{' .. ARGV[1] .. '}:stream:*')) do
  found[#found + 1] = { key, redis.call('HGET', key, 'v'), redis.call('HGET', key, 's') }
end
for _, key in ipairs(redis.call('KEYS', '{' .. ARGV[1] .. '}:events:*')) do
  found[#found + 1] = { key, redis.call('LRANGE', key, 0, -1) }
end
table.sort(found, function(a, b) return a[1] < b[1] end)
return cjson.encode(found)`;

/** What a runner says when it registers. */
export function registration(part: Partial<SessionRequest> = {}): SessionRequest {
  return {
    runner: "busan-1",
    bootId: randomUUID(),
    site: "busan",
    labels: [],
    slots: 2,
    version: "test",
    host: { name: "test", platform: "test", cpus: 1, memoryMb: 1 },
    systems: [],
    running: [],
    ...part,
  };
}
