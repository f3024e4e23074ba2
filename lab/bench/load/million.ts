// A store with a million tasks, made from tasks that a real agent wrote: their rows are copied inside SQLite with other ids,
// times and apps. Streams, snapshots and index entries are complete; each task has only its last event.

import { DatabaseSync } from "node:sqlite";

export type Seed = {
  readonly id: string;
  readonly app: string;
  readonly requestedAt: number;
  /** `open` or the outcome. */
  readonly state: string;
};

export const APPS = 200;
const MINUTE_MS = 60_000;

/** Each copy is a minute older than the one before. `parts`: how many copies of which seed task. */
export function fillStore(file: string, parts: readonly { readonly seed: Seed; readonly copies: number }[]): void {
  const db = new DatabaseSync(file);
  db.exec(
    "PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000",
  );
  db.exec("PRAGMA temp_store = MEMORY; DROP INDEX entries_by_stream; BEGIN");
  db.exec("CREATE TEMP TABLE copy (n INTEGER PRIMARY KEY, id TEXT, app TEXT, at INTEGER, state TEXT, seed TEXT)");
  let first = 1;
  for (const { seed, copies } of parts) {
    db.prepare(
      `WITH RECURSIVE count (n) AS (SELECT ? UNION ALL SELECT n + 1 FROM count WHERE n < ?)
       INSERT INTO copy SELECT n, printf('t%019d', n), printf('app-%03d', n % ${APPS}), ? - n * ${MINUTE_MS}, ?, ? FROM count`,
    ).run(first, first + copies - 1, seed.requestedAt, seed.state, `task/${seed.id}`);
    db.prepare(
      `INSERT INTO streams (name, version, snapshot) SELECT 'task/' || c.id, s.version,
         replace(replace(replace(s.snapshot, ?, c.id), ?, '"app":"' || c.app || '"'), ?, '"requestedAt":' || c.at)
       FROM copy c JOIN streams s ON s.name = c.seed WHERE c.n BETWEEN ? AND ? ORDER BY c.n`,
    ).run(seed.id, `"app":"${seed.app}"`, `"requestedAt":${seed.requestedAt}`, first, first + copies - 1);
    first += copies;
  }
  const lastSeq = Number(db.prepare("SELECT MAX(seq) AS seq FROM events").get()?.seq);
  db.prepare(
    `INSERT INTO events (seq, stream, version, at_micros, event)
     SELECT ? + c.n, t.id, t.version, c.at * 1000, e.event FROM copy c JOIN streams t ON t.name = 'task/' || c.id
     JOIN streams s ON s.name = c.seed JOIN events e ON e.stream = s.id AND e.version = s.version ORDER BY c.n`,
  ).run(lastSeq);
  const key = "printf('%015d', at) || '/' || id";
  const entries = [
    ["open", key, "WHERE state = 'open'"],
    ["tasks", key, ""],
    ["tasks-by-app", `app || '/' || ${key}`, ""],
    ["tasks-by-state", `state || '/' || ${key}`, ""],
  ] as const;
  for (const [index, keys, where] of entries)
    db.exec(
      `INSERT INTO entries (name, key, stream) SELECT '${index}', ${keys} AS k, 'task/' || id FROM copy ${where} ORDER BY k`,
    );
  db.exec("CREATE INDEX entries_by_stream ON entries (stream); COMMIT");
  db.close();
}
