// Starting: what is refused and with which words, and the ways to find the primary.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { explain, GantryError } from "@gantry/core/errors.ts";
import {
  answers,
  freePort,
  noRedis,
  type RedisServer,
  redisFor,
  SAFE,
  sentinelFor,
} from "@gantry/lab/faults/redis/server.ts";
import type { Journal } from "../journal.ts";
import type { RedisOptions, RedisReport } from "./options.ts";
import { openRedisJournal } from "./redis.ts";

const quick = { indexes: ["open"], connectTimeoutMs: 1_000 };

function isError(code: string, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof GantryError, String(error));
    assert.equal(error.code, code);
    const { message, why, todo } = explain(error);
    assert.match(`${message} ${why} ${todo}`, text);
    return true;
  };
}

async function openFor(t: TestContext, options: Omit<RedisOptions, "indexes">): Promise<Journal> {
  const journal = await openRedisJournal({ ...quick, ...options });
  t.after(() => journal.close());
  return journal;
}

async function assertWorks(journal: Journal): Promise<void> {
  const result = await journal.append([{ stream: "task/a", expected: 0, events: [{ n: 1 }], snapshot: 1 }]);
  assert.deepEqual(result, { ok: true, seq: 1 });
  assert.deepEqual(await journal.load("task/a"), { version: 1, snapshot: 1 });
  await journal.check();
}

test("nothing listens at the address", { skip: noRedis }, async () => {
  const address = { host: "127.0.0.1", port: await freePort() };
  await assert.rejects(
    openRedisJournal({ ...quick, address }),
    isError("unavailable", /cannot be reached.*ECONNREFUSED/),
  );
});

test("a wrong password, and none", { skip: noRedis }, async (t) => {
  const server = await redisFor(t, { ...SAFE, requirepass: "secret-of-this-test" });
  const refused = isError("store-refused", /refused Gantry.s credentials.*Correct the user, the password/);
  await assert.rejects(openRedisJournal({ ...quick, address: server, password: "wrong" }), refused);
  await assert.rejects(openRedisJournal({ ...quick, address: server }), refused);
  await assertWorks(await openFor(t, { address: server, password: "secret-of-this-test" }));
});

test("an account that may use nothing but our keys is enough; that settings cannot be read is said", {
  skip: noRedis,
}, async (t) => {
  const server = await redisFor(t);
  const rights = ["~{gantry}:*", "&{gantry}:*", "+@all", "-@admin", "-@dangerous", "+info"];
  await server.command("ACL", "SETUSER", "agent", "on", ">pw", ...rights);
  const reports: RedisReport[] = [];
  const account = { username: "agent", password: "pw" };
  await assertWorks(await openFor(t, { address: server, ...account, report: (one) => reports.push(one) }));
  assert.ok(reports.some((one) => one.kind === "degraded" && /cannot be checked/.test(one.problem)));
});

test("a Redis that forgets is refused", { skip: noRedis }, async (t) => {
  const server = await redisFor(t, { appendonly: "yes", appendfsync: "everysec" });
  const refused = isError("store-unsafe", /appendfsync is everysec.*Set appendonly yes and appendfsync always/);
  await assert.rejects(openRedisJournal({ ...quick, address: server }), refused);
  const reports: RedisReport[] = [];
  await assertWorks(await openFor(t, { address: server, allowLazyFsync: true, report: (one) => reports.push(one) }));
  assert.ok(reports.some((one) => one.kind === "degraded" && /everysec/.test(one.problem)));
});

test("a replica is refused", { skip: noRedis }, async (t) => {
  const primary = await redisFor(t);
  const replica = await redisFor(t);
  await replica.command("REPLICAOF", "127.0.0.1", String(primary.port));
  await assert.rejects(openRedisJournal({ ...quick, address: replica }), isError("unavailable", /is a slave/));
});

test("a store of a newer version is refused and left alone", { skip: noRedis }, async (t) => {
  const server = await redisFor(t);
  await server.command("HSET", "{gantry}:meta", "layout", "9000");
  await assert.rejects(openRedisJournal({ ...quick, address: server }), isError("store-newer", /layout version 9000/));
  assert.match(await server.command("HLEN", "{gantry}:meta"), /^:1$/);
});

test("two processes do not share a local file", { skip: noRedis }, async (t) => {
  const server = await redisFor(t);
  const folder = await mkdtemp(join(tmpdir(), "gantry-recovery-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const localFile = join(folder, "journal");
  await openFor(t, { address: server, localFile });
  await assert.rejects(openRedisJournal({ ...quick, address: server, localFile }), isError("store-busy", /in use/));
});

test("without enough replicas nothing is acknowledged, and the error says why", { skip: noRedis }, async (t) => {
  const server = await redisFor(t);
  const journal = await openFor(t, { address: server, waitReplicas: 1, waitMs: 50 });
  const append = journal.append([{ stream: "task/a", expected: 0, events: [{ n: 1 }], snapshot: 1 }]);
  await assert.rejects(append, isError("unavailable", /0 of 1 replica confirmed/));
  await assert.rejects(journal.check(), isError("unavailable", /0 replicas are connected/));
  assert.deepEqual(await journal.feed({ after: 0, limit: 10 }), [], "no reader is shown what is not confirmed");
  assert.equal((await journal.load("task/a"))?.version, 1, "the caller who loads finds that it was committed");
});

test("a full Redis refuses, keeps what it has, and goes on when there is room", { skip: noRedis }, async (t) => {
  const server = await redisFor(t);
  const journal = await openFor(t, { address: server });
  await assertWorks(journal);
  await server.command("CONFIG", "SET", "maxmemory", "1");
  const append = () => journal.append([{ stream: "task/b", expected: 0, events: [{ n: 1 }], snapshot: 1 }]);
  await assert.rejects(append(), isError("unavailable", /OOM/));
  assert.equal(await journal.load("task/b"), undefined);
  await server.command("CONFIG", "SET", "maxmemory", "0");
  assert.deepEqual(await append(), { ok: true, seq: 2 });
});

test("an idle agent notices that the store was emptied and that another one has gone on with it", {
  skip: noRedis,
}, async (t) => {
  const server = await redisFor(t);
  const folder = await mkdtemp(join(tmpdir(), "gantry-recovery-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const reports: RedisReport[] = [];
  const report = (one: RedisReport): void => void reports.push(one);
  const idle = await openFor(t, { address: server, localFile: join(folder, "idle"), keep: () => true, report });
  const index = { open: ["a"] };
  await idle.append([{ stream: "task/a", expected: 0, events: [{ n: 1 }, { n: 2 }], snapshot: 2, index }]);
  const time = await idle.now();
  const other = await openFor(t, { address: server });
  await server.command("FLUSHALL");
  await untilAnswered(() => other.append([{ stream: "task/b", expected: 0, events: [{ n: 1 }], snapshot: 1 }]));
  assert.deepEqual(await untilAnswered(() => idle.load("task/a")), { version: 2, snapshot: 2 });
  assert.deepEqual(
    (await other.events("task/a", 0, 10)).map(({ event }) => event),
    [{ n: 1 }, { n: 2 }],
  );
  assert.equal((await other.find({ index: "open", limit: 9 })).items[0]?.stream, "task/a");
  assert.ok((await other.now()) > time);
  assert.deepEqual(
    reports.filter((one) => one.kind === "repaired"),
    [{ kind: "repaired", wiped: true, streams: 1, events: 0 }],
  );
});

test("connects with TLS, and refuses a foreign certificate", { skip: noRedis }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-tls-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const openssl = spawnSync("openssl", [...made, "-keyout", key, "-out", cert, ...subject]);
  if (openssl.status !== 0) return t.skip("there is no openssl to make a certificate with");
  await writeFile(join(folder, "empty.pem"), "");
  const tlsPort = await freePort();
  const tls = { "tls-port": String(tlsPort), "tls-cert-file": cert, "tls-key-file": key, "tls-ca-cert-file": cert };
  await redisFor(t, { ...SAFE, ...tls, "tls-auth-clients": "no" });
  const address = { host: "localhost", port: tlsPort };
  await assert.rejects(
    openRedisJournal({ ...quick, address, tls: {} }),
    isError("unavailable", /not signed by an authority/),
  );
  await assertWorks(await openFor(t, { address, tls: { ca: await readFile(cert, "utf8") } }));
});

test("through a cluster: the node with our hash slot is found", { skip: noRedis }, async (t) => {
  const nodes = [await clusterNode(t), await clusterNode(t)] as const;
  await nodes[0].command("CLUSTER", "ADDSLOTSRANGE", "0", "8191");
  await nodes[1].command("CLUSTER", "ADDSLOTSRANGE", "8192", "16383");
  await nodes[0].command("CLUSTER", "MEET", "127.0.0.1", String(nodes[1].port), await busPort(nodes[1]));
  for (const node of nodes) await answers(node, ["CLUSTER", "INFO"], /cluster_state:ok/);
  const cluster = [`127.0.0.1:${await freePort()}`, ...nodes.map((node) => `127.0.0.1:${node.port}`)];
  // {a} and {b} are in different halves of the slots.
  for (const prefix of ["a", "b"]) await assertWorks(await openFor(t, { address: { cluster }, prefix }));
  const sizes = await Promise.all(nodes.map((node) => node.command("DBSIZE")));
  assert.ok(!sizes.includes(":0"), "both nodes have a part");
});

test("through sentinels: after a failover the new primary is used", { skip: noRedis }, async (t) => {
  const [primary, replica] = [await redisFor(t), await redisFor(t)];
  await replica.command("REPLICAOF", "127.0.0.1", String(primary.port));
  const sentinel = await sentinelFor(t, "main", primary.port);
  const address = { sentinels: [`127.0.0.1:${sentinel.port}`], name: "main" };
  const journal = await openFor(t, { address, waitReplicas: 0 });
  await assertWorks(journal);
  await answers(sentinel, ["SENTINEL", "MASTER", "main"], /num-slaves\r\n\$1\r\n1/);
  // Nobody waits for the replica here; it has the stream when it says so.
  await answers(replica, ["EXISTS", "{gantry}:stream:task/a"], /^:1$/);
  await primary.kill();
  const answer = await untilAnswered(() =>
    journal.append([{ stream: "task/b", expected: 0, events: [{ n: 2 }], snapshot: 2 }]),
  );
  assert.ok(answer.ok || answer.conflict === "task/b", "an earlier try may have been committed");
  assert.deepEqual(await journal.load("task/a"), { version: 1, snapshot: 1 });
  assert.match(await replica.command("ROLE"), /master/);
});

async function clusterNode(t: TestContext): Promise<RedisServer> {
  const bus = String(await freePort());
  return redisFor(t, { ...SAFE, "cluster-enabled": "yes", "cluster-port": bus });
}

async function busPort(node: RedisServer): Promise<string> {
  return (await node.command("CONFIG", "GET", "cluster-port")).split("\r\n").at(-1) ?? "";
}

/** Tries until Redis is back. */
async function untilAnswered<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GantryError) || error.code !== "unavailable") throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
