// The HTTP server of the task-agent: which routes it has, and in which order.

import { randomUUID } from "node:crypto";
import { TLSSocket } from "node:tls";
import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { createApp } from "@gantry/runtime/http/app.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { ProcessMetrics } from "@gantry/runtime/process/metrics.ts";
import { operationRoutes } from "@gantry/runtime/process/operation-routes.ts";
import { RUNNER_PREFIX } from "@gantry/wire/runner/routes.ts";
import type Koa from "koa";
import type { Agent } from "./agent.ts";
import { archivedReads } from "./api/archived-reads.ts";
import { portalRoutes } from "./api/portal-routes.ts";
import { openRateLimit } from "./api/rate-limit.ts";
import { openRunnerAdmission } from "./api/runner-admission.ts";
import { runnerRoutes } from "./api/runner-routes.ts";
import { type AgentConfig, siteTokensOf } from "./config.ts";
import type { DefinitionSet } from "./definitions/definition-set.ts";
import type { EventsOut } from "./events/open-relay.ts";
import { sitesKnown } from "./known-sites.ts";
import type { Polling } from "./polling/polling.ts";
import type { Proposals } from "./proposals/proposals.ts";
import type { Retention } from "./retention/retention.ts";
import type { Settings } from "./settings/settings.ts";
import { storeMs } from "./store/store-time.ts";
import type { Templates } from "./templates/templates.ts";
import type { Triggers } from "./triggers/triggers.ts";
import type { Deliveries } from "./webhooks/deliveries.ts";

export type HttpAppDeps = {
  readonly config: AgentConfig;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly agent: Agent;
  readonly settings: Settings;
  readonly definitionSet: DefinitionSet;
  readonly templates: Templates;
  readonly proposals: Proposals;
  readonly deliveries: Deliveries;
  readonly polling: Polling;
  readonly triggers: Triggers;
  readonly metrics: ProcessMetrics;
  readonly retention: Retention;
  readonly eventsOut: EventsOut | undefined;
};

/** Includes enrolment. The certificate proves that the machine is ours; the token identifies the runner. */
function requireClientCertificate({ nowMs }: Clock): Koa.Middleware {
  const ends = new WeakMap<TLSSocket, number>();
  // TLS checks the dates when a connection begins, and a runner can keep it open for ever.
  const isValid = (socket: TLSSocket): boolean => {
    const endMs = ends.get(socket) ?? Date.parse(socket.getPeerX509Certificate()?.validTo ?? "");
    ends.set(socket, endMs);
    return nowMs() < endMs;
  };
  return ({ path, req: { socket } }, next) => {
    const isRunner = path.startsWith(`${RUNNER_PREFIX}/`);
    if (isRunner && !(socket instanceof TLSSocket && socket.authorized && isValid(socket)))
      throw new GantryError("client-certificate-needed");
    return next();
  };
}

export function openHttpApp(deps: HttpAppDeps): ReturnType<typeof createApp> {
  const { config, journal, agent, settings, metrics } = deps;
  const tokens = siteTokensOf(config);
  const app = createApp({ name: "task-agent", logger: deps.logger, onAnswered: metrics.answered });
  const portal = portalRoutes({
    ...agent,
    journal,
    settings,
    definitionSet: deps.definitionSet,
    ownPipelines: deps.definitionSet.own,
    templates: deps.templates,
    proposals: deps.proposals,
    deliveries: deps.deliveries,
    polling: deps.polling,
    triggers: deps.triggers,
    portalUrl: config.portalUrl,
    token: config.token,
    newId: randomUUID,
    paramsBytes: config.limits.paramsBytes,
    admit: openRateLimit(deps.clock, () => settings.now()["tasks.perMinute"]),
    knownSites: () => sitesKnown(config, agent),
    knownClusters: deps.templates.knownClusters,
    knownSystems: agent.registry.systems,
    knownSecrets: agent.registry.secrets,
    onCancel: agent.protocol.cancel,
    onRemove: agent.protocol.remove,
  });
  const runner = runnerRoutes({
    protocol: agent.protocol,
    logs: agent.logs,
    tokens,
    identities: agent.identities,
    admission: openRunnerAdmission(deps.clock, config.limits),
    onIncompatible: agent.onIncompatible,
  });
  const check = (): Promise<void> => journal.check();
  if (config.tls?.clientCa !== undefined) app.use(requireClientCertificate(deps.clock));
  app.use(runner);
  // Before the portal's routes: answers for a task that they do not find because it is archived.
  app.use(archivedReads({ ...agent, ...deps.retention, now: () => storeMs(journal) }));
  app.use(portal.routes());
  const degraded = (): readonly string[] => [...(deps.eventsOut?.problems() ?? []), ...deps.definitionSet.problems()];
  app.use(operationRoutes({ metrics, check, degraded, metricsToken: config.metricsToken }));
  return app;
}
