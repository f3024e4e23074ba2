import assert from "node:assert/strict";
import { appendFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openRecoveryFile, type RecoveryStream } from "./recovery-file.ts";

async function newFile(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-recovery-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "data", "recovery");
}

function steppedClock() {
  let ms = 0;
  return {
    nowMs: () => ms,
    monotonicMs: () => ms,
    after: () => () => {},
    pass: (by: number) => {
      ms += by;
    },
  };
}

function stream(name: string, version: number, change: Partial<RecoveryStream> = {}): RecoveryStream {
  const events = [{ version, micros: version, text: `{"n":${version}}` }];
  return {
    stream: name,
    version,
    op: `op-${version}`,
    snapshot: `${version}`,
    entries: [],
    events,
    keep: true,
    ...change,
  };
}

test("what was written is there after a restart: streams with all their events, counters, and what was checked", async (t) => {
  const file = await newFile(t);
  const first = openRecoveryFile(file, steppedClock());
  first.record([stream("task/a", 1)], 10, 1_000);
  first.record([stream("task/a", 3, { entries: undefined })], 12, 3_000);
  first.addEvents("task/a", [{ version: 2, micros: 2, text: '{"by":"another"}' }]);
  first.reserve(4_000, 12);
  first.setChecked({ store: "s", run: "r" });
  first.close();
  const again = openRecoveryFile(file, steppedClock());
  t.after(again.close);
  const [found] = again.all();
  assert.deepEqual([found?.version, found?.snapshot, found?.entries], [3, "3", []]);
  assert.deepEqual(
    found?.events.map((event) => event.version),
    [1, 2, 3],
  );
  assert.equal(again.floors.seq, 12);
  assert.ok(again.floors.micros >= 4_000, "no time before it is given out again");
  assert.deepEqual(again.checked, { store: "s", run: "r" });
});

test("a line that a crash cut off does not count, and what is written later does", async (t) => {
  const file = await newFile(t);
  const first = openRecoveryFile(file, steppedClock());
  first.record([stream("task/a", 1)], 1, 1);
  first.close();
  await appendFile(file, '{"stream":{"stream":"task/b","ver');
  const second = openRecoveryFile(file, steppedClock());
  second.record([stream("task/c", 1)], 2, 2);
  second.close();
  const third = openRecoveryFile(file, steppedClock());
  t.after(third.close);
  assert.deepEqual(
    third.all().map((one) => one.stream),
    ["task/a", "task/c"],
  );
});

test("what need not be kept is forgotten after ten minutes, and the file does not grow for ever", async (t) => {
  const file = await newFile(t);
  const clock = steppedClock();
  const recovery = openRecoveryFile(file, clock);
  t.after(recovery.close);
  recovery.record([stream("task/open", 1)], 1, 1);
  for (let n = 1; n <= 40; n += 1) {
    recovery.record([stream(`task/${n}`, 1, { keep: false, snapshot: "x".repeat(500_000) })], n, n);
    recovery.flush();
    clock.pass(60_000);
  }
  assert.equal(recovery.all().length, 1 + 10, "the kept one, and those of the last ten minutes");
  assert.ok((await stat(file)).size < 18_000_000);
});

test("when a version goes back, the events after it are dropped", async (t) => {
  const recovery = openRecoveryFile(await newFile(t), steppedClock());
  t.after(recovery.close);
  recovery.record([stream("task/a", 1)], 1, 1);
  recovery.record([stream("task/a", 2)], 2, 2);
  recovery.record([stream("task/a", 1, { events: [{ version: 1, micros: 9, text: '{"other":1}' }] })], 3, 3);
  assert.deepEqual(recovery.get("task/a")?.events, [{ version: 1, micros: 9, text: '{"other":1}' }]);
});

test("a stream that had expired stays expired after a restart", async (t) => {
  const file = await newFile(t);
  const first = openRecoveryFile(file, steppedClock());
  first.record([stream("task/over", 1, { keep: false }), stream("task/open", 1)], 1, 1_000);
  first.record([stream("task/late", 1, { keep: false })], 2, 900_000_000);
  first.close();
  for (let restarts = 0; restarts < 2; restarts += 1) {
    const again = openRecoveryFile(file, steppedClock());
    assert.deepEqual(
      again.all().map((one) => one.stream),
      ["task/open", "task/late"],
    );
    again.forget(["task/none"]);
    again.close();
  }
});
