// The task-agent as a process: configuration in, HTTP out. `node task-agent/main.ts --config FILE`

import { randomUUID } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { RetentionPolicy } from "@gantry/core/retention/policy.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import { createApp } from "@gantry/runtime/http/app.ts";
import { type Listening, listen } from "@gantry/runtime/http/listen.ts";
import { setLevel } from "@gantry/runtime/process/log-level.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { operationRoutes } from "@gantry/runtime/process/metrics.ts";
import { runProcess } from "@gantry/runtime/process/run-process.ts";
import { openAgent } from "./agent.ts";
import { openAlarms } from "./alarms.ts";
import { archivedReads } from "./api/archived-reads.ts";
import { portalRoutes } from "./api/portal-routes.ts";
import { openRateLimit } from "./api/rate-limit.ts";
import { runnerRoutes } from "./api/runner-routes.ts";
import { settingsRoutes } from "./api/settings-routes.ts";
import { type AgentConfigInput, agentConfig } from "./config.ts";
import { type EventsOut, openEventsOut } from "./events/open-relay.ts";
import { withArchivedLogs } from "./logs/log-archive.ts";
import { openLogStore } from "./logs/log-store.ts";
import { openMetrics } from "./metrics.ts";
import { policyNow } from "./retention/decide-retention.ts";
import { archiveFolder, logFolder, openRetention, type Retention } from "./retention/retention.ts";
import { measureRetention } from "./retention/retention-metrics.ts";
import { openSettings } from "./settings/settings.ts";
import { openAgentJournal } from "./store/open-journal.ts";
import { openDefinitions } from "./tasks/definitions.ts";

const SHIPPED = fileURLToPath(new URL("../pipelines/", import.meta.url));
const TICK_MS = 1_000;

/** Starts a task-agent and resolves when it serves. `close` stops taking requests, then closes the journal. */
export async function startTaskAgent(
  input: AgentConfigInput,
  deps: { logger: Logger; clock?: Clock },
): Promise<Listening> {
  const clock = deps.clock ?? systemClock;
  const config = agentConfig.parse(input);
  await mkdir(config.data, { recursive: true });
  const alarms = openAlarms(deps.logger);
  const { journal, name } = await openAgentJournal(config, { clock, logger: deps.logger, alarms });
  let eventsOut: EventsOut | undefined;
  let retention: Retention | undefined;
  try {
    const steps = JSON.parse(await readFile(join(SHIPPED, "catalogue.json"), "utf8")) as StepDescription[];
    const settings = await openSettings(journal, clock);
    settings.listen((now) => setLevel(deps.logger, now["log.taskAgent"]));
    const logs = openLogStore(logFolder(config), clock, { shared: name !== undefined });
    const agent = await openAgent({
      config,
      journal,
      definitions: await openDefinitions(config.pipelines ?? SHIPPED, steps, journal),
      logs: withArchivedLogs(logs, archiveFolder(config)),
      logger: deps.logger,
      clock,
      newId: randomUUID,
      alarms,
      settings,
      ...(name === undefined ? {} : { name }),
    });
    eventsOut = await openEventsOut(config, { ...agent, journal, clock, logger: deps.logger, newId: randomUUID });
    const metrics = openMetrics(agent, eventsOut?.state, () => journal.check());
    const policy = (): RetentionPolicy => policyNow(config.retention, settings.now());
    retention = openRetention({
      ...agent,
      config,
      policy,
      journal,
      clock,
      logger: deps.logger,
      random: Math.random,
      name,
    });
    measureRetention(metrics.registry, retention.state);
    const app = createApp({ name: "task-agent", logger: deps.logger, onAnswered: metrics.answered });
    const portal = portalRoutes({
      ...agent,
      journal,
      portalUrl: config.portalUrl,
      token: config.token,
      newId: randomUUID,
      admit: openRateLimit(clock, () => settings.now()["tasks.perMinute"]),
      onCancel: agent.protocol.cancel,
      onRemove: agent.protocol.remove,
    });
    const runner = runnerRoutes({
      protocol: agent.protocol,
      logs: agent.logs,
      tokens: config.runnerTokens,
      onIncompatible: agent.noteUnfit,
    });
    app.use(runner);
    app.use(archivedReads({ ...agent, ...retention }));
    app.use(portal.routes());
    app.use(settingsRoutes(settings, config.token).routes());
    app.use(
      operationRoutes(
        metrics,
        () => journal.check(),
        () => eventsOut?.problems() ?? [],
      ),
    );
    const server = await listen(app, { host: config.host, port: config.port });
    retention.start();
    let stopTicking = (): void => {};
    const tick = (): void => {
      settings.refresh().catch((err: unknown) => deps.logger.error({ err }, "the settings could not be read"));
      agent.tick().catch((err: unknown) => deps.logger.error({ err }, "a sweep failed"));
      stopTicking = clock.after(TICK_MS, tick);
    };
    stopTicking = clock.after(TICK_MS, tick);
    return {
      ...server,
      close: async () => {
        stopTicking();
        // Runners that wait are answered, and go to another agent.
        const closed = server.close();
        for (const session of agent.sessions.all()) session.wake?.();
        await retention?.close();
        await eventsOut?.close();
        await closed;
        await agent.close().catch((err: unknown) => deps.logger.warn({ err }, "the other agents were not told"));
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

if (import.meta.main)
  await runProcess("task-agent", agentConfig, (config, logger) => startTaskAgent(config, { logger }));
