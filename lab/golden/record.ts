// Records the data and messages of a release, so that tests can show that every later release understands them:
//
//   node lab/golden/record.ts FOLDER          (run in the tree of that release; needs redis-server)
//
//   task-agent.sql, notify-agent.sql, portal-api.sql    SQLite journals, as SQL text
//   redis.json             a Redis journal, as the commands that restore it; every argument in base64
//   messages.json          the messages between a runner and the task-agent
//   views.json             the task views and the feed of the task-agent
//   task-runner.jsonl      the journal of a runner that was killed during a job
//   facts.json             facts about the other files that the test needs

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { startNotifyAgent } from "@gantry/notify-agent/main.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import type { FeedPage } from "@gantry/wire/agent/agent-api.ts";
import type { JobRef, PollReply } from "@gantry/wire/runner/protocol.ts";

export const TOKEN = "platform-token-of-the-golden-journal";
export const RUNNER_TOKEN = "runner-token-of-the-golden-journal";
const RUNNER = fileURLToPath(new URL("../../task-runner/main.ts", import.meta.url));

const PIPELINES = {
  safe: 'build: { site: seoul, mode: strict, retrySafe: true, outputs: { image: "${{ steps.make.outputs.image }}" }, steps: [{ id: make, title: Make, run: "true" }, { id: tell, title: Tell, run: "true" }] }',
  once: 'build: { site: seoul, mode: strict, retrySafe: false, steps: [{ id: make, title: Make, run: "true" }] }',
  long: 'build: { site: tokyo, steps: [{ id: sleep, title: Sleep, run: "echo begun; sleep 300" }] }',
};
const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

type Items = { items: unknown[] };
type Said = { path: string; request: unknown; status: number; answer: unknown };

/** A scripted runner that records its messages. */
class Words {
  readonly said: Said[] = [];
  readonly #url: string;
  session = "";
  constructor(url: string) {
    this.#url = url;
  }
  async say<T>(path: string, body: object): Promise<T> {
    const request = path === "session" ? body : { session: this.session, ...body };
    const answer = await fetch(`${this.#url}/runner/v1/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${RUNNER_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    const text = await answer.text();
    const content = text === "" ? null : JSON.parse(text);
    this.said.push({ path, request, status: answer.status, answer: content });
    if (path === "session" && answer.ok) this.session = content.session;
    return content as T;
  }
  async signIn(runner: string, bootId: string, running: object[] = []): Promise<void> {
    const host = { name: "golden", platform: "linux-x64", cpus: 2, memoryMb: 2_048 };
    const systems = [{ name: "harbor", kind: "harbor", url: "http://harbor.seoul", standIn: true }];
    const labels = ["linux"];
    await this.say("session", {
      runner,
      bootId,
      registration: 1,
      site: "seoul",
      labels,
      slots: 3,
      version: "0.1.0",
      host,
      systems,
      running,
    });
  }
  /** Claims and starts the next job that is offered. */
  async take(): Promise<JobRef> {
    for (;;) {
      const { offers } = await this.say<PollReply>("poll", { freeSlots: 1, waitMs: 5_000 });
      const [first] = offers;
      if (!first) continue;
      const { offer, ref } = first;
      await this.say("claim", { offer, ref });
      await this.say("start", { ref });
      return ref;
    }
  }
}

type Config = Parameters<typeof startTaskAgent>[0];

async function configOf(dir: string, more: object = {}): Promise<Config> {
  const pipelines = join(dir, "pipelines");
  await mkdir(pipelines, { recursive: true });
  for (const [name, jobs] of Object.entries(PIPELINES))
    await writeFile(
      join(pipelines, `${name}.yaml`),
      `name: ${name}\ntitle: ${name}\nbutton: Run ${name}\napp: none\njobs:\n  ${jobs}\n`,
    );
  const runnerTokens = { [RUNNER_TOKEN]: "seoul", [`${RUNNER_TOKEN}-of-tokyo`]: "tokyo" };
  return { data: join(dir, "agent"), portalUrl: "http://portal", token: TOKEN, runnerTokens, pipelines, ...more };
}

async function ask<T>(url: string, path: string, body?: object): Promise<T> {
  const answer = await fetch(`${url}${path}`, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** Creates tasks in every state that a restart may find. Returns their ids by that state. */
async function run(url: string, words: Words): Promise<Record<string, string>> {
  const start = async (pipeline: string): Promise<string> => {
    const body = { pipeline, params: {}, idempotencyKey: randomUUID(), principal: "kim" };
    return (await ask<{ id: string }>(url, "/agent/v1/tasks", body)).id;
  };
  await words.signIn("seoul-1", "00000000-0000-4000-8000-000000000001");
  const done = await start("safe");
  const ref = await words.take();
  await words.say("progress", { ref, from: 1, events: [{ kind: "step-started", step: "make" }] });
  const permit = await words.say<{ key: string }>("effect/begin", {
    ref,
    step: "make",
    effect: "push",
    ordinal: 0,
    what: "the image",
  });
  await words.say("effect/end", { ref, key: permit.key, result: { digest: "sha256:1" } });
  await words.say("progress", {
    ref,
    from: 2,
    events: [
      { kind: "step-waiting", step: "make", reason: "for the registry", retryAfterMs: 10 },
      { kind: "step-ended", step: "make", outcome: "succeeded", durationMs: 12, outputs: { image: "web@sha256:1" } },
      { kind: "step-started", step: "tell" },
      { kind: "step-ended", step: "tell", outcome: "succeeded", durationMs: 3 },
    ],
  });
  const bytes = "one line\n";
  const query = new URLSearchParams({
    session: words.session,
    fence: String(ref.fence),
    offset: "0",
    crc: String(crc32(bytes)),
    final: "true",
  });
  const log = await fetch(`${url}/runner/v1/logs/${ref.task}/${ref.job}/${ref.attempt}/make?${query}`, {
    method: "POST",
    headers: { authorization: `Bearer ${RUNNER_TOKEN}`, "content-type": "application/octet-stream" },
    body: bytes,
  });
  if (!log.ok) throw new Error(await log.text());
  await words.say("heartbeat", { items: [{ ref }] });
  await words.say("report", { ref, outcome: "succeeded", outputs: { image: "web@sha256:1" }, progress: 5 });

  const failed = await start("safe");
  const bad = await words.take();
  const failure = {
    code: "script-failed",
    message: "The script ended with exit code 1.",
    why: "exit 1",
    line: "npm ERR!",
  };
  await words.say("progress", {
    ref: bad,
    from: 1,
    events: [{ kind: "step-ended", step: "make", outcome: "failed", durationMs: 5, failure }],
  });
  await words.say("report", { ref: bad, outcome: "failed", outputs: {}, failure, progress: 1 });

  const canceled = await start("safe");
  const stopped = await words.take();
  await ask(url, `/agent/v1/tasks/${canceled}/cancel`, { principal: "kim", reason: "wrong branch" });
  await words.say("poll", { freeSlots: 0, waitMs: 1_000 });
  await words.say("heartbeat", { items: [{ ref: stopped }] });
  await words.say("report", { ref: stopped, outcome: "canceled", outputs: {}, progress: 0 });

  // A new process of the runner does not know the job, and it may not run twice.
  const held = await start("once");
  await words.take();
  await words.signIn("seoul-1", "00000000-0000-4000-8000-000000000002");

  const running = await start("safe");
  const open = await words.take();
  await words.say("progress", { ref: open, from: 1, events: [{ kind: "step-started", step: "make" }] });
  await words.say("effect/begin", { ref: open, step: "make", effect: "push", ordinal: 0, what: "the image" });
  await words.say("poll", { freeSlots: 0, waitMs: 0 });
  const queued = await start("long");
  return { done, failed, canceled, held, running, queued };
}

async function main(folder: string): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-record-"));
  await mkdir(folder, { recursive: true });
  const save = (name: string, value: unknown): Promise<void> =>
    writeFile(join(folder, name), `${JSON.stringify(value, null, 1)}\n`);

  const config = await configOf(dir);
  let agent = await startTaskAgent(config, { logger });
  const words = new Words(agent.url);
  const notifyData = join(dir, "notify");
  const peer = { url: agent.url, token: TOKEN };
  const notify = await startNotifyAgent({ data: notifyData, token: TOKEN, agent: peer }, { logger });
  const portal = await startPortal({ dataDir: join(dir, "portal"), port: 0, agent: peer }, { logger });
  const admin = { authorization: `Bearer ${portal.adminToken}`, "content-type": "application/json" };
  const made = await fetch(`${portal.url}/v1/tokens`, {
    method: "POST",
    headers: admin,
    body: JSON.stringify({ name: "robot", role: "developer", days: 365 }),
  });
  const { token } = (await made.json()) as { token: string };

  const ids = await run(agent.url, words);
  const show = async (url: string, of: Record<string, string>): Promise<object> =>
    Object.fromEntries(
      await Promise.all(Object.entries(of).map(async ([name, id]) => [name, await ask(url, `/agent/v1/tasks/${id}`)])),
    );
  let inbox: Items = { items: [] };
  while (inbox.items.length < 4) inbox = await ask(notify.url, "/notify/v1/inbox?limit=50");
  const deliveries = await ask<Items>(notify.url, "/notify/v1/deliveries?limit=50");
  const { events } = await ask<FeedPage>(agent.url, "/agent/v1/feed?after=0&limit=500");
  await save("views.json", { ids, tasks: await show(agent.url, ids), events });
  await save("messages.json", words.said);
  await save("facts.json", {
    token: { secret: token, name: "robot", role: "developer" },
    inbox: inbox.items,
    deliveries: deliveries.items,
  });
  await portal.close();
  await notify.close();
  await agent.close();
  for (const [name, file] of [
    ["task-agent", "agent/journal.sqlite"],
    ["notify-agent", "notify/notify.db"],
    ["portal-api", "portal/portal.db"],
  ] as const)
    await writeFile(join(folder, `${name}.sql`), dump(join(dir, file)));

  agent = await startTaskAgent(config, { logger });
  await writeFile(join(folder, "task-runner.jsonl"), await killedRunner(dir, agent.url));
  await agent.close();
  await recordRedis(dir, save, show);
  await rm(dir, { recursive: true, force: true });
}

/** The journal of a runner that was killed while a script ran. */
async function killedRunner(dir: string, url: string): Promise<string> {
  const data = join(dir, "runner");
  const file = join(dir, "runner.json");
  await writeFile(
    file,
    JSON.stringify({
      name: "tokyo-1",
      site: "tokyo",
      agent: url,
      token: `${RUNNER_TOKEN}-of-tokyo`,
      data,
      logLevel: "silent",
    }),
  );
  const child = spawn(process.execPath, [RUNNER, "--config", file], { stdio: "ignore" });
  const { queued } = JSON.parse(await readFile(join(process.argv[2] ?? "", "views.json"), "utf8")).ids;
  for (;;) {
    const { events } = await ask<FeedPage>(url, "/agent/v1/feed?after=0&limit=500");
    if (events.some((one) => one.subject === queued && one.data.event.kind === "StepStarted")) break;
  }
  // The start of the step is recorded before its script runs; the process group of the script is recorded last.
  let text = "";
  while (!text.includes('"k":"group"')) text = await readFile(join(data, "journal.jsonl"), "utf8");
  child.kill("SIGTERM");
  child.kill("SIGINT");
  await once(child, "exit");
  return text;
}

async function recordRedis(
  dir: string,
  save: (name: string, value: unknown) => Promise<void>,
  show: (url: string, ids: Record<string, string>) => Promise<object>,
): Promise<void> {
  const { startRedis } = await import("../faults/redis/server.ts");
  const redis = await startRedis();
  const journal = { kind: "redis" as const, address: `127.0.0.1:${redis.port}`, waitReplicas: 0 };
  const config = await configOf(join(dir, "redis"), { journal, name: "a" });
  const agent = await startTaskAgent(config, { logger });
  const ids = await run(agent.url, new Words(agent.url));
  const tasks = await show(agent.url, ids);
  await agent.close();
  await save("redis.json", { ids, tasks, commands: await commandsOf(redis.port) });
  await redis.dispose();
}

function dump(file: string): string {
  const db = new DatabaseSync(file, { readOnly: true });
  const lines = [`PRAGMA user_version = ${db.prepare("PRAGMA user_version").get()?.user_version};`];
  const made = db.prepare("SELECT name, type, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid").all();
  for (const { sql } of made) lines.push(`${sql};`);
  for (const { name, type } of made) {
    if (type !== "table") continue;
    for (const row of db.prepare(`SELECT * FROM ${name}`).all()) {
      const values = Object.values(row).map((value) =>
        typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value),
      );
      lines.push(`INSERT INTO ${name} VALUES (${values.join(", ")});`);
    }
  }
  db.close();
  return `${lines.join("\n")}\n`;
}

type Reply = Buffer | null | Reply[];

/** Every key without an expiry, as the command that restores it. */
async function commandsOf(port: number): Promise<string[][]> {
  const all = (await command(port, ["KEYS", "*"])) as Buffer[];
  const commands: Buffer[][] = [];
  const word = (text: string): Buffer => Buffer.from(text);
  for (const key of all.toSorted(Buffer.compare)) {
    if (key.includes(":op:")) continue;
    const type = String(await command(port, ["TYPE", key]));
    if (type === "hash") commands.push([word("HSET"), key, ...((await command(port, ["HGETALL", key])) as Buffer[])]);
    if (type === "list")
      commands.push([word("RPUSH"), key, ...((await command(port, ["LRANGE", key, "0", "-1"])) as Buffer[])]);
    if (type === "zset") {
      const members = (await command(port, ["ZRANGE", key, "0", "-1"])) as Buffer[];
      commands.push([word("ZADD"), key, ...members.flatMap((one) => [word("0"), one])]);
    }
    if (type === "stream") {
      for (const entry of (await command(port, ["XRANGE", key, "-", "+"])) as [Buffer, Buffer[]][])
        commands.push([word("XADD"), key, entry[0], ...entry[1]]);
    }
  }
  return commands.map((one) => one.map((part) => part.toString("base64")));
}

/** Sends one command over a new connection; arguments and answer are bytes. */
export async function command(port: number, words: readonly (string | Buffer)[]): Promise<Reply> {
  const socket = connect(port, "127.0.0.1");
  const parts = words.flatMap((one) => [`$${Buffer.byteLength(one)}\r\n`, one, "\r\n"]);
  socket.write(Buffer.concat([`*${words.length}\r\n`, ...parts].map((one) => Buffer.from(one))));
  socket.end();
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return readReply(Buffer.concat(chunks), { at: 0 });
}

function readReply(bytes: Buffer, place: { at: number }): Reply {
  const end = bytes.indexOf("\r\n", place.at);
  const [kind, rest] = [String.fromCharCode(bytes[place.at] ?? 0), bytes.toString("latin1", place.at + 1, end)];
  place.at = end + 2;
  if (kind === "-") throw new Error(rest);
  if (kind === "+" || kind === ":") return Buffer.from(rest);
  const size = Number(rest);
  if (size < 0) return null;
  if (kind === "*") return Array.from({ length: size }, () => readReply(bytes, place));
  const from = place.at;
  place.at += size + 2;
  return bytes.subarray(from, from + size);
}

if (import.meta.main) await main(process.argv[2] ?? "lab/golden/recorded");
