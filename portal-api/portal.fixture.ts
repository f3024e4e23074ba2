// A portal with a fake task-agent and a fake notify-agent, over real HTTP, for tests.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { createApp } from "@gantry/runtime/http/app.ts";
import { requireBearer } from "@gantry/runtime/http/bearer.ts";
import { listen } from "@gantry/runtime/http/listen.ts";
import { addRoutes } from "@gantry/runtime/http/serve-routes.ts";
import { NOTIFY_PREFIX, NOTIFY_ROUTES } from "@gantry/wire/notify/routes.ts";
import type { CallbackView, DeliveryView, InboxItem } from "@gantry/wire/notify/views.ts";
import Router from "@koa/router";
import type { Role } from "./access/decide-access.ts";
import { INDEXES } from "./access/records.ts";
import type { PortalConfigInput } from "./config.ts";
import { type FakeAgent, startFakeAgent } from "./fake-agent.fixture.ts";
import { type RunningPortal, startPortal } from "./main.ts";
import { makePasswords } from "./people/passwords.ts";

export type TestPortal = RunningPortal & {
  readonly agent: FakeAgent;
  readonly dir: string;
  /** The file with the policy; it exists only if a policy was given. */
  readonly policyFile: string;
  readonly lines: object[];
  /** Sends a request with the administrator's token, or with the given one; null sends none. */
  readonly ask: (path: string, init?: Asking) => Promise<Response>;
  readonly tokenOf: (role: Role, name?: string) => Promise<string>;
  /** What the notify-agent answers. */
  readonly notify: { inbox: InboxItem[]; deliveries: DeliveryView[]; callbacks: CallbackView[] };
  /** Everything that the portal has stored, as JSON. */
  readonly journalText: () => Promise<string>;
};

export type Asking = {
  readonly method?: string;
  readonly json?: unknown;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly token?: string | null;
  readonly redirect?: "manual" | "follow";
  readonly signal?: AbortSignal;
};

/** `policy`: the text of a policy file. */
export async function startTestPortal(
  config: Partial<PortalConfigInput> = {},
  options: { readonly clock?: Clock; readonly policy?: string } = {},
): Promise<TestPortal> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-portal-"));
  const policyFile = join(dir, "policy.yaml");
  if (options.policy !== undefined) await writeFile(policyFile, options.policy);
  const agent = await startFakeAgent();
  const notify = await startFakeNotify();
  const lines: object[] = [];
  const line = (fields: object): void => void lines.push(fields);
  const clock = options.clock;
  const journal = openMemoryJournal({ indexes: INDEXES, ...(clock ? { clock } : {}) });
  const portal = await startPortal(
    {
      port: 0,
      dataDir: dir,
      agent: { url: agent.url, token: agent.token },
      notify: { url: notify.url, token: NOTIFY_TOKEN },
      console: join(dir, "console"),
      ...config,
      ...(options.policy === undefined ? {} : { access: { ...config.access, policy: policyFile } }),
    },
    {
      logger: { debug: line, info: line, warn: line, error: line },
      journal,
      // Cheap ones: the tests sign in often.
      passwords: makePasswords({ log2N: 10, r: 8, p: 1 }),
      ...(clock ? { clock } : {}),
    },
  );

  const ask: TestPortal["ask"] = (path, { token = portal.adminToken, json, headers, ...rest } = {}) =>
    fetch(portal.url + path, {
      ...rest,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });

  return {
    ...portal,
    agent,
    notify: notify.data,
    dir,
    policyFile,
    lines,
    ask,
    journalText: async () => {
      const events = await journal.feed({ after: 0, limit: 100_000 });
      const streams = new Set(events.map(({ stream }) => stream));
      return JSON.stringify([events, await Promise.all([...streams].map((stream) => journal.load(stream)))]);
    },
    tokenOf: async (role, name = `a-${role}`) => {
      const answer = await ask("/v1/tokens", { method: "POST", json: { name, role } });
      return ((await answer.json()) as { token: string }).token;
    },
    close: async () => {
      await portal.close();
      await Promise.all([agent.close(), notify.close()]);
      await rm(dir, { recursive: true });
    },
  };
}

const NOTIFY_TOKEN = "a-token-of-the-notify-agent";

type FakeNotify = { url: string; data: TestPortal["notify"]; close: () => Promise<void> };

async function startFakeNotify(): Promise<FakeNotify> {
  const silent = (): void => undefined;
  const app = createApp({ name: "fake-notify", logger: { debug: silent, info: silent, warn: silent, error: silent } });
  const router = new Router({ prefix: NOTIFY_PREFIX });
  const item: InboxItem = {
    id: "1",
    at: "2026-11-20T07:00:00Z",
    rule: "failed",
    state: "failed",
    title: "CI failed",
    text: "",
    facts: [["App", "orders"]],
  };
  const data: TestPortal["notify"] = { inbox: [item], deliveries: [], callbacks: [] };
  addRoutes(router, NOTIFY_ROUTES, {
    inbox: () => ({ items: data.inbox }),
    deliveries: () => ({ items: data.deliveries }),
    callbacks: () => ({ items: data.callbacks }),
    channels: () => ({ items: [{ name: "mails", kind: "mail", insecureSkipVerify: true }] }),
    checkChannel: () => ({ verdict: "yes" as const, says: "mail.example:587 accepts mail" }),
  });
  app.use(requireBearer([NOTIFY_TOKEN]));
  app.use(router.routes());
  return { ...(await listen(app, { host: "127.0.0.1", port: 0 })), data };
}

/** One frame of an event stream. */
export type Got = { readonly id?: string; readonly event?: string; readonly data?: unknown };

/** Reads an event stream frame by frame, without comments and bare ids. Abort the request to stop. */
export async function* readFrames(answer: Response): AsyncGenerator<Got> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const fields = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const field = (name: string): string | undefined =>
        fields.find((one) => one.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field("data");
      if (data === undefined) continue;
      const [id, event] = [field("id"), field("event")];
      yield {
        data: JSON.parse(data),
        ...(id === undefined ? {} : { id }),
        ...(event === undefined ? {} : { event }),
      };
    }
  }
}

/** The next frames that are events (not `link`). */
export async function take(frames: AsyncGenerator<Got>, count: number): Promise<Got[]> {
  const taken: Got[] = [];
  while (taken.length < count) {
    const next = await frames.next();
    if (next.done) break;
    if (next.value.event !== "link") taken.push(next.value);
  }
  return taken;
}

/** A clock whose time a test sets; waiting takes real time. */
export function clockAt(nowMs: () => number): Clock {
  return {
    nowMs,
    monotonicMs: nowMs,
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
}

/** Its time stands still: however long the requests of a test take, no limit per second lets more of them through. */
export function standingClock(): Clock {
  const now = Date.now();
  return clockAt(() => now);
}
