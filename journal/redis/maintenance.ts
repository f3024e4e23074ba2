// Keeps the local file from bringing back what is over. A process writes down what it changed itself; what others did with
// the same streams afterwards (end a task, remove it) it does not hear. So it looks from time to time, and what it has not
// looked at for half a day it does not trust.

import { type Connection, shaOf } from "./connections.ts";
import type { Keys } from "./keys.ts";
import type { RecoveryFile, RecoveryStream } from "./recovery-file.ts";

export type MaintenanceDeps = {
  readonly keys: Keys;
  readonly ledger: RecoveryFile;
  readonly keep: (stream: string, indexes: readonly string[]) => boolean;
};

/** How often to look. */
export const MAINTENANCE_EVERY_MS = 60_000;
/** Whoever was away for longer puts nothing back that is not there: it may have been removed. See Journal.remove. */
export const TRUST_MICROS = 12 * 3_600_000_000;

const TOGETHER = 500;

/** Streams that are to be kept no longer are forgotten. Does nothing when the store was taken over meanwhile. */
export async function maintain({ keys, ledger, keep }: MaintenanceDeps, link: Connection): Promise<void> {
  const kept = ledger.all().filter((one) => one.keep);
  const found = await lookUp(kept, keys, link);
  const over = kept.filter(({ stream, version }) => {
    const now = found.get(stream);
    return now === "absent" || (now !== undefined && now.version > version && !keep(stream, now.indexes));
  });
  ledger.forget(over.map(({ stream }) => stream));
}

/** Forgets what is not in the store, instead of putting it back. Answers how many. */
export async function distrust({ keys, ledger }: Omit<MaintenanceDeps, "keep">, link: Connection): Promise<number> {
  const all = ledger.all();
  const found = await lookUp(all, keys, link);
  const absent = all.filter(({ stream }) => found.get(stream) === "absent").map(({ stream }) => stream);
  ledger.forget(absent);
  return absent.length;
}

type Stored = "absent" | { readonly version: number; readonly indexes: readonly string[] };

/** Streams of which nothing is known, because the store is another one by now, are left out. */
async function lookUp(
  streams: readonly RecoveryStream[],
  keys: Keys,
  link: Connection,
): Promise<ReadonlyMap<string, Stored>> {
  const all = new Map<string, Stored>();
  for (let at = 0; at < streams.length; at += TOGETHER) {
    const names = streams.slice(at, at + TOGETHER).map(({ stream }) => stream);
    const answer = await link.read.evalsha(shaOf("status"), 1, keys.meta, keys.prefix, link.run, ...names);
    const [word, ...rows] = answer as [string, ...(readonly string[])[]];
    if (word !== "ok") return new Map();
    for (const [n, [version = "", ...indexes]] of rows.entries())
      all.set(names[n] ?? "", version === "" ? "absent" : { version: Number(version), indexes });
  }
  return all;
}
