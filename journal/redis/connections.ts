// Keeps a connection to the current primary. Every new one first takes over the store (script ENTER), so that a failover is
// noticed before anything is written.

import { GantryError } from "@gantry/core/errors.ts";
import { backoffMs } from "@gantry/runtime/backoff.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Redis } from "ioredis";
import { closedError } from "../validation.ts";
import { connect, nameOf, type Place, textOf, unavailable } from "./client.ts";
import { type Connection, shaOf } from "./connection.ts";
import { makeConnectionQueue } from "./connection-queue.ts";
import { decideServer } from "./decide-server.ts";
import type { HighWaterMarks } from "./high-water-marks.ts";
import type { Keys } from "./keys.ts";
import type { RedisOptions } from "./options.ts";
import { findPrimary } from "./primary.ts";
import { LAYOUT, SCRIPTS } from "./scripts.ts";
import { askServer, countReplicas, parseInfo } from "./server.ts";

export type Connections = {
  /** Connects for the first time. Rejects with the reason why it cannot. */
  readonly start: () => Promise<void>;
  /** Waits for a new connection for up to a second after the last one broke, then rejects with `unavailable`. */
  readonly ready: () => Promise<Connection>;
  /** This connection can no longer be used; a new one is made. */
  readonly drop: (connection: Connection, problem: string) => void;
  readonly close: () => void;
};

export type ConnectionDeps = {
  readonly options: RedisOptions;
  readonly keys: Keys;
  readonly marks: HighWaterMarks;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Called before the connection is used: the time to put back what a failover lost. */
  readonly onEntered: (connection: Connection) => Promise<void>;
  /** Called once per second while the connection lives. */
  readonly onWatched: (seen: { readonly seq: number; readonly acked: number }) => void;
  readonly onNews: (acked: number) => void;
};

const RETRY = { firstMs: 50, maxMs: 500, jitter: "none" } as const;
const WATCH_MS = 1_000;
const BROKEN = "The connection was closed.";

export function openConnections(deps: ConnectionDeps): Connections {
  const { clock, options } = deps;
  const report = options.report ?? (() => {});
  const queue = makeConnectionQueue(clock);
  let clients: readonly Redis[] = [];
  let closed = false;
  let cancelTimer = (): void => {};

  const drop = (of: Connection, problem: string): void => {
    if (queue.current() !== of) return;
    queue.setLost(problem);
    for (const client of clients) client.disconnect();
    cancelTimer();
    if (closed) return;
    report({ kind: "disconnected", address: of.address, problem });
    retry(1);
  };

  const retry = (tries: number): void => {
    cancelTimer = clock.after(backoffMs(RETRY, tries), () => {
      open().catch((error: unknown) => {
        if (closed) return;
        queue.setProblem(error instanceof GantryError ? String(error.details.problem ?? error.message) : textOf(error));
        retry(tries + 1);
      });
    });
  };

  const open = async (): Promise<void> => {
    const opened: Redis[] = [];
    try {
      const connection = await establish(deps, opened);
      if (closed) throw closedError();
      if (opened.some((client) => client.status !== "ready")) throw unavailable(BROKEN);
      // Nothing is awaited from here on, so a connection that breaks is dropped once, by `drop`.
      clients = opened;
      for (const client of opened) client.once("close", () => drop(connection, BROKEN));
      const { address, epoch, replicas } = connection;
      report({ kind: "connected", address, epoch, replicas });
      queue.setReady(connection);
      watchLater(connection);
    } catch (error) {
      for (const client of opened) client.disconnect();
      throw error;
    }
  };

  const watchLater = (of: Connection): void => {
    cancelTimer = clock.after(WATCH_MS, () => void watch(of));
  };
  const watch = async (of: Connection): Promise<void> => {
    const isCurrent = (): boolean => queue.current() === of;
    try {
      const seen = await inspect(deps, of, isCurrent);
      if (!isCurrent()) return;
      if ("problem" in seen) return drop(of, seen.problem);
      deps.onWatched(seen);
      watchLater(of);
    } catch (error) {
      drop(of, textOf(error));
    }
  };

  return {
    start: open,
    drop,
    ready: queue.ready,
    close: () => {
      closed = true;
      cancelTimer();
      for (const client of clients) client.disconnect();
      queue.close();
    },
  };
}

/** Makes a connection that has taken over the store. Clients that were opened are in `opened`, even when it rejects. */
async function establish(deps: ConnectionDeps, opened: Redis[]): Promise<Connection> {
  const place = await findPrimary(deps.options, deps.keys.prefix);
  const [write, read, news] = await connectAll(place, deps.options, opened);
  const connection = await enter(deps, write, read, nameOf(place));
  await deps.onEntered(connection);
  news.on("message", (_channel: string, text: string) => deps.onNews(Number(text)));
  await news.subscribe(deps.keys.news);
  return connection;
}

type Seen = { readonly seq: number; readonly acked: number } | { readonly problem: string };

/** The other side may have become a replica, or have been emptied, without the connection breaking. */
async function inspect({ options, keys }: ConnectionDeps, of: Connection, isCurrent: () => boolean): Promise<Seen> {
  const info = parseInfo(await of.read.info("replication"));
  const [run, seq, acked] = await of.read.hmget(keys.meta, "run", "seq", "acked");
  if (info.get("role") !== "master") return { problem: `Redis at ${of.address} is no longer the primary.` };
  if (run !== of.run) return { problem: `The store at ${of.address} was taken over or emptied.` };
  of.replicas = countReplicas(info);
  if (isCurrent() && of.replicas < (options.waitReplicas ?? 0) && !("host" in options.address)) {
    const primary = nameOf(await findPrimary(options, keys.prefix));
    if (primary !== of.address) return { problem: `The primary is now ${primary}.` };
  }
  return { seq: Number(seq), acked: Number(acked) };
}

/** Opens three at once. Those that succeeded are in `opened`, even when it rejects. */
async function connectAll(place: Place, options: RedisOptions, opened: Redis[]): Promise<[Redis, Redis, Redis]> {
  const open = (): Promise<Redis> => connect(place, options);
  const settled = await Promise.allSettled([open(), open(), open()]);
  for (const one of settled) if (one.status === "fulfilled") opened.push(one.value);
  const failed = settled.find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
  return opened as [Redis, Redis, Redis];
}

/** Checks the server, loads the scripts and takes over the store. */
async function enter(deps: ConnectionDeps, write: Redis, read: Redis, address: string): Promise<Connection> {
  const { options, keys, marks } = deps;
  const { facts, run } = await askServer(write, address);
  const verdict = decideServer(facts, {
    waitReplicas: options.waitReplicas ?? 0,
    allowLazyFsync: options.allowLazyFsync ?? false,
  });
  if (verdict.refuse) throw verdict.refuse;
  for (const problem of verdict.warnings) options.report?.({ kind: "degraded", address, problem });
  await Promise.all(Object.values(SCRIPTS).map((lua) => write.script("LOAD", lua)));
  const args = [LAYOUT, deps.newId(), run, marks.seq, marks.micros];
  const answer = (await write.evalsha(shaOf("enter"), 2, keys.meta, keys.feed, ...args)) as string[];
  if (answer[0] === "newer") {
    const file = `${keys.prefix} of Redis at ${address}`;
    throw new GantryError("store-newer", { file, found: Number(answer[1]), known: LAYOUT });
  }
  const [, store = "", epoch, token = "", time] = answer;
  marks.sawTime(Number(time));
  return { write, read, address, run: token, store, epoch: Number(epoch), replicas: facts.replicas };
}
