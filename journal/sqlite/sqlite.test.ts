import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { journalSuite } from "../journal.suite.ts";
import { openSqliteJournal, refuseUnsoundSqlite } from "./sqlite.ts";

journalSuite("sqlite", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-journal-"));
  return {
    open: (indexes) => openSqliteJournal({ file: join(folder, "data", "journal.db"), indexes }),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
});

async function newFile(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-journal-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "journal.db");
}

function isError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof GantryError && error.code === code;
}

test("a second owner is refused, and the error names the first one", async (t) => {
  const file = await newFile(t);
  const first = await openSqliteJournal({ file, indexes: [] });
  await assert.rejects(openSqliteJournal({ file, indexes: [] }), (error) => {
    assert.ok(error instanceof GantryError && error.code === "store-busy");
    assert.match(String(error.details.owner), new RegExp(`process ${process.pid} on `));
    return true;
  });
  assert.equal(await first.load("task/a"), undefined, "the first owner is not harmed");
  await first.close();
  await (await openSqliteJournal({ file, indexes: [] })).close();
});

test("a killed owner: nothing that was answered is lost, and its lock does not block", async (t) => {
  const file = await newFile(t);
  const program = `
    const { openSqliteJournal } = await import(${JSON.stringify(new URL("./sqlite.ts", import.meta.url).href)});
    const journal = await openSqliteJournal({ file: process.argv[1], indexes: [] });
    await journal.append([{ stream: "task/other", expected: 0, events: [{ n: 0 }], snapshot: 0 }]);
    for (let n = 1; ; n += 1) {
      const now = await journal.now();
      await journal.append([{ stream: "task/a", expected: n - 1, events: [{ n }], snapshot: n }]);
      process.stdout.write(n + " " + now + "\\n");
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8");
  for await (const text of child.stdout) {
    said += text;
    if (said.length > 400) break;
  }
  await assert.rejects(openSqliteJournal({ file, indexes: [] }), isError("store-busy"));
  child.kill("SIGKILL");
  await once(child, "close");

  const journal = await openSqliteJournal({ file, indexes: [] });
  t.after(() => journal.close());
  const [n, now] = (said.slice(0, said.lastIndexOf("\n")).split("\n").at(-1) ?? "").split(" ").map(Number);
  const loaded = await journal.load("task/a");
  assert.ok(Number(loaded?.version) >= Number(n), `version ${loaded?.version}, answered ${n}`);
  assert.equal(loaded?.snapshot, loaded?.version, "snapshot and events are from the same commit");
  assert.ok((await journal.now()) > Number(now), "time goes on");
});

test("time does not go back over a crash although the machine's clock does", async (t) => {
  const file = await newFile(t);
  let wallMs = 2_000_000_000_000;
  const clock = { nowMs: () => wallMs, monotonicMs: () => wallMs, after: () => () => {} };
  const journal = await openSqliteJournal({ file, indexes: [], clock });
  wallMs += 700;
  const last = await journal.now();
  // As a crash leaves it: the file is read without having been closed.
  const copy = `${file}.copy`;
  new DatabaseSync(file).exec(`VACUUM INTO '${copy}'`);
  await journal.close();
  wallMs -= 3_600_000;
  const again = await openSqliteJournal({ file: copy, indexes: [], clock });
  assert.ok((await again.now()) > last);
  await again.close();
});

test("a file of a newer version is refused and left alone", async (t) => {
  const file = await newFile(t);
  const db = new DatabaseSync(file);
  db.exec("PRAGMA user_version = 9000");
  db.close();
  await assert.rejects(openSqliteJournal({ file, indexes: [] }), isError("store-newer"));
  await assert.rejects(openSqliteJournal({ file, indexes: [] }), isError("store-newer"), "the lock was given back");
});

test("a file that is not a database is refused", async (t) => {
  const file = await newFile(t);
  await writeFile(file, "this is a letter, not a database\n".repeat(100));
  await assert.rejects(openSqliteJournal({ file, indexes: [] }), isError("data-unusable"));
});

test("every commit is one fsync, those that arrive together share one, and those that need none wait for none", async (t) => {
  const file = await newFile(t);
  const program = `
    const { openSqliteJournal } = await import(${JSON.stringify(new URL("./sqlite.ts", import.meta.url).href)});
    const journal = await openSqliteJournal({ file: process.argv[1], indexes: [] });
    const append = (stream, survives = "power-cut") =>
      journal.append([{ stream, expected: 0, events: [{}], snapshot: 0 }], { survives });
    for (let n = 0; n < Number(process.argv[2]); n += 1) await append("alone/" + n);
    await Promise.all(Array.from({ length: Number(process.argv[3]) }, (_, n) => append("together/" + n)));
    for (let n = 0; n < Number(process.argv[4]); n += 1) await append("crash/" + n, "crash");
    if (Number(process.argv[4])) await Promise.all([append("mixed/1", "crash"), append("mixed/2"), append("mixed/3", "crash")]);
    process.kill(process.pid, "SIGKILL");`;
  /** 0 where there is no strace, or where it is not allowed to trace. */
  const countFsyncs = async (...counts: readonly [alone: number, together: number, crash: number]): Promise<number> => {
    const trace = `${file}.${counts.join(".")}`;
    const run = [process.execPath, "--input-type=module", "-e", program, `${trace}.db`, ...counts.map(String)];
    const child = spawn("strace", ["-f", "-e", "trace=fsync,fdatasync", "-o", trace, ...run], { stdio: "ignore" });
    await once(child, "close").catch(() => undefined);
    const text = await readFile(trace, "utf8").catch(() => "");
    return text.split("\n").filter((line) => /f(data)?sync\(\d+\) += 0/.test(line)).length;
  };
  const opening = await countFsyncs(0, 0, 0);
  if (opening === 0) return t.skip("there is no strace to count fsync with");
  assert.equal(await countFsyncs(20, 0, 0), opening + 20);
  assert.equal(await countFsyncs(0, 200, 0), opening + 1);
  // The time is stored twice a second, durably.
  const crash = (await countFsyncs(0, 0, 20)) - opening;
  assert.ok(crash >= 1 && crash <= 6, `${crash} for 20 appends that need none and one that does`);
});

test("when the disk refuses, the appends reject, and later ones go on with the next seq", async (t) => {
  const file = await newFile(t);
  const journal = await openSqliteJournal({ file, indexes: [] });
  t.after(() => journal.close());
  await journal.append([{ stream: "task/a", expected: 0, events: [{ n: 1 }], snapshot: 1 }]);
  const other = new DatabaseSync(file);
  other.exec("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
  const failing = [1, 2].map((n) =>
    journal.append([{ stream: `task/b${n}`, expected: 0, events: [{ n }], snapshot: n }]),
  );
  for (const one of failing) await assert.rejects(one, /the disk is full/);
  other.exec("DROP TRIGGER full");
  other.close();
  assert.equal(await journal.load("task/b1"), undefined);
  const result = await journal.append([{ stream: "task/a", expected: 1, events: [{ n: 2 }], snapshot: 2 }]);
  assert.deepEqual(result, { ok: true, seq: 2 });
});

test("a change of the indexes keeps what was written", async (t) => {
  const file = await newFile(t);
  const first = await openSqliteJournal({ file, indexes: ["old"] });
  await first.append([{ stream: "task/a", expected: 0, events: [], snapshot: 1, index: { old: ["x"] } }]);
  await first.close();
  const second = await openSqliteJournal({ file, indexes: ["new"] });
  assert.deepEqual(await second.find({ index: "new", limit: 1 }), { items: [] });
  await assert.rejects(second.find({ index: "old", limit: 1 }), TypeError);
  await second.close();
});

for (const [version, sound] of [
  ["3.51.2", false],
  ["3.51.3", true],
  ["3.52.0", false],
  ["3.52.1", true],
  ["3.53.0", true],
  ["3.9.9", false],
  ["4.0.0", true],
  ["unknown", false],
] as const) {
  test(`SQLite ${version} is ${sound ? "used" : "refused"}`, () => {
    if (sound) refuseUnsoundSqlite(version);
    else assert.throws(() => refuseUnsoundSqlite(version), isError("config-invalid"));
  });
}
