import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { pause, systemClock } from "./clock.ts";
import { every } from "./periodic.ts";
import { SteppedClock } from "./stepped-clock.fixture.ts";

test("a pause ends with its time, its signal or its wake-up, and leaves nothing behind", async () => {
  for (const how of ["time", "abort", "already aborted", "wake"] as const) {
    const clock = new SteppedClock();
    const stop = new AbortController();
    let wake = (): void => {};
    let forgotten = false;
    let over = false;
    if (how === "already aborted") stop.abort();
    const paused = pause(clock, 1_000, stop.signal, (end) => {
      wake = end;
      return () => {
        forgotten = true;
      };
    }).then(() => {
      over = true;
    });
    await clock.pass(999);
    assert.equal(over, how === "already aborted", how);
    if (how === "abort") stop.abort();
    if (how === "wake") wake();
    await clock.pass(how === "time" ? 1 : 0);
    await paused;
    assert.ok(forgotten, how);
  }
});

test("threads of a process share the monotonic time; a timer may be longer than Node allows", async (t) => {
  const module = JSON.stringify(new URL("./clock.ts", import.meta.url).href);
  const source = `import(${module}).then(({ systemClock }) =>
    require("node:worker_threads").parentPort.postMessage(systemClock.monotonicMs()))`;
  const before = systemClock.monotonicMs();
  const [inThread] = (await once(new Worker(source, { eval: true }), "message")) as [number];
  assert.ok(inThread > before && inThread < systemClock.monotonicMs());
  const cancel = systemClock.after(2 ** 40, () => assert.fail("it fired at once"));
  t.after(cancel);
  await new Promise((resolve) => setImmediate(resolve));
});

test("a timer that is longer than Node allows fires at its time, not before", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const day = 86_400_000;
  let fired = 0;
  systemClock.after(60 * day, () => (fired += 1));
  const cancel = systemClock.after(60 * day, () => (fired += 10));
  // Mocked timers begin anew at the end of a step, so each of the parts may take up to a day longer.
  for (let passed = 0; passed < 59; passed += 1) t.mock.timers.tick(day);
  assert.equal(fired, 0);
  cancel();
  for (let passed = 0; passed < 4; passed += 1) t.mock.timers.tick(day);
  assert.equal(fired, 1);
});

test("`every` runs again and again until it is canceled, also by what it runs", async () => {
  const clock = new SteppedClock();
  let runs = 0;
  const cancel = every(clock, 100, () => {
    runs += 1;
    if (runs === 3) cancel();
  });
  await clock.pass(250);
  assert.equal(runs, 2);
  await clock.pass(1_000);
  assert.equal(runs, 3);
});
