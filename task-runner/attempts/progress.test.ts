// The times of steps that could not be reported at once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import type { JobRef, StepProgress } from "@gantry/wire/runner/protocol.ts";
import type { RunnerClient } from "@gantry/wire/runner/runner-client.ts";
import type { Link } from "../agent-link/agent-link.ts";
import type { DiskJournal } from "../state/disk-journal.ts";
import { type DiskRecord, type DiskState, fold, recordsOf } from "../state/disk-state.ts";
import { createOutbox } from "./progress.ts";

const REF: JobRef = { task: "t1", job: "build", attempt: 1, fence: 7 };
const LEASE = { renewEveryMs: 1, selfFenceMs: 2, reassignAfterMs: 3 };
const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };

/** A task-agent that is away until `open` is called, and the disk of the runner. */
function outage() {
  const back = Promise.withResolvers<void>();
  const sent: StepProgress[] = [];
  const client = {
    progress: async ({ from, events }: { from: number; events: StepProgress[] }) => {
      sent.push(...events);
      return from - 1 + events.length;
    },
  } as unknown as RunnerClient;
  const call: Link["call"] = async (run, options) => {
    await back.promise;
    return run(client, "s1", options);
  };
  const records: DiskRecord[] = [{ k: "claimed", ref: REF, lease: LEASE }];
  const disk = { note: (record: DiskRecord) => void records.push(record) } as Partial<DiskJournal> as DiskJournal;
  return { link: { call } as Partial<Link> as Link, disk, records, sent, open: back.resolve };
}

const start = (step: string): StepProgress => ({ kind: "step-started", step });

test("steps that are reported after an outage have the time since they happened", async () => {
  const clock = new SteppedClock();
  const { link, disk, sent, open } = outage();
  const { signal } = new AbortController();
  const outbox = createOutbox({ ref: REF, link, disk, deps: { logger, clock }, signal, onRefused: silent });
  outbox.push(start("one"));
  await clock.pass(60_000);
  clock.jumpWall(-3_600_000);
  outbox.push(start("two"));
  await clock.pass(30_000);
  outbox.push(start("three"));
  open();
  await outbox.flushed();
  assert.deepEqual(sent, [{ ...start("one"), agoMs: 90_000 }, { ...start("two"), agoMs: 30_000 }, start("three")]);
});

test("steps of a runner that crashed keep their times, also when its journal was rewritten", async () => {
  const before = new SteppedClock();
  const first = outage();
  const { signal } = new AbortController();
  const deps = { logger, clock: before };
  const crashed = createOutbox({ ref: REF, link: first.link, disk: first.disk, deps, signal, onRefused: silent });
  crashed.push(start("one"));

  const state: DiskState = { attempts: new Map(), effects: new Map() };
  for (const record of first.records) fold(state, record);
  const again: DiskState = { attempts: new Map(), effects: new Map() };
  for (const record of recordsOf(state)) fold(again, record);
  const [attempt] = again.attempts.values();

  const clock = new SteppedClock();
  clock.jumpWall(45_000);
  const second = outage();
  const outbox = createOutbox({
    ref: REF,
    link: second.link,
    disk: second.disk,
    deps: { logger, clock },
    signal,
    onRefused: silent,
    events: [...(attempt?.events ?? []), { event: start("old"), atMs: undefined }],
  });
  second.open();
  await outbox.flushed();
  assert.deepEqual(second.sent, [{ ...start("one"), agoMs: 45_000 }, start("old")]);
});
