// Keeps us connected to the primary, whoever that is. A link is three connections to one Redis process that live and die
// together: one for changes (WAIT counts what its own connection wrote, and blocks it), one for reads, one for news.
// Every new link first takes over the store (script ENTER), so that a failover is noticed before anything is written.

import { createHash } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import { backoffMs } from "@gantry/runtime/backoff.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Redis } from "ioredis";
import { closedError } from "../validation.ts";
import { connect, nameOf, type Place, textOf, unavailable } from "./client.ts";
import { decideServer } from "./decide-server.ts";
import type { HighWaterMarks } from "./high-water-marks.ts";
import type { Keys } from "./keys.ts";
import type { RedisOptions } from "./options.ts";
import { findPrimary } from "./primary.ts";
import { LAYOUT, SCRIPTS, type ScriptName } from "./scripts.ts";
import { askServer, countReplicas, parseInfo } from "./server.ts";

export type Connection = {
  readonly write: Redis;
  readonly read: Redis;
  readonly address: string;
  readonly run: string;
  readonly store: string;
  readonly epoch: number;
  replicas: number;
};

export type Connections = {
  /** Connects for the first time; throws why it cannot. */
  readonly start: () => Promise<void>;
  /** The link; waits for a new one for up to a second after the last one broke, then rejects with `unavailable`. */
  readonly ready: () => Promise<Connection>;
  /** This link is of no use any more; a new one is made. */
  readonly drop: (link: Connection, problem: string) => void;
  readonly close: () => void;
};

export type ConnectionDeps = {
  readonly options: RedisOptions;
  readonly keys: Keys;
  readonly known: HighWaterMarks;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Before the link is used: the moment to put back what a failover lost. */
  readonly onEntered: (link: Connection) => Promise<void>;
  /** Once per second while the link lives. */
  readonly onWatched: (seen: { readonly seq: number; readonly acked: number }) => void;
  readonly onNews: (acked: number) => void;
};

const GRACE_MS = 900;
const RETRY = { firstMs: 50, maxMs: 500, jitter: "none" } as const;
const WATCH_MS = 1_000;

const SHAS = Object.fromEntries(
  Object.entries(SCRIPTS).map(([name, lua]) => [name, createHash("sha1").update(lua).digest("hex")]),
) as Record<ScriptName, string>;

export function shaOf(script: ScriptName): string {
  return SHAS[script];
}

export function openConnections(deps: ConnectionDeps): Connections {
  const { clock, options } = deps;
  const report = options.report ?? (() => {});
  let link: Connection | undefined;
  let clients: readonly Redis[] = [];
  let closed = false;
  let lostAt = clock.monotonicMs();
  let problem = "It was never reached.";
  let waiting: { readonly resolve: (link: Connection) => void; readonly reject: (error: unknown) => void }[] = [];
  let cancelTimer = (): void => {};

  const drop = (of: Connection, why: string): void => {
    if (link !== of) return;
    link = undefined;
    lostAt = clock.monotonicMs();
    problem = why;
    for (const client of clients) client.disconnect();
    cancelTimer();
    if (closed) return;
    report({ kind: "disconnected", address: of.address, problem: why });
    retry(1);
  };

  const retry = (tries: number): void => {
    cancelTimer = clock.after(backoffMs(RETRY, tries), () => {
      open().catch((error: unknown) => {
        if (closed) return;
        problem = error instanceof GantryError ? String(error.details.problem ?? error.message) : textOf(error);
        retry(tries + 1);
      });
    });
  };

  const refuseWaiting = (): void => {
    const all = waiting;
    waiting = [];
    for (const one of all) one.reject(closed ? closedError() : unavailable(problem));
  };

  const open = async (): Promise<void> => {
    const place = await findPrimary(options, deps.keys.prefix);
    const opened: Redis[] = [];
    try {
      const [write, read, news] = await connectAll(place, options, opened);
      const made = await enter(deps, write, read, nameOf(place));
      await deps.onEntered(made);
      news.on("message", (_channel: string, text: string) => deps.onNews(Number(text)));
      await news.subscribe(deps.keys.news);
      if (closed) throw closedError();
      if (opened.some((client) => client.status !== "ready")) throw unavailable("The connection was closed.");
      // Nothing is waited for from here on: a link that breaks is dropped once, by `drop`.
      begin(made, opened);
    } catch (error) {
      for (const client of opened) client.disconnect();
      throw error;
    }
  };

  const begin = (made: Connection, opened: readonly Redis[]): void => {
    link = made;
    clients = opened;
    for (const client of opened) client.once("close", () => drop(made, "The connection was closed."));
    report({ kind: "connected", address: made.address, epoch: made.epoch, replicas: made.replicas });
    const all = waiting;
    waiting = [];
    for (const one of all) one.resolve(made);
    cancelTimer = clock.after(WATCH_MS, () => void watch(made));
  };

  /** The process on the other side may have become a replica, or have been emptied, without the connection breaking. */
  const watch = async (of: Connection): Promise<void> => {
    try {
      const info = parseInfo(await of.read.info("replication"));
      const [run, seq, acked] = await of.read.hmget(deps.keys.meta, "run", "seq", "acked");
      if (link !== of) return;
      if (info.get("role") !== "master") return drop(of, `Redis at ${of.address} is not the primary any more.`);
      if (run !== of.run) return drop(of, `The store at ${of.address} was taken over or emptied.`);
      of.replicas = countReplicas(info);
      if (of.replicas < (options.waitReplicas ?? 0) && !("host" in options.address)) {
        const now = nameOf(await findPrimary(options, deps.keys.prefix));
        if (link !== of) return;
        if (now !== of.address) return drop(of, `The primary is now ${now}.`);
      }
      deps.onWatched({ seq: Number(seq), acked: Number(acked) });
      cancelTimer = clock.after(WATCH_MS, () => void watch(of));
    } catch (error) {
      drop(of, textOf(error));
    }
  };

  return {
    start: open,
    drop,
    ready: () => {
      if (closed) return Promise.reject(closedError());
      if (link) return Promise.resolve(link);
      const left = lostAt + GRACE_MS - clock.monotonicMs();
      if (left <= 0) return Promise.reject(unavailable(problem));
      return new Promise((resolve, reject) => {
        const cancel = clock.after(left, () => {
          waiting = waiting.filter((one) => one !== mine);
          reject(unavailable(problem));
        });
        const mine = {
          resolve: (made: Connection) => {
            cancel();
            resolve(made);
          },
          reject: (error: unknown) => {
            cancel();
            reject(error);
          },
        };
        waiting.push(mine);
      });
    },
    close: () => {
      closed = true;
      cancelTimer();
      for (const client of clients) client.disconnect();
      link = undefined;
      refuseWaiting();
    },
  };
}

/** Three at once. Those that came about are in `opened`, also when it throws. */
async function connectAll(place: Place, options: RedisOptions, opened: Redis[]): Promise<[Redis, Redis, Redis]> {
  const open = (): Promise<Redis> => connect(place, options);
  const settled = await Promise.allSettled([open(), open(), open()]);
  for (const one of settled) if (one.status === "fulfilled") opened.push(one.value);
  const failed = settled.find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
  return opened as [Redis, Redis, Redis];
}

/** Looks at the server, brings the scripts, takes over the store. */
async function enter(deps: ConnectionDeps, write: Redis, read: Redis, address: string): Promise<Connection> {
  const { options, keys, known } = deps;
  const { facts, run } = await askServer(write, address);
  const verdict = decideServer(facts, {
    waitReplicas: options.waitReplicas ?? 0,
    allowLazyFsync: options.allowLazyFsync ?? false,
  });
  if (verdict.refuse) throw verdict.refuse;
  for (const problem of verdict.warnings) options.report?.({ kind: "degraded", address, problem });
  await Promise.all(Object.values(SCRIPTS).map((lua) => write.script("LOAD", lua)));
  const { seq, micros } = known;
  const args = [LAYOUT, deps.newId(), run, seq, micros];
  const answer = (await write.evalsha(shaOf("enter"), 2, keys.meta, keys.feed, ...args)) as string[];
  if (answer[0] === "newer") {
    const file = `${keys.prefix} of Redis at ${address}`;
    throw new GantryError("store-newer", { file, found: Number(answer[1]), known: LAYOUT });
  }
  const [, store = "", epoch, token = "", time] = answer;
  known.sawTime(Number(time));
  return { write, read, address, run: token, store, epoch: Number(epoch), replicas: facts.replicas };
}
