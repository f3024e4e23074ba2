import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import type { HeartbeatReply } from "@gantry/wire/runner/protocol.ts";
import type { Link } from "../agent-link/agent-link.ts";
import { createLeases } from "./leases.ts";
import { elapsedMs } from "./moment.ts";
import type { Stopped } from "./stop.ts";

const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };
const ref = { task: "t1", job: "build", attempt: 1, fence: 7 };
const lease = { renewEveryMs: 15_000, selfFenceMs: 60_000, reassignAfterMs: 120_000 };

function hold(answer: () => Promise<HeartbeatReply>) {
  const clock = new SteppedClock();
  let beats = 0;
  const link: Link = {
    call: () => Promise.reject(new Error("not used")),
    once: async () => {
      beats += 1;
      return (await answer()) as never;
    },
  };
  const leases = createLeases(link, { clock, logger, random: () => 0.5 }, new AbortController().signal);
  const stops: Stopped[] = [];
  leases.hold({ ref, lease, mode: "strict", stop: (reason) => stops.push(reason) }, leases.now());
  return { leases, clock, stops, beats: () => beats };
}

const down = (): Promise<never> => Promise.reject(new GantryError("unavailable", { what: "x", problem: "y" }));

test("a lease is renewed at its interval, and the work continues", async () => {
  const { clock, stops, beats } = hold(async () => ({ items: [{ ref, state: "ok" }] }));
  await clock.pass(3_600_000);
  assert.equal(stops.length, 0);
  assert.equal(beats(), 240);
});

test("without renewals the work stops exactly when the lease expires, after several attempts to renew it", async () => {
  const { clock, stops, beats } = hold(down);
  await clock.pass(59_999);
  assert.equal(stops.length, 0);
  assert.ok(beats() >= 5);
  await clock.pass(1);
  assert.deepEqual(
    stops.map(({ kind, graceMs }) => [kind, graceMs]),
    [["fenced", 20_000]],
    "killed by 80 s, so that a clock that is wrong by a third does no harm",
  );
});

test("a renewal that hangs does not delay the fence", async () => {
  const { clock, stops } = hold(() => new Promise(() => {}));
  await clock.pass(60_000);
  assert.equal(stops[0]?.kind, "fenced");
});

test("the lease time counts from when the last renewal was sent", async () => {
  let up = true;
  const { clock, stops } = hold(() => (up ? Promise.resolve({ items: [{ ref, state: "ok" }] }) : down()));
  await clock.pass(15_000);
  up = false;
  await clock.pass(59_999);
  assert.equal(stops.length, 0);
  await clock.pass(15_001);
  assert.equal(stops[0]?.kind, "fenced");
});

test("after a suspend of the machine, the expiry is detected soon because the wall clock has advanced", async () => {
  const { clock, stops } = hold(down);
  await clock.pass(1_000);
  clock.jumpWall(600_000);
  await clock.pass(14_000);
  assert.deepEqual([stops[0]?.kind, stops[0]?.graceMs], ["fenced", 0], "there is no time left for a grace period");
});

test("setting the wall clock back changes nothing", async () => {
  const { clock, stops } = hold(down);
  clock.jumpWall(-7_200_000);
  await clock.pass(60_000);
  assert.equal(stops[0]?.kind, "fenced");
  assert.equal(elapsedMs({ monotonicMs: 0, wallMs: 100 }, { monotonicMs: 5, wallMs: 0 }), 5);
});

test("a lease that looks expired because the wall clock was set forward is renewed at once when it is needed", async () => {
  const { leases, clock, stops, beats } = hold(async () => ({ items: [{ ref, state: "ok" }] }));
  const never = new AbortController().signal;
  await leases.renewed(ref, never);
  assert.equal(beats(), 0, "the lease had not expired");
  clock.jumpWall(7_200_000);
  let isRenewed = false;
  const renewed = leases.renewed(ref, never).then(() => {
    isRenewed = true;
  });
  await Promise.resolve();
  assert.equal(isRenewed, false);
  await clock.pass(0);
  await renewed;
  assert.deepEqual([beats(), stops.length], [1, 0]);
  await clock.pass(60_000);
  assert.deepEqual([beats(), stops.length], [5, 0], "and then at its interval");
});

test("while a lease that looks expired cannot be renewed, renewals are limited", async () => {
  const { leases, clock, beats } = hold(down);
  clock.jumpWall(50_000);
  await clock.pass(5_000);
  clock.jumpWall(5_000);
  const giveUp = new AbortController();
  const renewed = leases.renewed(ref, giveUp.signal);
  await clock.pass(8_000);
  assert.ok(beats() <= 3, `${beats()} renewals`);
  giveUp.abort(new Error("stopped"));
  await assert.rejects(renewed, /stopped/);
});

test("the answers lost and cancel stop the work with their own reasons", async () => {
  const lost = hold(async () => ({ items: [{ ref, state: "lost" }] }));
  await lost.clock.pass(15_000);
  assert.equal(lost.stops[0]?.kind, "lost");
  const cancel = hold(async () => ({ items: [{ ref, state: "cancel", graceMs: 5, reason: "by kim" }] }));
  await cancel.clock.pass(15_000);
  assert.deepEqual(
    [cancel.stops[0]?.kind, cancel.stops[0]?.graceMs, cancel.stops[0]?.message],
    ["canceled", 5, "by kim"],
  );
});
