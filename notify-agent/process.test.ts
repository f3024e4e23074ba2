// The notify-agent as a real process: configuration from a file, and SIGKILL during an outage.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type LabMessage, startMessenger } from "@gantry/lab/fakes/messenger.ts";
import { stringify } from "yaml";
import { AGENT_TOKEN, ended, startFeed, TOKEN } from "./notify.fixture.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

test("after a kill between recording and sending, the next process sends the message once", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-notify-"));
  const feed = await startFeed();
  const messenger = await startMessenger({ name: "messenger", dir });
  const children: ChildProcess[] = [];
  t.after(async () => {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all([feed.close(), messenger.close()]);
    await rm(dir, { recursive: true, force: true });
  });
  const config = join(dir, "notify.yaml");
  await writeFile(join(dir, "token"), `${TOKEN}\n`);
  await writeFile(
    config,
    stringify({
      data: join(dir, "data"),
      token: { file: join(dir, "token") },
      agent: { url: feed.url, token: { env: "AGENT_TOKEN" } },
      channels: {
        ops: { kind: "messenger", preset: "slack", url: `${messenger.url}/slack/services/T/B/secretOfTheHook` },
      },
      delivery: { firstRetryMs: 200 },
    }),
  );

  const start = (): { child: ChildProcess; said: (text: string) => Promise<void> } => {
    const child = spawn(process.execPath, [MAIN, "--config", config], {
      env: { PATH: process.env.PATH, AGENT_TOKEN },
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    let log = "";
    child.stdout?.setEncoding("utf8");
    return {
      child,
      said: async (text) => {
        while (!log.includes(text)) {
          const [chunk] = (await once(child.stdout ?? child, "data")) as [string];
          log += chunk;
        }
      },
    };
  };
  const messages = async (): Promise<readonly LabMessage[]> =>
    ((await (await fetch(`${messenger.url}/_lab/messages`)).json()) as { items: LabMessage[] }).items;

  messenger.faults.add({ kind: "status", status: 503, match: "slack", times: 1_000 });
  feed.add({ ...ended("failed"), at: Date.now() }, { task: "t01" }, new Date());
  const first = start();
  await first.said("not delivered yet");
  first.child.kill("SIGKILL");
  await once(first.child, "close");
  assert.deepEqual(await messages(), []);

  messenger.faults.clear();
  const second = start();
  await second.said('"delivered"');
  assert.deepEqual(
    (await messages()).map((one) => one.key),
    ["task-ended/t01/ops"],
  );
  second.child.kill("SIGTERM");
  const [code] = (await once(second.child, "close")) as [number | null];
  assert.equal(code, 0);
  assert.equal((await messages()).length, 1);
});

test("an invalid configuration prevents the start and prints all errors, without secrets", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-notify-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const config = join(dir, "notify.yaml");
  await writeFile(
    config,
    stringify({ token: "a-secret-that-is-long", agent: { url: "nowhere", token: "short-secret" }, colour: 1 }),
  );
  const child = spawn(process.execPath, [MAIN, "--config", config], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  assert.equal(code, 2);
  for (const part of ["url", "colour"]) assert.ok(said.includes(part), said);
  assert.doesNotMatch(said, /secret/);
});
