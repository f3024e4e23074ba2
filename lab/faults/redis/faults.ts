// Faults of Redis while agents write, and what must hold afterwards. Each function injects one kind of fault `count` times and
// returns figures; the short tests and `npm run test:soak` differ only in the count.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Journal } from "@gantry/journal/journal.ts";
import type { RedisOptions, RedisReport } from "@gantry/journal/redis/options.ts";
import { openRedisJournal } from "@gantry/journal/redis/redis.ts";
import { type Load, startLoad } from "./load.ts";
import { startProxy } from "./proxy.ts";
import { command, type RedisServer, startRedis } from "./server.ts";

export type Figures = {
  readonly rounds: number;
  readonly acked: number;
  readonly unknown: number;
  /** Acknowledged streams that are missing at the end. Must be 0. */
  readonly missing: number;
  /** Store times (the source of fences) that were returned more than once. Must be 0. */
  readonly repeatedTimes: number;
  /**
   * Events that a reader received and that are gone. Must be 0, except for a failover to a replica that was behind: an
   * append whose writer got no answer is in no recovery file, and a reader may have received it.
   */
  readonly vanished: number;
  /** Appends acknowledged while the only replica was cut off, after writers were first refused. Must be 0. */
  readonly ackedWhileCut: number;
  /** From the moment Redis is ready again to the first acknowledgement. */
  readonly longestRecoveryMs: number;
  readonly slowestRejectionMs: number;
  readonly rssGrowthMiB: number;
  /** Streams that were restored, by all agents. */
  readonly repaired: number;
  readonly wipes: number;
  readonly differing: number;
};

const EVERY_MS = 10;

/** Kills Redis with SIGKILL in the middle of writes and starts it again. */
export async function killRedis(count: number): Promise<Figures> {
  const server = await startRedis();
  return run({ count, agents: 2, address: server, waitReplicas: 0, close: [server.dispose] }, async ({ someAcked }) => {
    await someAcked(5 + Math.floor(Math.random() * 30));
    await server.kill();
    await server.start();
  });
}

/** Stops Redis once for a time. */
export async function stopRedis(ms: number): Promise<Figures> {
  const server = await startRedis();
  return run({ count: 1, agents: 1, address: server, waitReplicas: 0, close: [server.dispose] }, async (round) => {
    await round.someAcked(50);
    round.measureMemory();
    await server.kill();
    await round.wait(ms);
    round.measureMemory();
    await server.start();
  });
}

/** Deletes all data of Redis while agents use it. */
export async function emptyRedis(count: number): Promise<Figures> {
  const server = await startRedis();
  return run({ count, agents: 2, address: server, waitReplicas: 0, close: [server.dispose] }, async ({ someAcked }) => {
    await someAcked(20);
    await server.command("FLUSHALL");
  });
}

/**
 * The link to the only replica is cut, the primary is killed, the replica is promoted. All acknowledged writes were on the
 * replica, so nothing has to be restored.
 */
export async function failOver(count: number, cutMs: () => number): Promise<Figures> {
  let [primary, replica] = [await startRedis(), await startRedis()];
  const between = await startProxy(primary.port);
  const door = await startProxy(primary.port);
  await follow(replica, between.port);
  const close = [primary.dispose, replica.dispose, between.dispose, door.dispose];
  return run(
    { count, agents: 2, address: door, waitReplicas: 1, close },
    async ({ someAcked, someUnknown, wait, whileNobodyAcks }) => {
      await someAcked(20);
      between.cut();
      await someUnknown(1);
      await whileNobodyAcks(() => wait(cutMs()));
      await primary.kill();
      await promote(replica);
      [primary, replica] = [replica, primary];
      between.turn(primary.port);
      between.mend();
      await replica.start();
      await follow(replica, between.port);
      door.turn(primary.port);
    },
  );
}

/**
 * Two replicas and one required confirmation; the failover picks the replica that had been cut off. Acknowledged writes are
 * lost in Redis and must be restored from the agents' recovery files.
 */
export async function failOverToTheWrongOne(count: number): Promise<Figures> {
  let servers = [await startRedis(), await startRedis(), await startRedis()] as [RedisServer, RedisServer, RedisServer];
  const between = await startProxy(servers[0].port);
  const door = await startProxy(servers[0].port);
  await follow(servers[1], servers[0].port);
  await follow(servers[2], between.port);
  const close = [...servers.map((server) => server.dispose), between.dispose, door.dispose];
  return run({ count, agents: 2, address: door, waitReplicas: 1, close }, async ({ someAcked }) => {
    const [primary, good, cutOff] = servers;
    await someAcked(20);
    between.cut();
    await someAcked(20);
    await primary.kill();
    await promote(cutOff);
    await follow(good, cutOff.port);
    between.turn(cutOff.port);
    between.mend();
    await primary.start();
    await follow(primary, between.port);
    door.turn(cutOff.port);
    servers = [cutOff, good, primary];
  });
}

type Setup = {
  readonly count: number;
  readonly agents: number;
  readonly address: { readonly host: string; readonly port: number };
  readonly waitReplicas: number;
  readonly close: readonly (() => Promise<void>)[];
};

type Round = {
  readonly someAcked: (count: number) => Promise<void>;
  readonly someUnknown: (count: number) => Promise<void>;
  readonly wait: (ms: number) => Promise<void>;
  /** Counts the appends that are acknowledged meanwhile. */
  readonly whileNobodyAcks: (during: () => Promise<void>) => Promise<void>;
  readonly measureMemory: () => void;
};

async function run(setup: Setup, trouble: (round: Round) => Promise<void>): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-faults-"));
  const reports: RedisReport[] = [];
  const journals: Journal[] = [];
  const loads: Load[] = [];
  const memory: number[] = [];
  let longestRecoveryMs = 0;
  let ackedWhileCut = 0;
  try {
    for (let n = 0; n < setup.agents; n += 1) {
      const journal = await openRedisJournal({
        address: setup.address,
        waitReplicas: setup.waitReplicas,
        indexes: ["open"],
        localFile: join(folder, `agent-${n}`),
        keep: (_, indexes) => indexes.includes("open"),
        report: (report) => reports.push(report),
      } satisfies RedisOptions);
      journals.push(journal);
      loads.push(startLoad(journal, `${n}`, EVERY_MS));
    }
    const round: Round = {
      someAcked: async (count) => void (await Promise.all(loads.map((load) => load.moreAcked(count)))),
      someUnknown: async (count) => void (await Promise.all(loads.map((load) => load.moreUnknown(count)))),
      wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      whileNobodyAcks: async (during) => {
        const before = countAcked(loads);
        await during();
        ackedWhileCut += countAcked(loads) - before;
      },
      measureMemory: () => memory.push(process.memoryUsage.rss()),
    };
    for (let n = 0; n < setup.count; n += 1) {
      await trouble(round);
      const ready = performance.now();
      await round.someAcked(1);
      longestRecoveryMs = Math.max(longestRecoveryMs, performance.now() - ready);
    }
    await round.someAcked(10);
    await Promise.all(loads.map((load) => load.stop()));
    const figures = await check(journals[0] as Journal, loads);
    const repairs = reports.filter((report) => report.kind === "repaired");
    return {
      rounds: setup.count,
      ...figures,
      ackedWhileCut,
      longestRecoveryMs: Math.round(longestRecoveryMs),
      slowestRejectionMs: Math.round(Math.max(...loads.map((load) => load.slowestRejectionMs()))),
      rssGrowthMiB: Math.round((Math.max(...memory, 0) - (memory[0] ?? 0)) / 1024 / 1024),
      repaired: repairs.reduce((sum, report) => sum + report.streams, 0),
      wipes: repairs.filter((report) => report.wiped).length,
      differing: reports.filter((report) => report.kind === "differs").length,
    };
  } finally {
    await Promise.allSettled(loads.map((load) => load.stop()));
    await Promise.all(journals.map((journal) => journal.close()));
    await Promise.all(setup.close.map((close) => close()));
    await rm(folder, { recursive: true, force: true });
  }
}

async function check(
  journal: Journal,
  loads: readonly Load[],
): Promise<Pick<Figures, "acked" | "unknown" | "missing" | "repeatedTimes" | "vanished">> {
  const feed = new Map<number, string>();
  for (let after = 0; ; ) {
    const page = await journal.feed({ after, limit: 1_000 });
    for (const event of page) feed.set(event.seq, event.stream);
    const last = page.at(-1);
    if (!last) break;
    after = last.seq;
  }
  const there = new Set(feed.values());
  let missing = 0;
  for (const stream of loads.flatMap((load) => [...load.acked])) {
    if (!there.has(stream) || !(await journal.load(stream))) missing += 1;
  }
  const times = loads.flatMap((load) => load.times);
  // A restored event has a new seq: an event that a reader received must exist under its old or a newer seq.
  const vanished = loads.flatMap((load) => [...load.shown.values()]).filter((stream) => !there.has(stream)).length;
  return {
    acked: countAcked(loads),
    unknown: loads.reduce((sum, load) => sum + load.unknown.size, 0),
    missing,
    repeatedTimes: times.length - new Set(times).size,
    vanished,
  };
}

function countAcked(loads: readonly Load[]): number {
  return loads.reduce((sum, load) => sum + load.acked.size, 0);
}

async function follow(replica: RedisServer, port: number): Promise<void> {
  await command(replica.port, ["REPLICAOF", "127.0.0.1", String(port)]);
}

async function promote(replica: RedisServer): Promise<void> {
  await command(replica.port, ["REPLICAOF", "NO", "ONE"]);
}
