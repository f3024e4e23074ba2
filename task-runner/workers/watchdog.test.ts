import assert from "node:assert/strict";
import { test } from "node:test";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { createWatchdog } from "./watchdog.ts";
import type { ToWorker } from "./worker-messages.ts";

/** A thread that answers pings until it is blocked. */
function watched() {
  const clock = new SteppedClock();
  const silent: string[] = [];
  let isBlocked = false;
  let pings = 0;
  const post = (message: ToWorker): void => {
    if (message.kind !== "ping") return;
    pings += 1;
    if (!isBlocked) queueMicrotask(() => watchdog.onPong(message.id));
  };
  const watchdog = createWatchdog({ post }, clock);
  const onSilent = (what: string) => () => void silent.push(what);
  const block = (blocked: boolean): void => {
    isBlocked = blocked;
  };
  return { clock, watchdog, silent, onSilent, block, pings: () => pings };
}

test("a step that ignores its time limit, and blocks its thread only later, is detected", async () => {
  const { clock, watchdog, silent, onSilent, block } = watched();
  watchdog.watchStep({ limitMs: 300, silentMs: 1_500 }, onSilent("step"));
  await clock.pass(5_000);
  assert.deepEqual(silent, [], "it still answers");
  block(true);
  await clock.pass(2_100);
  assert.deepEqual(silent, ["step"]);
});

test("a thread that is blocked before the limit of its step is left alone", async () => {
  const { clock, watchdog, silent, onSilent, block, pings } = watched();
  watchdog.watchStep({ limitMs: 10_000, silentMs: 1_500 }, onSilent("step"));
  block(true);
  await clock.pass(9_000);
  assert.deepEqual([silent, pings()], [[], 0]);
  watchdog.watchStep(undefined, onSilent("step"));
  await clock.pass(60_000);
  assert.deepEqual(silent, []);
});

test("a ping of a step that has ended does not count against the next one, which may block the thread", async () => {
  const { clock, watchdog, silent, onSilent, block } = watched();
  watchdog.watchStep({ limitMs: 300, silentMs: 1_500 }, onSilent("first"));
  block(true);
  await clock.pass(1_000);
  watchdog.watchStep(undefined, onSilent("first"));
  watchdog.watchStep({ limitMs: 60_000, silentMs: 1_500 }, onSilent("second"));
  await clock.pass(30_000);
  assert.deepEqual(silent, []);
});

test("after a stop, the thread is watched also when the limit of its step ends", async () => {
  const { clock, watchdog, silent, onSilent, block } = watched();
  watchdog.watchStep({ limitMs: 300, silentMs: 1_500 }, onSilent("step"));
  watchdog.pingRepeatedly(1_500, onSilent("stop"));
  await clock.pass(1_000);
  watchdog.watchStep(undefined, onSilent("step"));
  block(true);
  await clock.pass(2_100);
  assert.deepEqual(silent, ["stop"]);
});
