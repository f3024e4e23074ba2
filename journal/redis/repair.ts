// After a failover, or after the store was emptied: restores what this process knows was committed, and reports what cannot
// be restored.

import { type Clock, pause } from "@gantry/runtime/clock.ts";

import { entryArgs } from "./batches.ts";

import { textOf, unavailable } from "./client.ts";
import { type Connection, shaOf } from "./connection.ts";
import type { Keys } from "./keys.ts";
import type { RedisReport } from "./options.ts";
import type { RecoveryFile, RecoveryStream } from "./recovery-file.ts";

export type RepairDeps = {
  readonly keys: Keys;
  readonly file: RecoveryFile;
  readonly clock: Clock;
  readonly waitReplicas: number;
  readonly waitMs: number;
  readonly report: (report: RedisReport) => void;
};

/** How many streams are repaired, and compared, per call: Redis does nothing else meanwhile. */
const TOGETHER = 50;
const COMPARED = 500;
/** Longer than the second after which every agent notices that the store has changed, so that all have repaired it. */
const SETTLE_MS = 1_200;

/**
 * Does nothing when the file was already compared with this run of this store. Rejects when the store fails meanwhile;
 * then the connection must not be used. True: the store has everything, and need not be compared with this run again.
 * Safe to repeat, and safe while other agents do the same.
 */
export async function repair(
  { keys, file, clock, waitReplicas, waitMs, report }: RepairDeps,
  connection: Connection,
): Promise<boolean> {
  const { store, run } = connection;
  if (file.checked?.store === store && file.checked.run === run) return true;
  const wiped = file.checked !== undefined && file.checked.store !== store;
  const all = await findChanged(file.all(), keys, connection);
  const differing: string[] = [];
  let streams = 0;
  let events = 0;
  for (let at = 0; at < all.length; at += TOGETHER) {
    const group = all.slice(at, at + TOGETHER);
    const pipeline = connection.write.pipeline();
    for (const one of group)
      pipeline.evalsha(shaOf("repair"), 2, keys.meta, keys.feed, keys.prefix, run, ...repairArgs(one));
    for (const [n, [error, answer]] of ((await pipeline.exec()) ?? []).entries()) {
      if (error) throw unavailable(`Lost writes cannot be restored: ${textOf(error)}`, error);
      const [word, count] = answer as [string, string?];
      if (word === "moved") throw unavailable("The store was taken over or emptied.");
      if (word === "differs") differing.push(group[n]?.stream ?? "?");
      if (word !== "repaired") continue;
      streams += 1;
      events += Number(count);
    }
  }
  if (streams > 0) report({ kind: "repaired", wiped, streams, events });
  if (differing.length > 0) report({ kind: "differs", streams: differing });
  // Other agents restore their writes too. Until they have, a missing stream proves nothing.
  if (wiped || streams > 0) await pause(clock, SETTLE_MS);
  // Until enough replicas have it, the next connection compares again.
  return waitReplicas === 0 || streams === 0 || (await connection.write.wait(waitReplicas, waitMs)) >= waitReplicas;
}

/** Streams that differ from what we wrote last, mostly because another agent has changed them since. */
async function findChanged(
  all: readonly RecoveryStream[],
  keys: Keys,
  connection: Connection,
): Promise<readonly RecoveryStream[]> {
  const changed = new Set<string>();
  for (let at = 0; at < all.length; at += COMPARED) {
    const args = all.slice(at, at + COMPARED).flatMap(({ stream, version, op }) => [stream, version, op]);
    const names = (await connection.write.evalsha(shaOf("check"), 1, keys.meta, keys.prefix, ...args)) as string[];
    for (const name of names) changed.add(name);
  }
  return all.filter(({ stream }) => changed.has(stream));
}

function repairArgs({ stream, version, op, snapshot, entries, events }: RecoveryStream): (string | number)[] {
  const listed = events.flatMap((event) => [event.version, event.micros, event.text]);
  return [stream, version, op, snapshot, ...entryArgs(entries), events.length, ...listed];
}
