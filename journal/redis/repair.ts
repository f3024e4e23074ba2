// After a failover, and after the store was emptied: puts back what this process had been told was committed, and tells
// what cannot be put back.

import { type Clock, pause } from "@gantry/runtime/clock.ts";
import { textOf, unavailable } from "./client.ts";
import { type Connection, shaOf } from "./connections.ts";
import type { Keys } from "./keys.ts";
import type { RedisReport } from "./options.ts";
import type { RecoveryFile, RecoveryStream } from "./recovery-file.ts";
import { entryArgs } from "./writer.ts";

export type RepairDeps = {
  readonly keys: Keys;
  readonly ledger: RecoveryFile;
  readonly clock: Clock;
  readonly waitReplicas: number;
  readonly waitMs: number;
  readonly report: (report: RedisReport) => void;
};

/** Streams that are repaired, and compared, at once: Redis does nothing else meanwhile. */
const TOGETHER = 50;
const COMPARED = 500;
/** Every agent looks once per second whether the store is still the same. */
const SETTLE_MS = 1_200;

/**
 * Does nothing when the ledger was already compared with this run of this store. Throws when the store fails meanwhile;
 * then the link must not be used. True: what is here is there, and need not be compared with this run again. Safe to
 * repeat, and safe beside other agents that do the same.
 */
export async function repair(
  { keys, ledger, clock, waitReplicas, waitMs, report }: RepairDeps,
  link: Connection,
): Promise<boolean> {
  const { store, run } = link;
  if (ledger.checked?.store === store && ledger.checked.run === run) return true;
  const wiped = ledger.checked !== undefined && ledger.checked.store !== store;
  const all = await findChanged(ledger.all(), keys, link);
  const differing: string[] = [];
  let streams = 0;
  let events = 0;
  for (let at = 0; at < all.length; at += TOGETHER) {
    const group = all.slice(at, at + TOGETHER);
    const pipeline = link.write.pipeline();
    for (const one of group)
      pipeline.evalsha(shaOf("repair"), 2, keys.meta, keys.feed, keys.prefix, run, ...repairArgs(one));
    for (const [n, [error, answer]] of ((await pipeline.exec()) ?? []).entries()) {
      if (error) throw unavailable(`What was lost cannot be put back: ${textOf(error)}`, error);
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
  // The others have something to put back as well: until then a stream that is not there proves nothing.
  if (wiped || streams > 0) await pause(clock, SETTLE_MS);
  // Until enough replicas have it too, the next link looks again.
  return waitReplicas === 0 || streams === 0 || (await link.write.wait(waitReplicas, waitMs)) >= waitReplicas;
}

/** Those that are not as we left them: most often because somebody else has gone on with them. */
async function findChanged(
  all: readonly RecoveryStream[],
  keys: Keys,
  link: Connection,
): Promise<readonly RecoveryStream[]> {
  const changed = new Set<string>();
  for (let at = 0; at < all.length; at += COMPARED) {
    const args = all.slice(at, at + COMPARED).flatMap(({ stream, version, op }) => [stream, version, op]);
    const names = (await link.write.evalsha(shaOf("check"), 1, keys.meta, keys.prefix, ...args)) as string[];
    for (const name of names) changed.add(name);
  }
  return all.filter(({ stream }) => changed.has(stream));
}

function repairArgs({ stream, version, op, snapshot, entries, events }: RecoveryStream): (string | number)[] {
  const listed = events.flatMap((event) => [event.version, event.micros, event.text]);
  return [stream, version, op, snapshot, ...entryArgs(entries), events.length, ...listed];
}
