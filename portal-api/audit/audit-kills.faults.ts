// 1,000 changes through a real portal process that is killed again and again: every change that was answered is in the
// audit log, and the log is whole. Then it is tampered with.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openJournalFile } from "@gantry/journal/sqlite/read-file.ts";
import type { AuditEntry } from "@gantry/wire/audit/entry.ts";
import { type AuditVerdict, openVerifier } from "@gantry/wire/audit/verify.ts";
import { startFakeAgent } from "../fake-agent.fixture.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const CHANGES = 1_000;
const KILLS = 6;

type Process = { readonly child: ChildProcess; readonly url: string };

async function startProcess(config: string): Promise<Process> {
  const child = spawn(process.execPath, [MAIN, "--config", config], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) {
    const { url, msg } = JSON.parse(line) as { url?: string; msg: string };
    if (msg !== "portal-api is listening" || url === undefined) continue;
    child.stdout.resume();
    return { child, url };
  }
  throw new Error("the portal ended");
}

async function end({ child }: Process, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

function verdictOf(file: string): AuditVerdict {
  const journal = openJournalFile(file);
  try {
    const verifier = openVerifier();
    for (const text of journal.events("audit/")) verifier.add(text);
    return verifier.end({ head: JSON.parse(journal.snapshot("audit-head") ?? "") as { seq: number; hash: string } });
  } finally {
    journal.close();
  }
}

test("1,000 changes with kills between them are all in the audit log, which is whole; tampering is found", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-audit-"));
  t.after(() => rm(dir, { recursive: true }));
  const agent = await startFakeAgent();
  t.after(() => agent.close());
  const config = join(dir, "portal.json");
  const dataDir = join(dir, "data");
  await writeFile(config, JSON.stringify({ port: 0, dataDir, agent: { url: agent.url, token: agent.token } }));
  let portal = await startProcess(config);
  const token = (await readFile(join(dataDir, "admin-token"), "utf8")).trim();
  const answered = new Set<string>();
  let sent = 0;

  /** A change that is sent again, under another id, when the portal is killed before its answer. */
  const change = async (): Promise<void> => {
    const id = `r-${sent}`;
    sent += 1;
    const response = await fetch(`${portal.url}/v1/apps/orders/ci`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "idempotency-key": id,
        "x-request-id": id,
      },
      body: JSON.stringify({ params: { ref: id } }),
    }).catch(() => undefined);
    if (response?.status === 202) answered.add(id);
    await response?.arrayBuffer().catch(() => undefined);
  };
  for (let kill = 0; kill <= KILLS; kill += 1) {
    const goal = Math.ceil((CHANGES * (kill + 1)) / (KILLS + 1));
    const worker = async (): Promise<void> => {
      while (answered.size < goal) await change();
    };
    await Promise.all([worker(), worker(), worker(), worker(), worker()]);
    if (kill === KILLS) break;
    // While five more are on their way.
    const late = Array.from({ length: 5 }, change);
    await end(portal, "SIGKILL");
    await Promise.all(late);
    portal = await startProcess(config);
  }
  await end(portal, "SIGTERM");

  const file = join(dataDir, "portal.db");
  const verdict = verdictOf(file);
  assert.ok(verdict.ok, JSON.stringify(verdict));
  const journal = openJournalFile(file);
  const entries = [...journal.events("audit/")].map((text) => JSON.parse(text) as AuditEntry);
  journal.close();
  const outcomes = new Set(entries.filter(({ kind }) => kind === "done").map(({ request }) => request));
  const intents = new Set(entries.filter(({ kind }) => kind === "intent").map(({ request }) => request));
  assert.ok(answered.size >= CHANGES);
  for (const id of answered) assert.ok(outcomes.has(id), `${id} was answered and has no outcome`);
  // What reached the task-agent left at least its intent.
  for (const key of keysOf(agent.state())) assert.ok(intents.has(key), `${key} was made and has no intent`);

  await t.test("one bit anywhere, a missing entry, a cut end and a moved one are found", async () => {
    const tamper = async (change: (db: DatabaseSync) => void): Promise<AuditVerdict> => {
      const copy = join(dir, "tampered.db");
      await rm(copy, { force: true });
      await cp(file, copy);
      const db = new DatabaseSync(copy);
      change(db);
      db.close();
      return verdictOf(copy);
    };
    const rows = entries.length;
    for (let n = 0; n < 12; n += 1) {
      const seq = 1 + Math.floor((n * (rows - 1)) / 11);
      const found = await tamper((db) => {
        const where = `stream = (SELECT id FROM streams WHERE name = 'audit/${Math.floor((seq - 1) / 1_000)}') AND version = ${((seq - 1) % 1_000) + 1}`;
        const bytes = Buffer.from(String(db.prepare(`SELECT event FROM events WHERE ${where}`).get()?.event));
        const bit = (n * 7_919) % (bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        db.prepare(`UPDATE events SET event = CAST(? AS TEXT) WHERE ${where}`).run(bytes);
      });
      assert.ok(!found.ok, `entry ${seq}`);
      assert.match(found.place, seq === 1 ? /^(the first entry|entry \d+)/ : new RegExp(`^entry ${seq}\\b`));
    }
    const removed = await tamper((db) =>
      db.exec("DELETE FROM events WHERE seq = (SELECT seq FROM events WHERE event LIKE '{\"seq\":500,%')"),
    );
    assert.equal(!removed.ok && removed.place, "entry 500 (found 501)");
    const cut = await tamper((db) => db.exec(`DELETE FROM events WHERE event LIKE '{"seq":${rows},%'`));
    assert.equal(!cut.ok && cut.place, `entry ${rows}`);
    const moved = await tamper((db) => {
      const move = (from: number, to: number): void =>
        db.exec(`UPDATE events SET version = ${to} WHERE version = ${from}
          AND stream = (SELECT id FROM streams WHERE name = 'audit/0')`);
      move(10, -1);
      move(11, 10);
      move(-1, 11);
    });
    assert.equal(!moved.ok && moved.place, "entry 10 (found 11)");
  });
});

/** Idempotency keys that the agent has seen. */
function keysOf(state: string): string[] {
  const [, keys] = JSON.parse(state) as [unknown, [string, unknown][]];
  return keys.map(([scope]) => scope.split(" ").at(-1) ?? "");
}
