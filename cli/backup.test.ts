// Restore drill: a backup of running processes, restored elsewhere, has the data of these processes.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Journal } from "@gantry/journal/journal.ts";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { pack } from "tar-stream";
import { writeBackup } from "./backup.ts";
import { runCommand } from "./portal.fixture.ts";
import { readBackup } from "./restore.ts";

const TOKEN = "platform-token-of-this-test";
const logger = makeLogger("test", "silent");
const NOW = new Date("2026-01-02T03:04:05Z");
const PIPELINE = "name: p\ntitle: P\nbutton: P\napp: none\njobs: { a: { site: s, steps: [{ title: T, run: x }] } }\n";

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "gantry-backup-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function filled(data: string, tasks: number): Promise<Journal> {
  const journal = await openSqliteJournal({ file: join(data, "journal.sqlite"), indexes: ["tasks"] });
  for (let at = 0; at < tasks; at += 1000) {
    const numbers = Array.from({ length: Math.min(1000, tasks - at) }, (_, n) => at + n);
    await Promise.all(numbers.map((n) => put(journal, `task/${n}`, { n, words: "x".repeat(500) })));
  }
  return journal;
}

async function put(journal: Journal, stream: string, snapshot: { n: number; words: string }): Promise<void> {
  const answer = await journal.append([
    { stream, expected: 0, events: [{ kind: "Requested" }, snapshot], snapshot, index: { tasks: [stream] } },
  ]);
  assert.ok(answer.ok);
}

test("tasks and logs of a running task-agent are in its backup", async (t) => {
  const dir = await folder(t);
  await mkdir(join(dir, "pipelines"));
  await writeFile(join(dir, "pipelines/p.yaml"), PIPELINE);
  const config = { portalUrl: "http://portal.test", token: TOKEN, runnerTokens: {}, pipelines: join(dir, "pipelines") };
  const agent = await startTaskAgent({ ...config, data: join(dir, "data/task-agent") }, { logger });
  t.after(() => agent.close());
  const client = makeAgentClient({ url: agent.url, token: TOKEN });
  const start = (n: number) =>
    client.startTask({ pipeline: "p", params: {}, principal: "kim", idempotencyKey: `k${n}` });
  for (let n = 0; n < 20; n += 1) await start(n);
  await mkdir(join(dir, "data/task-agent/logs/t1"), { recursive: true });
  await writeFile(join(dir, "data/task-agent/logs/t1/a.log"), "line 1\n");
  await writeFile(join(dir, "data/task-agent/logs/t1/a.log.final"), "");
  await writeFile(join(dir, "data/task-agent/admin-token"), "secret\n");
  const before = await client.tasks({ limit: 100 });
  assert.equal(before.items.length, 20);

  const more = Promise.all(Array.from({ length: 20 }, (_, n) => start(100 + n)));
  const file = join(dir, "backup.tgz");
  assert.equal((await runCommand(["backup", "--data", join(dir, "data"), "--to", file])).code, 0);
  await more;
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const { code, out } = await runCommand(["restore", "--from", file, "--data", join(dir, "again")]);
  assert.equal(code, 0, out);

  const again = await startTaskAgent({ ...config, data: join(dir, "again/task-agent") }, { logger });
  t.after(() => again.close());
  const restored = makeAgentClient({ url: again.url, token: TOKEN });
  for (const { id } of before.items) assert.deepEqual(await restored.task(id), await client.task(id));
  assert.equal(await readFile(join(dir, "again/task-agent/logs/t1/a.log"), "utf8"), "line 1\n");
  assert.equal(await readFile(join(dir, "again/task-agent/logs/t1/a.log.final"), "utf8"), "");
  assert.equal(await readFile(join(dir, "again/task-agent/admin-token"), "utf8"), "secret\n");
});

test("a backup of a busy journal is consistent", async (t) => {
  const dir = await folder(t);
  const journal = await filled(join(dir, "data"), 5_000);
  t.after(() => journal.close());
  const copied = writeBackup(join(dir, "data"), join(dir, "b.tgz"), NOW);
  let working = true;
  const stop = (): void => {
    working = false;
  };
  void copied.then(stop, stop);
  let n = 10_000;
  while (working) {
    // Both or neither: an inconsistent copy could have one of them.
    const [left, right] = [`pair/${n}/left`, `pair/${n}/right`];
    const part = { expected: 0, events: [{ kind: "Paired" }], snapshot: { n } };
    assert.ok(
      (
        await journal.append([
          { stream: left, ...part },
          { stream: right, ...part },
        ])
      ).ok,
    );
    n += 1;
    // Let other tasks of the process run.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await copied;
  assert.ok(n > 10_001, "the journal was written while it was copied");

  const { createdAt } = await readBackup(join(dir, "b.tgz"), join(dir, "again"));
  assert.equal(createdAt, NOW.toISOString());
  const copy = await openSqliteJournal({ file: join(dir, "again/journal.sqlite"), indexes: ["tasks"] });
  t.after(() => copy.close());
  for (let task = 0; task < 5_000; task += 97) {
    assert.deepEqual(await copy.load(`task/${task}`), await journal.load(`task/${task}`));
  }
  for (let pair = 10_000; pair < n; pair += 1) {
    const [left, right] = [await copy.load(`pair/${pair}/left`), await copy.load(`pair/${pair}/right`)];
    assert.deepEqual(left, right, `half of the pair ${pair}`);
  }
  assert.ok((await copy.now()) >= (await journal.now()) - 60_000_000);
});

test("a damaged or truncated file, or another file, is refused, and nothing is left behind", async (t) => {
  const dir = await folder(t);
  await (await filled(join(dir, "data"), 200)).close();
  const file = join(dir, "b.tgz");
  await writeBackup(join(dir, "data"), file, NOW);
  const whole = gunzipSync(await readFile(file));
  const flipped = Buffer.from(whole);
  flipped[60_000] = (flipped[60_000] ?? 0) ^ 1;
  const names = ["../evil", "/etc/evil", "a/../../evil", "a/./b"];
  const archives: (readonly [string, Buffer])[] = [
    ["a flipped bit", gzipSync(flipped)],
    ["no end", gzipSync(whole.subarray(0, 40_960))],
    ["half a gzip", (await readFile(file)).subarray(0, 2_000)],
    ["something else", Buffer.from("hello")],
    ["nothing", Buffer.alloc(0)],
  ];
  for (const name of names) archives.push([name, await tarOf(name)]);
  for (const [what, bytes] of archives) {
    const bad = join(dir, "bad.tgz");
    await writeFile(bad, bytes);
    await assert.rejects(readBackup(bad, join(dir, "new/again")), { code: "backup-damaged" }, what);
    assert.deepEqual(await readdir(join(dir, "new")), [], what);
  }
  assert.deepEqual((await readdir(dir)).sort(), ["b.tgz", "bad.tgz", "data", "new"]);
});

async function tarOf(name: string): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name }, "x");
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

test("nothing is overwritten; a folder without journals is refused; archives are left out", async (t) => {
  const dir = await folder(t);
  await (await filled(join(dir, "data"), 10)).close();
  const file = join(dir, "b.tgz");
  await mkdir(join(dir, "empty"));
  await assert.rejects(writeBackup(join(dir, "empty"), file, NOW), { code: "argument-unusable" });
  await mkdir(join(dir, "data", "archive", "2026-01-01"), { recursive: true });
  await writeFile(join(dir, "data", "archive", "2026-01-01", "tasks.jsonl.gz"), "is copied as it is");
  const { archives } = await writeBackup(join(dir, "data"), file, NOW);
  assert.deepEqual(archives, [join(dir, "data", "archive")]);
  await assert.rejects(writeBackup(join(dir, "data"), file, NOW), { code: "argument-unusable" });
  await assert.rejects(readBackup(file, join(dir, "data")), { code: "argument-unusable" });
  await readBackup(file, join(dir, "empty"));
  assert.deepEqual(await readdir(join(dir, "empty")), ["journal.sqlite"]);
});
