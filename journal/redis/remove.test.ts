// Removed streams stay removed in Redis, whatever the local files of the agents still say.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { answers, noRedis, type RedisServer, redisFor } from "@gantry/lab/faults/redis/server.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import type { Journal } from "../journal.ts";
import type { RedisOptions, RedisReport } from "./options.ts";
import { openRedisJournal } from "./redis.ts";

const skip = noRedis;
const removal = [{ stream: "task/a", expected: 2 }];

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-removed-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** As an agent opens it: what is open is kept in the local file. */
async function openFor(t: TestContext, address: RedisServer, options: Partial<RedisOptions>): Promise<Journal> {
  const keep: RedisOptions["keep"] = (_, indexes) => indexes.includes("open");
  const journal = await openRedisJournal({ address, indexes: ["open"], keep, ...options });
  t.after(() => journal.close());
  return journal;
}

/** One agent begins a task, and the other one ends and removes it. */
async function beginAndRemove(begins: Journal, removes: Journal): Promise<void> {
  const begun = { stream: "task/a", expected: 0, events: [{ n: 1 }], snapshot: "open", index: { open: ["a"] } };
  assert.ok((await begins.append([begun])).ok);
  const ended = { stream: "task/a", expected: 1, events: [{ n: 2 }], snapshot: "ended", index: {} };
  assert.ok((await removes.append([ended])).ok);
  assert.deepEqual(await removes.remove(removal), { ok: true, removed: 1 });
}

/** Asks until Redis is there again. */
async function loadAgain(journal: Journal): Promise<unknown> {
  for (;;) {
    try {
      return await journal.load("task/a");
    } catch (error) {
      assert.ok(error instanceof GantryError && error.code === "unavailable");
    }
  }
}

test("a restart of Redis and of the agents brings nothing back", { skip }, async (t) => {
  const [server, folder] = await Promise.all([redisFor(t), folderFor(t)]);
  const open = (name: string) => openFor(t, server, { localFile: join(folder, name) });
  const [a, b] = [await open("a"), await open("b")];
  await beginAndRemove(b, a);
  await server.kill();
  await server.start();
  for (const journal of [a, b]) assert.equal(await loadAgain(journal), undefined);
  await Promise.all([a.close(), b.close()]);
  assert.equal(await (await open("b")).load("task/a"), undefined);
  assert.deepEqual(await a.close(), undefined);
});

test("a failover to the replica that has confirmed brings nothing back", { skip }, async (t) => {
  const [primary, replica, folder] = await Promise.all([redisFor(t), redisFor(t), folderFor(t)]);
  await replica.command("REPLICAOF", "127.0.0.1", String(primary.port));
  await answers(primary, ["INFO", "replication"], /connected_slaves:1/);
  const open = (server: RedisServer, name: string) =>
    openFor(t, server, { localFile: join(folder, name), waitReplicas: server === primary ? 1 : 0, waitMs: 5_000 });
  const [a, b] = [await open(primary, "a"), await open(primary, "b")];
  await beginAndRemove(b, a);
  await primary.kill();
  await Promise.all([a.close(), b.close()]);
  await replica.command("REPLICAOF", "NO", "ONE");
  const again = await open(replica, "b");
  assert.equal(await again.load("task/a"), undefined);
  assert.deepEqual((await again.find({ index: "open", limit: 1 })).items, []);
});

test("within a minute an agent forgets what others have ended or removed", { skip }, async (t) => {
  const [server, folder] = await Promise.all([redisFor(t), folderFor(t)]);
  let later = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + later };
  const localFile = join(folder, "b");
  const [a, b] = [await openFor(t, server, {}), await openFor(t, server, { localFile, clock })];
  const begin = (name: string) => ({ stream: `task/${name}`, expected: 0, events: [{}], snapshot: 0 });
  await b.append(["removed", "ended", "open"].map((name) => ({ ...begin(name), index: { open: [name] } })));
  await a.remove([{ stream: "task/removed", expected: 1 }]);
  await a.append([{ ...begin("ended"), expected: 1, index: {} }]);
  await a.append([{ ...begin("open"), expected: 1 }]);
  const isForgotten = async (name: string): Promise<boolean> =>
    new RegExp(`"forgotten":\\[[^\\]]*"task/${name}"`).test(await readFile(localFile, "utf8"));
  assert.equal(await isForgotten("removed"), false);
  later = 61_000;
  while (!(await isForgotten("removed"))) await b.feed({ after: 5, limit: 1, waitMs: 50 });
  assert.deepEqual([await isForgotten("ended"), await isForgotten("open")], [true, false]);
});

test("an agent that was away for half a day restores no removed stream; one that was away for less does", {
  skip,
}, async (t) => {
  for (const [hours, expected] of [
    [13, undefined],
    [1, { version: 1, snapshot: "open" }],
  ] as const) {
    const [server, folder] = await Promise.all([redisFor(t), folderFor(t)]);
    const localFile = join(folder, "b");
    const reports: RedisReport[] = [];
    const first = await openFor(t, server, { localFile });
    const begun = { stream: "task/a", expected: 0, events: [{ n: 1 }], snapshot: "open", index: { open: ["a"] } };
    await first.append([begun]);
    await first.close();
    // As if the file had been written hours ago.
    const text = await readFile(localFile, "utf8");
    const older = text.replace(/"micros":(\d+)/g, (_, micros: string) => `"micros":${Number(micros) - hours * 3.6e9}`);
    await writeFile(localFile, older);
    // Gone without a trace, as a removal long ago, or a failover that lost it; then Redis is another process.
    for (const key of ["stream:task/a", "events:task/a"]) await server.command("DEL", `{gantry}:${key}`);
    await server.kill();
    await server.start();
    const again = await openFor(t, server, { localFile, report: (report) => void reports.push(report) });
    assert.deepEqual(await again.load("task/a"), expected);
    assert.equal(
      reports.some(({ kind }) => kind === "repaired"),
      expected !== undefined,
    );
  }
});
