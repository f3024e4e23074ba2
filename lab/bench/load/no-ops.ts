// Tasks with one no-op job, through a task-agent in a separate process: submitters and runners use real HTTP. A task counts
// when its report was acknowledged.

import { randomUUID } from "node:crypto";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import { type AgentProcess, RUNNER_TOKEN, type TestBed, TOKEN } from "../../processes/agent-process.ts";
import { Connection } from "./connection.ts";

export const NO_OP = '  work: { site: seoul, retrySafe: true, steps: [{ id: make, title: Make, run: "true" }] }';

/** Tasks under way at once: enough to share commits, and fewer than there are slots. */
const MAX_OPEN = 200;
const SUBMITTERS = 32;
const RUNNERS = 4;
const SLOTS = 64;

export type NoOpOptions = {
  readonly tasks: number;
  /** Number of tasks before them that do not count. */
  readonly warmUp: number;
  readonly pipeline?: string;
  readonly onWarm?: () => void;
};
export type NoOps = { readonly perSecond: number; readonly tasks: number };

export async function runNoOps(
  agents: readonly Pick<AgentProcess, "url">[],
  { tasks, warmUp, pipeline = "nothing", onWarm = (): void => {} }: NoOpOptions,
): Promise<NoOps> {
  const total = tasks + warmUp;
  const stopping = new AbortController();
  let [asked, ended, warmAt] = [0, 0, 0];
  let allEnded = (): void => {};
  const all = new Promise<void>((resolve) => {
    allEnded = resolve;
  });
  let room: (() => void)[] = [];
  const onEnded = (): void => {
    ended += 1;
    if (ended === warmUp) {
      warmAt = performance.now();
      onWarm();
    }
    if (ended === total) allEnded();
    const [next, ...rest] = room;
    room = rest;
    next?.();
  };
  const submit = async (url: string): Promise<void> => {
    const line = await Connection.open(url, TOKEN);
    while (asked < total) {
      asked += 1;
      const request = { pipeline, params: {}, idempotencyKey: `key-${asked}`, principal: "bench" };
      await line.json("POST", "/agent/v1/tasks", request);
      if (asked - ended > MAX_OPEN) await new Promise<void>((resolve) => room.push(resolve));
    }
    line.close();
  };
  const url = (n: number): string => agents[n % agents.length]?.url ?? "";
  const work = Promise.all(
    Array.from({ length: RUNNERS * agents.length }, (_, n) => runner(url(n), n, onEnded, stopping.signal)),
  );
  await Promise.all([...Array.from({ length: SUBMITTERS }, (_, n) => submit(url(n))), Promise.race([all, work])]);
  const seconds = (performance.now() - warmAt) / 1_000;
  stopping.abort();
  await work;
  return { perSecond: tasks / seconds, tasks };
}

/** A runner with many slots, each with its own connection. It claims, starts and reports, and does nothing in between. */
async function runner(url: string, n: number, onEnded: () => void, signal: AbortSignal): Promise<void> {
  const polling = await Connection.open(url, RUNNER_TOKEN);
  // Opened at the first use: a server closes idle connections.
  const idle: Connection[] = [];
  let free = SLOTS;
  const { session } = (await polling.json("POST", "/runner/v1/session", {
    runner: `seoul-${n}`,
    bootId: randomUUID(),
    site: "seoul",
    labels: [],
    slots: SLOTS,
    version: "bench",
    host: { name: "bench", platform: "bench", cpus: 1, memoryMb: 1 },
    systems: [],
    running: [],
  })) as { session: string };
  let wake = (): void => {};
  let failure: unknown;
  const release = (line: Connection): void => {
    idle.push(line);
    free += 1;
    wake();
  };
  const work = async (line: Connection, ref: JobRef): Promise<void> => {
    await line.json("POST", "/runner/v1/start", { session, ref });
    await line.json("POST", "/runner/v1/report", { session, ref, outcome: "succeeded", outputs: {}, progress: 0 });
    onEnded();
    release(line);
  };
  const take = async (line: Connection, offer: string, ref: JobRef): Promise<void> => {
    const claim = await line.ask("POST", "/runner/v1/claim", { body: JSON.stringify({ session, offer, ref }) });
    // When several agents offer the same job, only one of their runners gets it.
    if (claim.status === 409) return release(line);
    if (claim.status !== 200) throw new Error(`a claim was answered ${claim.status} ${claim.body}`);
    work(line, ref).catch((error: unknown) => {
      failure = error;
      wake();
    });
  };
  while (!signal.aborted) {
    if (failure) throw failure;
    if (free === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    const body = { session, freeSlots: free, waitMs: 200 };
    const { offers } = (await polling.json("POST", "/runner/v1/poll", body)) as {
      offers: { offer: string; ref: JobRef }[];
    };
    // An offer is repeated until it is claimed, so all offers are claimed before the next poll.
    const claims = offers.slice(0, free).map(async ({ offer, ref }) => {
      free -= 1;
      await take(idle.pop() ?? (await Connection.open(url, RUNNER_TOKEN)), offer, ref);
    });
    await Promise.all(claims);
  }
  polling.close();
  for (const line of idle) line.close();
}

export async function prepareNoOps(bed: TestBed): Promise<void> {
  await bed.pipeline("nothing", NO_OP);
}
