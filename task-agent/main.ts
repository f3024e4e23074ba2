// The task-agent as a process: configuration in, HTTP out. `node task-agent/main.ts --config FILE`

import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseDuration } from "@gantry/core/pipeline/duration.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import { type Listening, listen } from "@gantry/runtime/http/listen.ts";
import { checkPlainHttp } from "@gantry/runtime/http/plain-http.ts";
import { every } from "@gantry/runtime/periodic.ts";
import { makePrivateFolder } from "@gantry/runtime/private-files.ts";
import { setLevel } from "@gantry/runtime/process/log-level.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { runProcess } from "@gantry/runtime/process/run-process.ts";
import { repeat } from "@gantry/runtime/repeat.ts";
import { type Agent, openAgent } from "./agent.ts";
import { type Alarms, openAlarms } from "./alarms.ts";
import { openTriggerLimit } from "./api/rate-limit.ts";
import { openFolderStore } from "./artifacts/folder-store.ts";
import { type AgentConfig, type AgentConfigInput, agentConfig } from "./config.ts";
import { readBuiltIn } from "./definitions/built-in-pipelines.ts";
import { openDefinitionSet } from "./definitions/definition-set.ts";
import type { OwnPipelines } from "./definitions/own-pipelines.ts";
import { type EventsOut, openEventsOut } from "./events/open-relay.ts";
import { openHttpApp } from "./http-app.ts";
import { sitesKnown } from "./known-sites.ts";
import { fenceKeyOf } from "./leases/fence-key.ts";
import { withArchivedLogs } from "./logs/log-archive.ts";
import { limitLogs } from "./logs/log-limits.ts";
import { openLogStore } from "./logs/log-store.ts";
import { openMetrics } from "./metrics.ts";
import { openIsPolled, openPolling, type Polling } from "./polling/polling.ts";
import { openProposals, type Proposals } from "./proposals/proposals.ts";
import { effectivePolicy } from "./retention/decide-retention.ts";
import { archiveFolder, logFolder, openRetention, type Retention } from "./retention/retention.ts";
import { measureRetention } from "./retention/retention-metrics.ts";
import { openSeal, type Seal } from "./secrets/seal.ts";
import { ensureSealKey, openSealKeys } from "./secrets/seal-keys.ts";
import { openSettings, type Settings } from "./settings/settings.ts";
import { openAgentJournal } from "./store/open-journal.ts";
import { type LiveDefinitions, openDefinitions } from "./tasks/definitions.ts";
import { openTemplates, type Templates } from "./templates/templates.ts";
import type { TriggerDeps } from "./triggers/start-triggered.ts";
import { openTriggers, type Triggers } from "./triggers/triggers.ts";
import type { Deliveries } from "./webhooks/deliveries.ts";
import { openDeliveryLimit } from "./webhooks/delivery-limit.ts";
import { openWebhooks } from "./webhooks/open-webhooks.ts";
import { startForApp } from "./webhooks/start-for-app.ts";

const SHIPPED = fileURLToPath(new URL("../pipelines/", import.meta.url));
/** Pipelines of Gantry itself. */
const PLATFORM = join(SHIPPED, "platform");
const TICK_MS = 1_000;

type Base = {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly alarms: Alarms;
  readonly journal: Journal;
  /** The name of this agent where several share the journal. */
  readonly name: string | undefined;
};

/**
 * Starts a task-agent and resolves when it serves. `close` stops taking requests, then closes the journal. Rejects with
 * `config-invalid`, with what opening the journal throws, and when the port is in use.
 */
// long: it opens all parts in one order and closes them in another one.
export async function startTaskAgent(
  input: AgentConfigInput,
  { logger, clock = systemClock }: { logger: Logger; clock?: Clock },
): Promise<Listening> {
  const config = agentConfig.parse(input);
  checkPlainHttp({ ...config, listens: { host: config.host, hasTls: config.tls !== undefined } }, logger);
  makePrivateFolder(config.data);
  const alarms = openAlarms(logger, clock);
  const { journal, name } = await openAgentJournal(config, { clock, logger, alarms });
  const base: Base = { config, clock, logger, alarms, journal, name };
  let eventsOut: EventsOut | undefined;
  let retention: Retention | undefined;
  try {
    const settings = await openSettings(journal, clock);
    settings.listen((now) => setLevel(logger, now["log.taskAgent"]));
    const definitions = await openAgentDefinitions(base);
    const agent = await openConfiguredAgent(base, settings, definitions);
    eventsOut = await openEventsOut(config, { ...agent, journal, clock, logger, newId: randomUUID });
    const metrics = openMetrics(agent, eventsOut?.state, () => journal.check());
    const policy = () => effectivePolicy(config.retention, settings.now());
    retention = openRetention({ ...agent, ...base, policy, random: Math.random });
    measureRetention(metrics.registry, retention.state);
    const definitionSet = await openDefinitionSet(
      {
        ...base,
        ...agent,
        definitions,
        portalUrl: config.portalUrl,
        newId: randomUUID,
        taskChanged: agent.feed.taskChanged,
        monotonicMs: () => clock.monotonicMs(),
      },
      config.definitions,
      PLATFORM,
    );
    const templates = await openAgentTemplates(base, agent, definitions);
    const proposals = await openAgentProposals(base, agent, definitions);
    const forTriggers = triggerDeps(base, agent, definitions, definitionSet.own);
    const { deliveries, ...webhooks } = await openAgentWebhooks(base, forTriggers);
    const triggers = openAgentTriggers(base, forTriggers);
    const polling = await openAgentPolling(base, forTriggers, definitions, deliveries);
    const parts = {
      definitionSet,
      templates,
      proposals,
      deliveries,
      polling,
      triggers,
      settings,
      metrics,
      retention,
      eventsOut,
    };
    const app = openHttpApp({ ...base, ...parts, agent });
    const server = await listen(app, { host: config.host, port: config.port, tls: config.tls, logger });
    logger.info({ url: server.url }, "task-agent is listening");
    retention.start();
    const stopTicking = startTicking(base, agent, settings, webhooks.wake);
    const following = startFollowing(base, {
      definitions: definitionSet.ticks,
      templates: [templates.tick],
      triggers: triggers.ticks,
      polling: [polling.tick],
      fleet: [agent.fleet.tick],
    });
    return {
      ...server,
      close: async () => {
        stopTicking();
        // Polls that are open get their reply, so that runners go to another agent.
        const closed = server.close();
        agent.wakePolls();
        await following.stop();
        await webhooks.close();
        await retention?.close();
        await eventsOut?.close();
        await closed;
        await agent.close().catch((err: unknown) => logger.warn({ err }, "the other agents could not be informed"));
        await agent.logs.close();
        await journal.close();
      },
    };
  } catch (error) {
    await retention?.close();
    await eventsOut?.close();
    await journal.close();
    throw error;
  }
}

/** Two loops: what is wrong with the definitions does not hold up the templates. */
/** Each kind of work by its name, in a loop of its own. */
function startFollowing(
  { clock, logger }: Base,
  work: { readonly [what: string]: Parameters<typeof repeat>[0]["ticks"] },
): { readonly stop: () => Promise<void> } {
  const loops = Object.entries(work).map(([what, ticks]) =>
    repeat({
      ...{ clock, ticks },
      onError: (err) => logger.error({ err }, `the ${what} could not be looked at; it is tried again every second`),
    }),
  );
  return { stop: async () => void (await Promise.all(loops.map((one) => one.stop()))) };
}

async function openAgentDefinitions(base: Base): Promise<LiveDefinitions> {
  const steps = await shippedSteps();
  const { config, journal, alarms } = base;
  return openDefinitions(config.pipelines ?? SHIPPED, steps, journal, {
    alarms,
    git: config.definitions !== undefined,
    params: config.params,
    builtIn: [await readBuiltIn(join(PLATFORM, "check-systems.yaml"), steps)],
  });
}

let catalogue: Promise<readonly StepDescription[]> | undefined;

/** Read once, so that what is remembered about files that were checked with these steps stays valid. */
function shippedSteps(): Promise<readonly StepDescription[]> {
  catalogue ??= readFile(join(SHIPPED, "catalogue.json"), "utf8").then((text) => JSON.parse(text) as StepDescription[]);
  return catalogue;
}

async function openAgentTemplates(base: Base, agent: Agent, definitions: LiveDefinitions): Promise<Templates> {
  return openTemplates({
    ...{ ...base, ...agent, definitions, portalUrl: base.config.portalUrl, newId: randomUUID },
    pipeline: await readBuiltIn(join(PLATFORM, "templates-sync.yaml"), definitions.steps),
    shipped: (await readdir(join(SHIPPED, "templates"))).toSorted(),
    sites: agent.registry.sites,
    everyMs: parseDuration(base.config.templates.every) ?? 0,
  });
}

async function openAgentProposals(base: Base, agent: Agent, definitions: LiveDefinitions): Promise<Proposals> {
  return openProposals({
    ...{ ...base, ...agent, definitions, portalUrl: base.config.portalUrl, newId: randomUUID },
    pipeline: await readBuiltIn(join(PLATFORM, "discover-app.yaml"), definitions.steps),
    sites: agent.registry.sites,
    knownSystems: agent.registry.systems,
  });
}

/** What starts the tasks of triggers. */
function triggerDeps(
  { journal, config, clock }: Base,
  agent: Agent,
  definitions: LiveDefinitions,
  ownPipelines: OwnPipelines,
): TriggerDeps {
  return {
    ...{ ...agent, journal, definitions, ownPipelines, portalUrl: config.portalUrl, newId: randomUUID },
    paramsBytes: config.limits.paramsBytes,
    admitTriggered: openTriggerLimit(clock, config.limits.triggeredPerMinute),
    knownSites: () => sitesKnown(config, agent),
    knownSystems: agent.registry.systems,
    knownSecrets: agent.registry.secrets,
  };
}

async function openAgentPolling(
  { config }: Base,
  deps: TriggerDeps,
  definitions: LiveDefinitions,
  deliveries: Deliveries,
): Promise<Polling> {
  const pipeline = await readBuiltIn(join(PLATFORM, "poll-git.yaml"), definitions.steps);
  return openPolling({ ...deps, pipeline, deliveries, config: config.polling });
}

function openAgentWebhooks(base: Base, deps: TriggerDeps): ReturnType<typeof openWebhooks> {
  const { config, journal, logger, clock, alarms } = base;
  return openWebhooks({
    journal,
    newId: randomUUID,
    admit: openDeliveryLimit(clock, config.limits, alarms),
    start: (delivery, facts, app) =>
      startForApp({ ...deps, isPolled: openIsPolled(config.polling) }, delivery, facts, app),
    onError: (err, what) => logger.error({ err }, `${what} failed; it is repeated in a second`),
  });
}

function openAgentTriggers({ clock }: Base, deps: TriggerDeps): Triggers {
  return openTriggers({ ...deps, monotonicMs: () => clock.monotonicMs() });
}

async function openConfiguredAgent(base: Base, settings: Settings, definitions: LiveDefinitions): Promise<Agent> {
  const { config, journal, clock, name } = base;
  const folder = logFolder(config);
  const logs = limitLogs(openLogStore(folder, clock, { shared: name !== undefined }), folder, config.limits);
  return openAgent({
    config,
    journal,
    definitions,
    logs: withArchivedLogs(logs, archiveFolder(config)),
    artifacts: openFolderStore(config.artifacts ?? join(dirname(folder), "artifacts"), clock, config.limits),
    logger: base.logger,
    clock,
    newId: randomUUID,
    alarms: base.alarms,
    fenceKey: fenceKeyOf(config.token),
    ...sealOf(base),
    settings,
    ...(name === undefined ? {} : { name }),
  });
}

/**
 * Agents that share a journal get a key only from their configuration: a key that one of them creates would be useless to
 * the others.
 */
function sealOf({ config, name, logger }: Base): { readonly seal?: Seal } {
  if (config.sealKeyFile !== undefined) return { seal: openSeal(openSealKeys(config.sealKeyFile)) };
  if (name !== undefined) return {};
  const file = join(config.data, "seal-key");
  if (ensureSealKey(file))
    logger.info({ file }, "a key for secret parameters was created; keep a copy of it separate from backups");
  return { seal: openSeal(openSealKeys(file)) };
}

/** The returned function stops it. */
function startTicking(
  { clock, logger }: Base,
  agent: Agent,
  settings: Settings,
  decideDeliveries: () => void,
): () => void {
  return every(clock, TICK_MS, () => {
    decideDeliveries();
    settings.refresh().catch((err: unknown) => logger.error({ err }, "the settings could not be read"));
    agent.tick().catch((err: unknown) => logger.error({ err }, "a sweep failed; it is repeated in a second"));
  });
}

if (import.meta.main)
  await runProcess("task-agent", agentConfig, (config, logger) => startTaskAgent(config, { logger }));
