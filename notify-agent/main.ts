// The notify-agent process: `node notify-agent/main.ts --config FILE`. `gantry start` calls `startNotifyAgent` instead.

import { join } from "node:path";
import type { Channel, CheckResult, SendResult } from "@gantry/core/notify/channel.ts";
import { type LiveSettings, NO_SETTINGS } from "@gantry/core/settings/settings.ts";
import { openArchiveWriter } from "@gantry/journal/archive/archive.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import { createApp } from "@gantry/runtime/http/app.ts";
import { fetchWithTls } from "@gantry/runtime/http/client-tls.ts";
import { type Listening, listen } from "@gantry/runtime/http/listen.ts";
import { checkPlainHttp } from "@gantry/runtime/http/plain-http.ts";
import { setLevel } from "@gantry/runtime/process/log-level.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { operationRoutes } from "@gantry/runtime/process/operation-routes.ts";
import { runProcess } from "@gantry/runtime/process/run-process.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { ChannelView } from "@gantry/wire/notify/views.ts";
import { followSettings } from "@gantry/wire/settings/settings-follower.ts";
import { notifyRoutes } from "./api/routes.ts";
import { type NotifyConfig, type NotifyConfigInput, notifySchema, type Peer, parseConfig } from "./config.ts";
import { type ChannelQueues, openChannelQueues } from "./deliveries/channel-queues.ts";
import { CALLBACK, INBOX, NOTIFY_INDEXES } from "./deliveries/delivery.ts";
import { testContent } from "./messages.ts";
import { type Metrics, makeMetrics } from "./metrics.ts";
import { DELIVERIES, openRetention, type RetentionDeps } from "./retention/retention.ts";
import { fixedRules, followRules, type Rules } from "./rules.ts";
import { type OpenSource, openSource } from "./sources/open-source.ts";

export type NotifyDeps = {
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Returns a number from 0 to 1, to spread retries. */
  readonly random?: () => number;
  /** For the channels and the feed. */
  readonly fetch?: typeof fetch;
  /** The variables for `{env: NAME}` in the configuration. Default: none. */
  readonly env?: { readonly [name: string]: string | undefined };
  /** Closed with the agent. Default: SQLite in the data folder. */
  readonly journal?: Journal;
};

/**
 * Starts a notify-agent. It accepts requests when the promise resolves; the task-agent may be started later. Throws
 * `config-invalid` with every problem of the configuration. `close` stops reading events, waits for the message that is
 * being sent, and closes the journal.
 */
export async function startNotifyAgent(input: NotifyConfigInput, deps: NotifyDeps = {}): Promise<Listening> {
  const config = parseConfig(input, deps.env ?? {});
  const { host, tls, allowPlainHttp, agent: peer } = config;
  const logger = deps.logger ?? makeLogger("notify-agent", config.logLevel);
  const listens = { host, hasTls: tls !== undefined };
  checkPlainHttp({ allowPlainHttp, listens, calls: { "/agent/url": peer?.url } }, logger);
  const agentFetch = deps.fetch ?? (await fetchWithTls({ ca: peer?.ca }, "/agent"));
  const journal =
    deps.journal ?? (await openSqliteJournal({ file: join(config.data, "notify.db"), indexes: NOTIFY_INDEXES }));
  const channels = new Map<string, Channel>();
  try {
    const tools = { fetch: deps.fetch ?? fetch };
    for (const [name, channel] of config.channels) channels.set(name, channel.open(tools));
    const agent = await assemble(config, { ...deps, logger, fetch: agentFetch }, journal, channels);
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
  deps: NotifyDeps & { readonly logger: Logger },
  journal: Journal,
  channels: ReadonlyMap<string, Channel>,
): Promise<Listening> {
  const clock = deps.clock ?? systemClock;
  const random = deps.random ?? Math.random;
  const { logger } = deps;
  for (const [name, { isInsecure }] of config.channels) {
    const risk = "the server's certificate is not checked, so messages and credentials can be read on the way";
    // As an error, which viewers of logs show in red.
    if (isInsecure) logger.error({ channel: name }, `insecureSkipVerify is set for the channel ${name}: ${risk}`);
  }
  const metrics = makeMetrics(() => queues.pending());
  let live = NO_SETTINGS;
  const isPaused = (): boolean => live["notify.paused"] === true;
  const { delivery: policy } = config;
  const shared = { journal, clock, random, logger };
  const queues = openChannelQueues({ ...shared, channels, policy, onTried: metrics.tried, isPaused });
  const applySettings = (now: LiveSettings): void => {
    live = now;
    setLevel(logger, now["log.notifyAgent"]);
    queues.pump();
  };
  const app = createApp({ name: "notify-agent", logger, onAnswered: metrics.answered });
  const rules = openRules(config, { ...deps, logger, clock });
  const problems = (): readonly string[] => [...metrics.problems(), ...rules.problems()];
  app.use(
    operationRoutes({ metrics, check: () => journal.check(), degraded: problems, metricsToken: config.metricsToken }),
  );
  const testChannel = channelTester(channels, clock, policy.sendMs);
  const checkChannel = channelChecker(channels, policy.sendMs);
  const tests = { checkChannel, testChannel };
  app.use(notifyRoutes({ journal, metrics, token: config.token, channels: channelViews(config), ...tests }));
  const source = await openSource(config.source, { journal, logger }, deps.fetch);
  const resumed = await queues.resumePending();
  if (resumed > 0) logger.info({ deliveries: resumed }, "pending deliveries of an earlier run will be sent");
  const server = await listen(app, { ...config, logger }).catch(async (error: unknown) => {
    await rules.stop();
    await source.close();
    await queues.close();
    throw error;
  });
  const background = startBackground({ config, deps, shared, queues, source, rules, metrics, applySettings });
  logger.info({ url: server.url, channels: [...channels.keys()] }, "notify-agent is listening");
  return {
    ...server,
    close: async () => {
      await background.stop();
      await source.close();
      await Promise.all([server.close(), queues.close()]);
    },
  };
}

function channelViews({ channels }: NotifyConfig): readonly ChannelView[] {
  return [...channels]
    .filter(([name]) => name !== CALLBACK)
    .map(([name, { kind, isInsecure }]) => ({ name, kind, ...(isInsecure ? { insecureSkipVerify: true } : {}) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

type BackgroundParts = {
  readonly config: NotifyConfig;
  readonly deps: NotifyDeps;
  readonly shared: Pick<RetentionDeps, "journal" | "clock" | "random" | "logger">;
  readonly queues: ChannelQueues;
  readonly source: OpenSource;
  readonly rules: Rules;
  readonly metrics: Metrics;
  readonly applySettings: (now: LiveSettings) => void;
};

/** Starts what runs beside the HTTP server: reading events, retention, and following the live settings. */
function startBackground(parts: BackgroundParts): { readonly stop: () => Promise<void> } {
  const { config, deps, shared, rules, metrics } = parts;
  const maxAgeMs = config.delivery.giveUpAfterMs;
  const events = startReading(parts, maxAgeMs);
  const folder = config.archive ?? join(config.data, "archive");
  const archive = openArchiveWriter({ folder, kind: DELIVERIES, nowMs: shared.clock.nowMs });
  const { registry } = metrics;
  const retention = openRetention({ ...shared, maxAgeMs, archive, policy: config.retention, registry });
  retention.start();
  const agent = config.agent && clientOf(config.agent, deps);
  const settings = agent && followSettings({ agent, logger: shared.logger, onChange: parts.applySettings });
  return {
    stop: async () => {
      await Promise.all([events.stop(), rules.stop(), settings?.stop(), retention.close()]);
    },
  };
}

/** Begins when there are rules. */
function startReading(
  { config, shared, queues, source, rules, metrics }: BackgroundParts,
  maxAgeMs: number,
): { readonly stop: () => Promise<void> } {
  let isStopped = false;
  let events: { readonly stop: () => Promise<void> } | undefined;
  void rules.ready.then(() => {
    if (isStopped) return;
    events = source.start({
      ...shared,
      rules: rules.now,
      maxAgeMs,
      portalUrl: config.portalUrl,
      hasCallbacks: config.channels.has(CALLBACK),
      onRecorded: queues.add,
      resumePending: queues.resumePending,
      onFeed: metrics.feed,
    });
  });
  return {
    stop: async () => {
      isStopped = true;
      await events?.stop();
    },
  };
}

function openRules(
  { rules, rulesFromDefinitions, rulesPollMs, agent, channels }: NotifyConfig,
  deps: NotifyDeps & { readonly logger: Logger; readonly clock: Clock },
): Rules {
  if (!rulesFromDefinitions || !agent) return fixedRules(rules);
  return followRules({
    agent: clientOf(agent, deps),
    channels: [INBOX, ...channels.keys()].filter((name) => name !== CALLBACK),
    everyMs: rulesPollMs,
    clock: deps.clock,
    logger: deps.logger,
  });
}

/** Sends a test message on a channel; undefined when there is no such channel. */
function channelTester(
  channels: ReadonlyMap<string, Channel>,
  clock: Clock,
  sendMs: number,
): (name: string) => Promise<SendResult> | undefined {
  return (name) => {
    const nowMs = clock.nowMs();
    const message = { ...testContent(name), key: `test/${nowMs}/${name}`, to: undefined, at: new Date(nowMs) };
    return channels.get(name)?.send(message, AbortSignal.timeout(sendMs));
  };
}

/** Without a message; undefined when there is no such channel. */
function channelChecker(
  channels: ReadonlyMap<string, Channel>,
  sendMs: number,
): (name: string) => Promise<CheckResult> | undefined {
  return (name) => {
    const channel = channels.get(name);
    if (!channel?.check) return channel && Promise.resolve({ verdict: "unknown", says: "only a message shows it" });
    return channel.check(AbortSignal.timeout(sendMs));
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
