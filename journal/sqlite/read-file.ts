// Reads a journal in a SQLite file as it is stored, text by text. Its owner may be running.

import { DatabaseSync } from "node:sqlite";

export type JournalFile = {
  /** The text of a stream's snapshot. */
  readonly snapshot: (stream: string) => string | undefined;
  /** The texts of all events of the streams `<prefix><number>`, by that number and then by version. */
  readonly events: (prefix: string) => Iterable<string>;
  readonly close: () => void;
};

/** All reads see the journal as it was at one moment. Throws SQLite's error when the file cannot be used. */
export function openJournalFile(file: string): JournalFile {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    db.exec("BEGIN");
  } catch (error) {
    db.close();
    throw error;
  }
  return {
    snapshot: (stream) => {
      const row = db.prepare("SELECT snapshot FROM streams WHERE name = ?").get(stream);
      return row && String(row.snapshot);
    },
    events: function* (prefix) {
      const rows = db
        .prepare(
          `SELECT e.event FROM events e JOIN streams s ON s.id = e.stream WHERE substr(s.name, 1, ?) = ?
           ORDER BY CAST(substr(s.name, ? + 1) AS INTEGER), e.version`,
        )
        .iterate(prefix.length, prefix, prefix.length);
      for (const row of rows) yield String(row.event);
    },
    close: () => db.close(),
  };
}
