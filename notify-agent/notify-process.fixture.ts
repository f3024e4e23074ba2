// The environment of the notify-agent's tests: a fake feed, a fake messenger and a fake mail server, over real HTTP.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type MemoryJournal, newMemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { type LabMail, startMailBox } from "@gantry/lab/fakes/mail/mail.ts";
import { type LabMessage, startMessenger } from "@gantry/lab/fakes/messenger.ts";
import type { DeliveryView } from "@gantry/wire/notify/views.ts";
import type { NotifyConfigInput } from "./config.ts";
import { NOTIFY_INDEXES } from "./deliveries/delivery.ts";
import { startNotifyAgent } from "./main.ts";
import { AGENT_TOKEN, captureLog, deliveries, manualClock, startFeed, TOKEN, until } from "./notify.fixture.ts";

type TestEnvironment = Awaited<ReturnType<typeof startTestEnvironment>>;

/** The fakes, and a notify-agent that can be restarted with the same journal. */
export async function startTestEnvironment(t: TestContext, more: Partial<NotifyConfigInput> = {}) {
  const dir = await mkdtemp(join(tmpdir(), "gantry-notify-"));
  const messenger = await startMessenger({ name: "messenger", dir });
  const box = await startMailBox({ name: "mail", dir });
  const feed = await startFeed();
  const clock = manualClock();
  const store = newMemoryStore();
  const log = captureLog();
  const closers: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const close of closers) await close();
    await Promise.all([feed.close(), messenger.close(), box.close()]);
    await rm(dir, { recursive: true, force: true });
  });

  const env = { failAfterSending: false };

  const start = async (
    changes: Partial<NotifyConfigInput> = {},
  ): Promise<{ url: string; journal: MemoryJournal; stop: () => Promise<void> }> => {
    const journal = openMemoryJournal({ indexes: NOTIFY_INDEXES, store, clock: { ...clock, after: realAfter } });
    const config: NotifyConfigInput = {
      token: TOKEN,
      agent: { url: feed.url, token: AGENT_TOKEN },
      channels: {
        ops: { kind: "messenger", preset: "slack", url: `${messenger.url}/slack/services/T/B/secretOfTheHook` },
        mail: {
          kind: "mail",
          host: "127.0.0.1",
          port: box.smtpPort,
          tls: "if-offered",
          from: "g@corp.example",
          to: ["ops@corp.example"],
        },
      },
      ...more,
      ...changes,
    };
    const watched: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init);
      if (env.failAfterSending && String(input).includes("slack")) {
        env.failAfterSending = false;
        journal.failNextAppend("lost");
      }
      return answer;
    };
    const agent = await startNotifyAgent(config, {
      journal,
      clock,
      logger: log.logger,
      random: () => 1,
      fetch: watched,
    });
    let stopped = false;
    const stop = async (): Promise<void> => {
      if (!stopped) await agent.close();
      stopped = true;
    };
    closers.push(stop);
    return { url: agent.url, journal, stop };
  };
  return Object.assign(env, {
    feed,
    messenger,
    box,
    clock,
    store,
    log,
    start,
    messages: async (): Promise<readonly LabMessage[]> =>
      ((await (await fetch(`${messenger.url}/_lab/messages`)).json()) as { items: LabMessage[] }).items,
    mails: async (): Promise<readonly LabMail[]> =>
      ((await (await fetch(`${box.url}/_lab/mails`)).json()) as { items: LabMail[] }).items,
  });
}

/** The journal waits in real time; only the clock of the agent is controlled by the test. */
function realAfter(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

type Running = Awaited<ReturnType<TestEnvironment["start"]>>;

/** Resolves when there are `count` deliveries and all are in one of the states. */
export function settled(
  agent: Running,
  count: number,
  states: readonly DeliveryView["state"][] = ["delivered"],
): Promise<readonly DeliveryView[]> {
  return until(agent.journal, async () => {
    const all = await deliveries(agent.url);
    return all.length === count && all.every((one) => states.includes(one.state)) ? all : undefined;
  });
}

export function tried(agent: Running, key: string, tries: number): Promise<DeliveryView> {
  return until(agent.journal, async () =>
    (await deliveries(agent.url)).find((one) => one.key === key && one.tries >= tries),
  );
}
