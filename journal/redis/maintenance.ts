// Keeps the recovery file from restoring streams that are over. A process records its own changes but does not hear what
// others did to the same streams afterwards (ended a task, removed it). So it checks from time to time, and does not trust
// what it has not checked for half a day.

import { type Connection, shaOf } from "./connection.ts";
import type { Keys } from "./keys.ts";
import type { RecoveryFile, RecoveryStream } from "./recovery-file.ts";

export type MaintenanceDeps = {
  readonly keys: Keys;
  readonly file: RecoveryFile;
  readonly keep: (stream: string, indexes: readonly string[]) => boolean;
};

/** How often to check. */
export const MAINTENANCE_EVERY_MS = 60_000;
/** A process that was away for longer restores no missing stream: it may have been removed. See Journal.remove. */
export const TRUST_MICROS = 12 * 3_600_000_000;

const TOGETHER = 500;

/** Forgets streams that need not be kept any more. Does nothing when the store was taken over meanwhile. */
export async function maintain({ keys, file, keep }: MaintenanceDeps, connection: Connection): Promise<void> {
  const kept = file.all().filter((one) => one.keep);
  const found = await lookUp(kept, keys, connection);
  const over = kept.filter(({ stream, version }) => {
    const now = found.get(stream);
    return now === "absent" || (now !== undefined && now.version > version && !keep(stream, now.indexes));
  });
  file.forget(over.map(({ stream }) => stream));
}

/** Forgets streams that are not in the store instead of restoring them. Answers how many. */
export async function distrust({ keys, file }: Omit<MaintenanceDeps, "keep">, connection: Connection): Promise<number> {
  const all = file.all();
  const found = await lookUp(all, keys, connection);
  const absent = all.filter(({ stream }) => found.get(stream) === "absent").map(({ stream }) => stream);
  file.forget(absent);
  return absent.length;
}

type Stored = "absent" | { readonly version: number; readonly indexes: readonly string[] };

/** Empty when the store was taken over meanwhile. */
async function lookUp(
  streams: readonly RecoveryStream[],
  keys: Keys,
  connection: Connection,
): Promise<ReadonlyMap<string, Stored>> {
  const all = new Map<string, Stored>();
  for (let at = 0; at < streams.length; at += TOGETHER) {
    const names = streams.slice(at, at + TOGETHER).map(({ stream }) => stream);
    const answer = await connection.read.evalsha(shaOf("status"), 1, keys.meta, keys.prefix, connection.run, ...names);
    const [word, ...rows] = answer as [string, ...(readonly string[])[]];
    if (word !== "ok") return new Map();
    for (const [n, [version = "", ...indexes]] of rows.entries())
      all.set(names[n] ?? "", version === "" ? "absent" : { version: Number(version), indexes });
  }
  return all;
}
