// Archives old deliveries while the notify-agent is killed (SIGKILL) repeatedly. Afterwards each delivery must be complete in
// the journal or complete in the archive.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "@gantry/core/json.ts";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import { delivered } from "@gantry/notify-agent/deliveries/delivery.fixture.ts";
import {
  DELIVERY_STREAMS,
  type Delivery,
  NOTIFY_INDEXES,
  recordDelivery,
  streamIdOf,
} from "@gantry/notify-agent/deliveries/delivery.ts";
import { DELIVERIES } from "@gantry/notify-agent/retention/retention.ts";
import { freePort } from "@gantry/runtime/free-ports.ts";
import { end, TestBed, TOKEN } from "../../processes/agent-process.ts";
import { hasSwept, SWEEPING } from "./retention.ts";
import { readArchive } from "./retention-audit.ts";

export type DeliveryFigures = {
  readonly kills: number;
  readonly oldDeliveries: number;
  readonly leftForArchive: number;
  readonly inBoth: number;
  readonly archivedTwice: number;
  /** All of these must be 0. */
  readonly lost: number;
  readonly damaged: number;
  readonly leftWrongly: number;
};

const DAY_MS = 86_400_000;
const OTHERS = 50;
const DRAIN_LIMIT_MS = 120_000;

export async function killWhileDeliveriesLeave(
  kills: number,
  { longestMs = 600, perKill = 200 } = {},
): Promise<DeliveryFigures> {
  const bed = await TestBed.open();
  const open = () => openSqliteJournal({ file: join(bed.folder, "notify.db"), indexes: NOTIFY_INDEXES });
  try {
    const nowMs = Date.now();
    const old = many(kills * perKill, (n) => delivered(`task-ended/t${n}/ops`, `t${n}`, nowMs - 60 * DAY_MS + n));
    const young = many(OTHERS, (n) => delivered(`task-ended/y${n}/ops`, `y${n}`, nowMs - DAY_MS + n));
    const lasting = many(OTHERS, (n) => delivered(`app-made/app-${n}/ops`, `l${n}`, nowMs - 61 * DAY_MS + n));
    const journal = await open();
    for (const one of [...old, ...young, ...lasting])
      await journal.append([recordDelivery(one, 0, { kind: "Decided" })]);
    await journal.close();
    const played = await run(bed, kills, longestMs);
    return { kills: played, oldDeliveries: old.length, ...(await audit(bed, open, old, [...young, ...lasting])) };
  } finally {
    await bed.close();
  }
}

async function run(bed: TestBed, kills: number, longestMs: number): Promise<number> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(bed.folder, "notify.json");
  const agent = { url: "http://127.0.0.1:1", token: TOKEN };
  await writeFile(file, JSON.stringify({ data: bed.folder, port, token: TOKEN, agent, logLevel: "silent" }));
  for (let kill = 0; ; kill += 1) {
    const child = bed.spawn([process.execPath, SWEEPING, "--config", file]);
    const isUp = (): Promise<boolean> =>
      fetch(`${url}/livez`).then(
        () => true,
        () => false,
      );
    while (!(await isUp())) await pause(20);
    const isDone = await isSwept(url, kill < kills ? Math.random() * longestMs : DRAIN_LIMIT_MS);
    await end(child);
    if (isDone) return kill;
    if (kill === kills) throw new Error("old deliveries are still there after two minutes");
  }
}

/** Waits for a complete retention pass, at most this long; returns whether there was one. */
async function isSwept(url: string, mostMs: number): Promise<boolean> {
  for (const until = performance.now() + mostMs; performance.now() < until; await pause(20))
    if (await hasSwept({ url })) return true;
  return false;
}

async function audit(
  bed: TestBed,
  open: () => ReturnType<typeof openSqliteJournal>,
  old: readonly Delivery[],
  others: readonly Delivery[],
): Promise<Omit<DeliveryFigures, "kills" | "oldDeliveries">> {
  const archived = await readArchive(join(bed.folder, "archive"), DELIVERIES);
  const journal = await open();
  let [lost, damaged, inBoth, archivedTwice, leftWrongly] = [0, 0, 0, 0, 0];
  for (const one of old) {
    const loaded = await DELIVERY_STREAMS.load(journal, streamIdOf(one.key));
    const records = archived.get(one.id) ?? [];
    if (!loaded && records.length === 0) lost += 1;
    if (loaded && records.length > 0) inBoth += 1;
    if (records.length > 1) archivedTwice += 1;
    const copies: unknown[] = [...(loaded ? [loaded.state] : []), ...records.map((record) => record.delivery)];
    if (!copies.every((copy) => isDeepStrictEqual(copy, one)) || !records.every(hasItsTry)) damaged += 1;
  }
  for (const one of others)
    if (archived.has(one.id) || !(await DELIVERY_STREAMS.load(journal, streamIdOf(one.key)))) leftWrongly += 1;
  await journal.close();
  return { leftForArchive: archived.size, inBoth, archivedTwice, lost, damaged, leftWrongly };
}

function hasItsTry({ events }: JsonObject): boolean {
  return Array.isArray(events) && events.length === 1;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function many<T>(count: number, make: (n: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}
