// Old deliveries move to the archive, without causing a second message.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { deliveryRetention } from "@gantry/core/retention/policy.ts";
import { findArchived, openArchiveWriter } from "@gantry/journal/archive/archive.ts";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import fc from "fast-check";
import { Registry } from "prom-client";
import { delivered } from "../deliveries/delivery.fixture.ts";
import { DELIVERY_STREAMS, NOTIFY_INDEXES, recordDelivery, streamIdOf } from "../deliveries/delivery.ts";
import { DAY_MS, mayBeRemoved } from "./decide-removal.ts";
import { DELIVERIES, openRetention } from "./retention.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const NOW = 1_790_000_000_000;
test("only settled, old deliveries are removed whose key cannot occur again", () => {
  const env = fc.record({
    state: fc.constantFrom("pending" as const, "delivered" as const, "refused" as const, "given-up" as const),
    key: fc.constantFrom("task-ended/t1/ops", "app/orders/ops"),
    created: fc.integer({ min: 0, max: 100 * DAY_MS }),
    at: fc.integer({ min: 0, max: 100 * DAY_MS }),
    days: fc.integer({ min: 7, max: 60 }),
    maxAgeMs: fc.integer({ min: 0, max: 60 * DAY_MS }),
    enabled: fc.boolean(),
  });
  fc.assert(
    fc.property(env, ({ state, key, created, at, days, maxAgeMs, enabled }) => {
      const one = { key, task: "t1", state, createdMs: NOW - created, atMs: NOW - at };
      const leaves = mayBeRemoved(one, { policy: { enabled, days }, maxAgeMs, nowMs: NOW });
      const ageMs = Math.min(created, at);
      const may = enabled && state !== "pending" && key.includes("t1") && ageMs >= days * DAY_MS;
      assert.equal(leaves, may && ageMs >= maxAgeMs + DAY_MS);
    }),
  );
});

test("a pass moves old deliveries to the archive; the others stay", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-deliveries-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const clock = new SteppedClock();
  const journal = openMemoryJournal({ indexes: NOTIFY_INDEXES, clock });
  const start = clock.nowMs();
  const kept = [
    delivered("app/orders/ops", "t1", start + 900),
    delivered("task-ended/t1/pending", "t1", start + 901, { state: "pending" }),
    delivered("task-ended/t1/young", "t1", start + 20 * DAY_MS),
  ];
  const old = Array.from({ length: 45 }, (_, at) =>
    delivered(`task-ended/t1/${at}`, "t1", start + at, at % 2 === 0 ? { channel: "inbox" } : {}),
  );
  for (const one of [...old, ...kept])
    await journal.append([recordDelivery(one, 0, { kind: "DeliveryRecorded", key: one.key })]);
  clock.jumpWall(31 * DAY_MS);
  const registry = new Registry();
  const retention = openRetention({
    journal,
    archive: openArchiveWriter({ folder, kind: DELIVERIES, nowMs: clock.nowMs }),
    policy: deliveryRetention.parse({}),
    maxAgeMs: 3 * DAY_MS,
    clock: { ...clock, after: soon },
    random: () => 0,
    logger: quiet,
    registry,
  });
  await Promise.all([retention.run(), retention.run()]);
  const page = await journal.find({ index: "deliveries", limit: 100 });
  assert.deepEqual(
    page.items.map(({ stream }) => stream),
    kept.map(({ key }) => DELIVERY_STREAMS.name(streamIdOf(key))),
  );
  assert.deepEqual((await journal.find({ index: "inbox", limit: 100 })).items, []);
  for (const one of [old[0], old[44]]) {
    const found = await findArchived(folder, DELIVERIES, { day: "2026-01-01", id: one?.id ?? "" });
    assert.deepEqual(found?.delivery, one);
  }
  assert.match(await registry.metrics(), /gantry_retention_archived_deliveries 45\n/);
  await retention.close();
});

/** Rests are over at once. */
function soon(_ms: number, run: () => void): () => void {
  const timer = setImmediate(run);
  return () => clearImmediate(timer);
}
