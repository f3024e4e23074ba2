// Migrations are numbered and never edited; what an old journal holds can be read after each of them.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { migrate, readMigrations } from "./migrate.ts";
import { openSqliteJournal } from "./sqlite.ts";

/** SHA-256 of every released migration. A new one adds a line; a line never changes. */
const SEALS: readonly string[] = [
  "ec7266a0870bba34dd9318c68a430f75cb148556a536e716412e92e3fc2bc9be",
  "5a86473c0fcbb175fdfbb16221e9489cd48a4bb8875985246756766da58befca",
];

const migrations = readMigrations();

test("every migration is sealed and unchanged", () => {
  assert.deepEqual(
    migrations.map((one) => createHash("sha256").update(one.sql).digest("hex")),
    SEALS,
  );
});

for (const migration of migrations) {
  test(`a journal at ${migration.name} is carried over to the newest layout`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "gantry-migrate-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "journal.db");
    const db = new DatabaseSync(file);
    migrate(db, file, migrations.slice(0, migration.number));
    const sample = new URL(`./migrations/${migration.name.replace(".sql", ".sample.sql")}`, import.meta.url);
    db.exec(await readFile(sample, "utf8"));
    db.close();

    const journal = await openSqliteJournal({ file, indexes: ["all"] });
    t.after(() => journal.close());
    const snapshot = { state: "running", note: '줄 1\n"quoted" 😀' };
    assert.deepEqual(await journal.load("task/t01"), { version: 2, snapshot });
    assert.deepEqual(await journal.load("runner/seoul-1"), { version: 0, snapshot: { slots: 4 } });
    assert.deepEqual(await journal.feed({ after: 1, limit: 10 }), [
      { seq: 2, stream: "task/t01", version: 2, atMicros: 1_750_000_000_000_001, event: { kind: "TaskStarted" } },
    ]);
    const page = await journal.find({ index: "all", prefix: "2025", limit: 10 });
    assert.deepEqual(
      page.items.map((item) => item.stream),
      ["task/t01"],
    );
    assert.ok((await journal.now()) > 1_750_000_001_000_000);
    const result = await journal.append([{ stream: "task/t01", expected: 2, events: [{ n: 3 }], snapshot: 3 }]);
    assert.deepEqual(result, { ok: true, seq: 3 });
  });
}

test("migrating twice changes nothing", () => {
  const db = new DatabaseSync(":memory:");
  migrate(db, "x", migrations);
  migrate(db, "x", migrations);
  assert.equal(db.prepare("PRAGMA user_version").get()?.user_version, migrations.length);
  db.close();
});

test("a migration that fails leaves the layout before it", () => {
  const db = new DatabaseSync(":memory:");
  migrate(db, "x", migrations);
  const bad = { number: migrations.length + 1, name: "bad", sql: "CREATE TABLE half (id INTEGER); SELECT nonsense;" };
  assert.throws(() => migrate(db, "x", [...migrations, bad]));
  assert.equal(db.prepare("PRAGMA user_version").get()?.user_version, migrations.length);
  assert.deepEqual(db.prepare("SELECT name FROM sqlite_schema WHERE name = 'half'").all(), []);
  db.close();
});
