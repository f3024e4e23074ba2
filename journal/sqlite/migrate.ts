// Brings a SQLite file to the newest layout. Migrations are numbered files that are never edited once released.

import { readdirSync, readFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { GantryError } from "@gantry/core/errors.ts";

export type Migration = { readonly number: number; readonly name: string; readonly sql: string };

const FOLDER = new URL("./migrations/", import.meta.url);

/** The migrations in order: 1, 2, 3 … without gaps. */
export function readMigrations(): readonly Migration[] {
  const names = readdirSync(FOLDER)
    .filter((name) => /^\d{4}_[a-z0-9-]+\.sql$/.test(name))
    .sort();
  return names.map((name, at) => {
    const number = Number(name.slice(0, 4));
    if (number !== at + 1) throw new Error(`migrations: ${name} should have the number ${at + 1}`);
    return { number, name, sql: readFileSync(new URL(name, FOLDER), "utf8") };
  });
}

/** Applies the missing migrations, each in its own transaction. Throws `store-newer` for a file of a newer version. */
export function migrate(db: DatabaseSync, file: string, migrations: readonly Migration[]): void {
  const found = Number(db.prepare("PRAGMA user_version").get()?.user_version);
  const known = migrations.length;
  if (found > known) throw new GantryError("store-newer", { file, found, known });
  for (const migration of migrations.slice(found)) {
    db.exec("BEGIN IMMEDIATE");
    try {
      db.exec(migration.sql);
      db.exec(`PRAGMA user_version = ${migration.number}`);
      db.exec("COMMIT");
    } catch (error) {
      db.exec("ROLLBACK");
      throw error;
    }
  }
}
