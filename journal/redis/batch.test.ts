// Operations that arrive together share one script call: calls are few, a conflict of one affects no other, and where an answer
// was lost each operation is applied once.

import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { startProxy } from "@gantry/lab/faults/redis/proxy.ts";
import { noRedis, type RedisServer, startRedis } from "@gantry/lab/faults/redis/server.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import type { Journal, StreamAppend } from "../journal.ts";
import type { RedisOptions, RedisReport } from "./options.ts";
import { openRedisJournal } from "./redis.ts";

const COUNT = 90;

describe("together", { skip: noRedis }, () => {
  let server: RedisServer;
  let prefixes = 0;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.dispose());

  const open = async (t: TestContext, prefix: string, options: Partial<RedisOptions> = {}): Promise<Journal> => {
    const journal = await openRedisJournal({ address: server, prefix, indexes: ["open"], ...options });
    t.after(() => journal.close());
    return journal;
  };
  const newPrefix = (): string => {
    prefixes += 1;
    return `batch-${prefixes}`;
  };
  const calls = async (command: string): Promise<number> => {
    const stats = await server.command("INFO", "commandstats");
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  };

  test("many appends, times and loads take a script call for each kind, and a turn", async (t) => {
    const journal = await open(t, newPrefix());
    const scripts = await calls("evalsha");
    const [results, times] = await Promise.all([
      Promise.all(names().map((name) => journal.append([begin(name)]))),
      Promise.all(names().map(() => journal.now())),
    ]);
    const loaded = await Promise.all(names().map((name) => journal.load(name)));
    // Two script calls for 180 changes, and one for 90 loads; as many again for callers that resume meanwhile.
    assert.ok((await calls("evalsha")) - scripts <= 6, `${(await calls("evalsha")) - scripts} script calls`);
    assert.deepEqual(
      results.map((result) => result.ok && result.seq),
      names().map((_, at) => at + 1),
    );
    assert.equal(new Set(times).size, COUNT, "no time is given twice");
    assert.deepEqual(
      loaded.map((one) => one?.snapshot),
      names(),
    );
  });

  test("a batch with a conflict in its last stream changes none of its streams, and the batches beside it are applied", async (t) => {
    const journal = await open(t, newPrefix());
    await journal.append([begin("task/taken")]);
    const [one, other, third] = await Promise.all([
      journal.append([begin("task/a")]),
      journal.append([begin("task/b"), begin("task/taken")]),
      journal.append([begin("task/b"), begin("task/c")]),
    ]);
    assert.deepEqual([one?.ok, third?.ok], [true, true]);
    assert.deepEqual(other, { ok: false, conflict: "task/taken", version: 1 });
    assert.deepEqual(
      (await journal.feed({ after: 1, limit: 10 })).map(({ seq, stream }) => [seq, stream]),
      [
        [2, "task/a"],
        [3, "task/b"],
        [4, "task/c"],
      ],
    );
  });

  test("if the answer is lost, all appends are applied once, and conflicts are reported", async (t) => {
    const [prefix, line] = [newPrefix(), await startProxy(server.port)];
    t.after(line.dispose);
    const reports: RedisReport[] = [];
    const journal = await open(t, prefix, { address: line, report: (report) => void reports.push(report) });
    await journal.append([begin("task/taken")]);
    line.loseAnswer();
    const [results, conflict, time] = await Promise.all([
      Promise.all(names().map((name) => journal.append([begin(name)]))),
      journal.append([begin("task/taken")]),
      journal.now(),
    ]);
    assert.deepEqual(conflict, { ok: false, conflict: "task/taken", version: 1 });
    const events = await journal.feed({ after: 1, limit: 1_000 });
    assert.deepEqual(
      events.map(({ stream }) => stream),
      names(),
    );
    assert.deepEqual(
      results.map((result) => result.ok && result.seq),
      events.map(({ seq }) => seq),
    );
    assert.ok((await journal.now()) > time);
    assert.ok(
      reports.some(({ kind }) => kind === "disconnected"),
      "an answer was lost",
    );
  });

  test("operations that are too large for one script call take several", async (t) => {
    const journal = await open(t, newPrefix());
    const scripts = await calls("evalsha");
    const large = names().map((name) => ({ ...begin(name), snapshot: "x".repeat(50_000) }));
    const results = await Promise.all(large.map((one) => journal.append([one])));
    assert.deepEqual(
      results.map((result) => result.ok && result.seq),
      names().map((_, at) => at + 1),
    );
    assert.ok((await calls("evalsha")) - scripts >= 4, "4.5 MB, at most 1 MB at a time");
  });

  test("a recent time needs no request, and is not before changes of others that were read here", async (t) => {
    const prefix = newPrefix();
    let ms = 0;
    const clock = { ...systemClock, monotonicMs: () => ms };
    const [mine, theirs] = [await open(t, prefix, { clock }), await open(t, prefix)];
    await mine.now();
    // Time that is counted up, faster than clocks go: as after a failover to a server whose clock is behind.
    const behind = await server.command("HINCRBY", `{${prefix}}:meta`, "micros", "5000000");
    await theirs.append([begin("task/a")]);
    await mine.load("task/a");
    const scripts = await calls("evalsha");
    const recent = await mine.now({ recent: true });
    assert.ok(recent > Number(behind.slice(1)));
    assert.equal(await calls("evalsha"), scripts);
    ms = 1_001;
    assert.ok((await mine.now({ recent: true })) > recent, "after a second the store is asked");
    assert.ok((await calls("evalsha")) > scripts);
  });

  test("a reader of the events of others does not get its own", async (t) => {
    const prefix = newPrefix();
    const [mine, theirs] = [await open(t, prefix), await open(t, prefix)];
    const reads = await calls("xrange");
    const reading = mine.feed({ after: 0, limit: 10, others: true, waitMs: 60_000 });
    for (const name of names()) await mine.append([begin(name)]);
    // It may have read the first one before it knew that it is its own.
    assert.ok((await calls("xrange")) - reads <= 2, `${(await calls("xrange")) - reads} reads`);
    await theirs.append([begin("task/theirs")]);
    await mine.append([begin("task/mine")]);
    const [found, ...more] = await reading;
    assert.deepEqual([found?.stream, found?.seq, more], ["task/theirs", COUNT + 1, []]);
    assert.deepEqual(await mine.feed({ after: COUNT + 1, limit: 10, others: true, waitMs: 1 }), []);
    const all = await mine.feed({ after: 0, limit: 1_000 });
    assert.equal(all.length, COUNT + 2, "who asks for all gets all");
  });
});

function names(): readonly string[] {
  return Array.from({ length: COUNT }, (_, at) => `task/${at}`);
}

function begin(stream: string): StreamAppend {
  return { stream, expected: 0, events: [{ begun: stream }], snapshot: stream, index: { open: [stream] } };
}
