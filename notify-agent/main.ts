// The notify-agent as a process: `node notify-agent/main.ts --config FILE`. `startNotifyAgent` is the same for the
// all-in-one.

import { join } from "node:path";
import type { Channel, SendResult } from "@gantry/core/notify/channel.ts";
import { type LiveSettings, NO_SETTINGS } from "@gantry/core/settings/settings.ts";
import { openArchiveWriter } from "@gantry/journal/archive/archive.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import { createApp } from "@gantry/runtime/http/app.ts";
import { type Listening, listen } from "@gantry/runtime/http/listen.ts";
import { setLevel } from "@gantry/runtime/process/log-level.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { operationRoutes } from "@gantry/runtime/process/operation-routes.ts";
import { runProcess } from "@gantry/runtime/process/run-process.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { followSettings } from "@gantry/wire/settings/settings-follower.ts";
import { notifyRoutes } from "./api/routes.ts";
import { type NotifyConfig, type NotifyConfigInput, notifySchema, type Peer, parseConfig } from "./config.ts";
import { openChannelQueues } from "./deliveries/channel-queues.ts";
import { NOTIFY_INDEXES } from "./deliveries/delivery.ts";
import { testContent } from "./messages.ts";
import { makeMetrics } from "./metrics.ts";
import { DELIVERIES, openRetention } from "./retention/retention.ts";
import { openSource } from "./sources/open-source.ts";

export type NotifyDeps = {
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Between 0 and 1, for spreading tries. */
  readonly random?: () => number;
  /** For the channels and the feed. */
  readonly fetch?: typeof fetch;
  /** Where `{env: NAME}` is looked up. Default: nowhere. */
  readonly env?: { readonly [name: string]: string | undefined };
  /** Closed with the agent. Default: SQLite in the data folder. */
  readonly journal?: Journal;
};

/**
 * Starts a notify-agent; it serves when the promise resolves. The task-agent need not be there yet. Throws
 * `config-invalid` with every problem of the configuration. `close` stops reading the feed, lets a message that is being
 * sent end, and closes the journal.
 */
export async function startNotifyAgent(input: NotifyConfigInput, deps: NotifyDeps = {}): Promise<Listening> {
  const config = parseConfig(input, deps.env ?? {});
  const journal =
    deps.journal ?? (await openSqliteJournal({ file: join(config.data, "notify.db"), indexes: NOTIFY_INDEXES }));
  const channels = new Map<string, Channel>();
  try {
    const tools = { fetch: deps.fetch ?? fetch };
    for (const [name, channel] of config.channels) channels.set(name, channel.open(tools));
    const agent = await assemble(config, deps, journal, channels);
    return {
      ...agent,
      close: async () => {
        await agent.close();
        await closeAll(channels, journal);
      },
    };
  } catch (error) {
    await closeAll(channels, journal);
    throw error;
  }
}

async function assemble(
  config: NotifyConfig,
  deps: NotifyDeps,
  journal: Journal,
  channels: ReadonlyMap<string, Channel>,
): Promise<Listening> {
  const clock = deps.clock ?? systemClock;
  const random = deps.random ?? Math.random;
  const logger = deps.logger ?? makeLogger("notify-agent", config.logLevel);
  const metrics = makeMetrics(() => deliverer.pending());
  let live = NO_SETTINGS;
  const deliverer = openChannelQueues({
    journal,
    channels,
    policy: config.delivery,
    clock,
    random,
    logger,
    onTried: metrics.tried,
    isPaused: () => live["notify.paused"] === true,
  });

  const testChannel = (name: string): Promise<SendResult> | undefined => {
    const message = {
      ...testContent(name),
      key: `test/${clock.nowMs()}/${name}`,
      to: undefined,
      at: new Date(clock.nowMs()),
    };
    return channels.get(name)?.send(message, AbortSignal.timeout(config.delivery.sendMs));
  };
  const heed = (now: LiveSettings): void => {
    live = now;
    setLevel(logger, now["log.notifyAgent"]);
    deliverer.pump();
  };
  const app = createApp({ name: "notify-agent", logger, onAnswered: metrics.answered });
  app.use(operationRoutes(metrics, () => journal.check(), metrics.problems));
  app.use(notifyRoutes({ journal, metrics, token: config.token, testChannel }));
  const source = await openSource(config.source, { journal, logger }, deps.fetch);
  const left = await deliverer.takeUp();
  if (left > 0) logger.info({ deliveries: left }, "deliveries of an earlier run were taken up");
  const server = await listen(app, config).catch(async (error: unknown) => {
    await source.close();
    await deliverer.close();
    throw error;
  });
  const shared = {
    journal,
    rules: config.rules,
    maxAgeMs: config.delivery.giveUpAfterMs,
    portalUrl: config.portalUrl,
    clock,
    random,
    logger,
    onRecorded: deliverer.add,
    takeUp: deliverer.takeUp,
    onFeed: metrics.feed,
  };
  const loop = source.start(shared);
  const folder = config.archive ?? join(config.data, "archive");
  const retention = openRetention({
    ...shared,
    archive: openArchiveWriter({ folder, kind: DELIVERIES, nowMs: clock.nowMs }),
    policy: config.retention,
    registry: metrics.registry,
  });
  retention.start();
  const settings = config.agent && followSettings({ agent: clientOf(config.agent, deps), logger, onChange: heed });
  logger.info({ url: server.url, channels: [...channels.keys()] }, "notify-agent serves");
  return {
    ...server,
    close: async () => {
      await Promise.all([loop.stop(), settings?.stop(), retention.close()]);
      await source.close();
      await Promise.all([server.close(), deliverer.close()]);
    },
  };
}

function clientOf(agent: Peer, { fetch }: NotifyDeps): AgentClient {
  return makeAgentClient({ ...agent, ...(fetch ? { fetch } : {}) });
}

async function closeAll(channels: ReadonlyMap<string, Channel>, journal: Journal): Promise<void> {
  await Promise.all([...channels.values()].map((channel) => channel.close?.()));
  await journal.close();
}

if (import.meta.main) {
  await runProcess("notify-agent", notifySchema, (config, logger) =>
    startNotifyAgent(config, { logger, env: process.env }),
  );
}
