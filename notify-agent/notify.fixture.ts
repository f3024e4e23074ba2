// Fixtures for the tests of the notify-agent: a fake feed over real HTTP, a clock that the test controls, and ways to wait
// for the journal instead of for time.

import { hash } from "node:crypto";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import type { DeliveryView, InboxItem } from "@gantry/wire/notify/views.ts";

export const TOKEN = "token-of-the-notify-agent";
export const AGENT_TOKEN = "token-of-the-task-agent";
export const START_MS = 1_750_000_000_000;

export type FakeFeed = {
  readonly url: string;
  readonly port: number;
  /** Appends an event and answers waiting requests. */
  readonly add: (event: JsonObject, data?: Partial<FeedEvent["data"]>, time?: Date) => void;
  /** Removes all events, as a task-agent with a new data folder does. */
  readonly forget: () => void;
  readonly asked: () => number;
  /** The files of the folder `rules` of the definitions. Before, the task-agent does not answer this question. */
  readonly setRules: (files: readonly { readonly file: string; readonly text: string }[]) => void;
  /** Resolves when a request waits for events after this number. */
  readonly awaited: (after: number) => Promise<void>;
  /** Answers waiting requests, also without events. */
  readonly answer: () => void;
  readonly close: () => Promise<void>;
};

export async function startFeed(events: FeedEvent[] = [], port = 0): Promise<FakeFeed> {
  let waiting: (() => void)[] = [];
  let asked = 0;
  let rules: readonly object[] | undefined;
  const awaited = new Map<number, PromiseWithResolvers<void>>();
  const waitFor = (after: number): PromiseWithResolvers<void> => {
    const known = awaited.get(after) ?? Promise.withResolvers<void>();
    awaited.set(after, known);
    return known;
  };
  const wake = (): void => {
    const all = waiting;
    waiting = [];
    for (const answer of all) answer();
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://feed");
    if (url.pathname === "/agent/v1/definitions/part" && rules) {
      return answerJson(response, 200, { version: hash("sha256", JSON.stringify(rules)), files: rules });
    }
    if (url.pathname !== "/agent/v1/feed") return answerJson(response, 404, {});
    asked += 1;
    if (request.headers.authorization !== `Bearer ${AGENT_TOKEN}`) return answerJson(response, 401, {});
    const after = url.searchParams.get("after");
    const limit = Number(url.searchParams.get("limit"));
    const look = (): FeedEvent[] => events.filter((event) => event.seq > Number(after)).slice(0, limit);
    if (after === null) return answerJson(response, 200, { events: [], last: events.at(-1)?.seq ?? 0 });
    const answer = (): void => {
      const page = look();
      answerJson(response, 200, { events: page, last: page.at(-1)?.seq ?? Number(after) });
    };
    if (look().length > 0 || url.searchParams.get("wait") === "0") answer();
    else {
      waiting.push(answer);
      waitFor(Number(after)).resolve();
    }
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    add: (event, data, time) => {
      events.push(feedEvent((events.at(-1)?.seq ?? 0) + 1, event, data, time));
      wake();
    },
    forget: () => {
      events.length = 0;
      wake();
    },
    asked: () => asked,
    setRules: (files) => {
      rules = files;
    },
    awaited: (after) => waitFor(after).promise,
    answer: wake,
    close: () => closeServer(server),
  };
}

export function feedEvent(
  seq: number,
  event: JsonObject,
  data: Partial<FeedEvent["data"]> = {},
  time = new Date(START_MS),
): FeedEvent {
  const task = data.task ?? "t01";
  return {
    specversion: "1.0",
    id: `${task}/${seq}`,
    source: "/gantry/task-agent",
    type: "dev.gantry.task.ended.v1",
    subject: task,
    time: time.toISOString(),
    datacontenttype: "application/json",
    seq,
    taskseq: seq,
    data: {
      task,
      pipeline: "cd",
      title: "Run CD: orders",
      app: "orders",
      requestedBy: "kim",
      url: `https://portal.example/tasks/${task}`,
      event: { at: START_MS, ...event } as FeedEvent["data"]["event"],
      ...data,
    },
  };
}

/** A TaskEnded event as the task-agent creates it. */
export function ended(outcome: string): JsonObject {
  return {
    kind: "TaskEnded",
    outcome,
    durationMs: 72_000,
    outputs: {},
    headline: `Run CD: orders ${outcome} after 1 m 12 s.`,
  };
}

export type ManualClock = Clock & {
  readonly advance: (ms: number) => void;
  /** Resolves when a timer of this clock is set. */
  readonly whenAwaited: () => Promise<void>;
};

export function manualClock(): ManualClock {
  let now = START_MS;
  let onTimer: () => void = () => {};
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  /** Not the next retention pass, which no test waits for. */
  const isTry = ({ at }: { readonly at: number }): boolean => at - now < 5 * 60_000;
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    after: (ms, run) => {
      const timer = { at: now + ms, run };
      timers.push(timer);
      if (isTry(timer)) onTimer();
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    advance: (ms) => {
      now += ms;
      const due = timers.filter((one) => one.at <= now).sort((a, b) => a.at - b.at);
      timers = timers.filter((one) => one.at > now);
      for (const timer of due) timer.run();
    },
    whenAwaited: () =>
      new Promise((resolve) => {
        if (timers.some(isTry)) resolve();
        else onTimer = resolve;
      }),
  };
}

/** Calls `look` after every commit until it returns a value. Fails after 10 s without a commit. */
export async function until<T>(journal: Journal, look: () => Promise<T | undefined>): Promise<T> {
  let seq = 0;
  while (true) {
    seq = (await journal.feed({ after: seq, limit: 100_000 })).at(-1)?.seq ?? seq;
    const found = await look();
    if (found !== undefined) return found;
    const events = await journal.feed({ after: seq, limit: 1, waitMs: 10_000, signal: AbortSignal.timeout(60_000) });
    if (events.length === 0) throw new Error("nothing happened for 10 s");
  }
}

export async function get<T>(url: string, path: string, token = TOKEN): Promise<T> {
  const answer = await fetch(`${url}/notify/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

export async function deliveries(url: string): Promise<readonly DeliveryView[]> {
  return (await get<{ items: DeliveryView[] }>(url, "deliveries?limit=500")).items;
}

export async function inbox(url: string, query = ""): Promise<readonly InboxItem[]> {
  return (await get<{ items: InboxItem[] }>(url, `inbox${query}`)).items;
}

export type LogLine = { readonly level: string; readonly message: string; readonly fields: object };

export function captureLog(): {
  readonly lines: LogLine[];
  readonly logger: import("@gantry/runtime/process/logger.ts").Logger;
} {
  const lines: LogLine[] = [];
  const line =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ level, message, fields });
  return { lines, logger: { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") } };
}

function answerJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function closeServer(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
