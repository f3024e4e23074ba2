// The portal-api process: `node portal-api/main.ts --config FILE`. `gantry start` calls `startPortal` instead.

import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import type { LiveSettings } from "@gantry/core/settings/settings.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import { fetchWithTls } from "@gantry/runtime/http/client-tls.ts";
import { openConcurrencyLimit } from "@gantry/runtime/http/concurrency-limit.ts";
import { type Listening, listen } from "@gantry/runtime/http/listen.ts";
import { checkPlainHttp } from "@gantry/runtime/http/plain-http.ts";
import { openRequestLimit } from "@gantry/runtime/http/request-limit.ts";
import { openTurns } from "@gantry/runtime/http/turns.ts";
import { openPeriodic } from "@gantry/runtime/periodic.ts";
import { setLevel } from "@gantry/runtime/process/log-level.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { runProcess } from "@gantry/runtime/process/run-process.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { makeNotifyClient } from "@gantry/wire/notify/notify-client.ts";
import { followSettings } from "@gantry/wire/settings/settings-follower.ts";
import { ensureAdminToken } from "./access/admin-token.ts";
import { makeFacts } from "./access/facts.ts";
import { type Access, openAccess } from "./access/open-access.ts";
import { INDEXES } from "./access/records.ts";
import { removeEnded } from "./access/remove-ended.ts";
import { makeRights } from "./access/rights.ts";
import { makeCursors } from "./access/sealed-cursor.ts";
import type { Principal } from "./access/sessions.ts";
import { openAudit } from "./audit/audit.ts";
import { type AuditChain, openAuditChain } from "./audit/chain.ts";
import { type PortalConfig, type PortalConfigInput, parseConfig, portalConfig } from "./config.ts";
import { clientAddress } from "./http/address.ts";
import { makeApp } from "./http/app.ts";
import { isConsoleBuilt } from "./http/static.ts";
import { makeFleetHub } from "./live/fleet-hub.ts";
import { type HubOptions, makeHub } from "./live/hub.ts";
import { makeTaskViews } from "./live/task-views.ts";
import { makeMetrics } from "./metrics.ts";
import { openSso, refreshing } from "./oidc/open-sso.ts";
import { makePasswords, type Passwords } from "./people/passwords.ts";
import { openPolicyFile, type PolicyFile } from "./policy/policy-file.ts";
import { openPolicyOfSet } from "./policy/policy-of-set.ts";
import { openPolicyRecord } from "./policy/record-policy.ts";
import type { Limits, Portal } from "./portal.ts";
import { ROUTES } from "./routes/routes.ts";
import { VERSION } from "./version.ts";
import { checkSources } from "./webhooks/source-config.ts";
import { openSources } from "./webhooks/sources.ts";
import { openWebhooks } from "./webhooks/webhooks.ts";

export type PortalDeps = {
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Closed with the portal. Default: SQLite in the data folder. */
  readonly journal?: Journal;
  readonly passwords?: Passwords;
};

export type RunningPortal = {
  readonly url: string;
  readonly port: number;
  readonly adminToken: string;
  /** An address that signs a browser in as this person, once, within 15 minutes. */
  readonly createSignInLink: (principal: Principal) => Promise<string>;
  /** Ends streams, refuses new requests, lets running ones finish for a moment, closes the journal. */
  readonly close: () => Promise<void>;
};

/** Starts the portal. It accepts requests when the promise resolves; the task-agent may be started later. */
export async function startPortal(input: PortalConfigInput, deps: PortalDeps = {}): Promise<RunningPortal> {
  const config = parseConfig(input);
  const clock = deps.clock ?? systemClock;
  const logger = deps.logger ?? makeLogger("portal-api", config.logLevel);
  const { host, tls, allowPlainHttp } = config;
  const calls = { "/agent/url": config.agent.url, "/notify/url": config.notify?.url };
  checkPlainHttp({ allowPlainHttp, listens: { host, hasTls: tls !== undefined }, calls }, logger);
  checkSources(config.webhooks.sources, process.env);
  const clients = await openClients(config);
  const journal =
    deps.journal ?? (await openSqliteJournal({ file: join(config.dataDir, "portal.db"), indexes: INDEXES }));
  const closing = new AbortController();
  let listening: Listening | undefined;
  let policy: PolicyFile | undefined;
  try {
    const { pollMs } = config.access;
    const chain = openAuditChain(journal);
    const record = openPolicyRecord(journal, chain);
    policy = config.access.fromDefinitions
      ? await openPolicyOfSet({ agent: clients.agent, journal, pollMs, record, clock, logger })
      : await openPolicyFile({ file: config.access.policy, pollMs, record, clock, logger });
    const access = openAccess(config, { journal, clock, passwords: deps.passwords ?? makePasswords() });
    const adminToken = await ensureAdminToken(config.dataDir, access.tokens);
    const portal = assemble({
      config,
      clock,
      logger,
      journal,
      access,
      chain,
      ...clients,
      closing: closing.signal,
      rights: makeRights(policy),
      policyProblem: policy.problem,
      listening: () => listening,
    });
    listening = await listen(makeApp(portal, ROUTES), { ...config, logger });
    portal.hub.start();
    portal.fleetHub.start();
    portal.audit.start();
    const ended = openPeriodic({
      clock,
      random: Math.random,
      pass: async () => {
        const removed = await removeEnded(journal);
        if (removed > 0) logger.info({ removed }, "ended sessions and expired tokens were removed");
      },
      onFailed: (err) => logger.error({ err }, "ended sessions and expired tokens could not be removed"),
    });
    ended.start();
    portal.sso.refresher.start();
    const applySettings = (now: LiveSettings): void => setLevel(logger, now["log.portalApi"]);
    const settings = followSettings({ agent: portal.agent, logger, onChange: applySettings });
    const server = listening;
    const opened = policy;
    logger.info({ url: server.url }, "portal-api is listening");
    if (!(await isConsoleBuilt(config.console)))
      logger.warn({ folder: config.console }, "the console is not built: run `npm run build`");
    return {
      url: server.url,
      port: server.port,
      adminToken,
      createSignInLink: async (principal) =>
        `${portal.publicUrl()}/sign-in?code=${(await portal.sessions.createCode(principal)).code}`,
      close: async () => {
        closing.abort();
        portal.sso.refresher.close();
        await ended.close();
        await Promise.all([portal.hub.close(), portal.fleetHub.close(), settings.stop(), opened.close()]);
        await server.close();
        await portal.audit.close();
        await journal.close();
      },
    };
  } catch (error) {
    await policy?.close();
    await journal.close();
    throw error;
  }
}

async function openClients({ agent, notify }: PortalConfig): Promise<Pick<Portal, "agent" | "notify">> {
  return {
    agent: makeAgentClient({ ...agent, fetch: await fetchWithTls({ ca: agent.ca }, "/agent") }),
    notify: notify && makeNotifyClient({ ...notify, fetch: await fetchWithTls({ ca: notify.ca }, "/notify") }),
  };
}

type Given = "config" | "clock" | "logger" | "journal" | "agent" | "notify" | "closing" | "rights" | "policyProblem";
type Parts = Pick<Portal, Given> & {
  readonly access: Access;
  readonly chain: AuditChain;
  readonly listening: () => Listening | undefined;
};

function assemble({ listening, access, chain, ...parts }: Parts): Portal {
  const { config, clock, logger, journal, agent } = parts;
  const sso = openSso(config.signIn, access, parts);
  const metrics = makeMetrics(VERSION);
  const taskViews = makeTaskViews(agent, clock);
  const facts = makeFacts(agent, clock);
  const onFeed = (up: boolean, seq: number): void => {
    metrics.feed(up, seq);
    if (up) return;
    taskViews.clear();
    facts.clear();
  };
  const onEvents: HubOptions["onEvents"] = (events) => {
    for (const { data } of events) if (data.app !== undefined) facts.noteApp(data.app);
  };
  return {
    ...parts,
    facts,
    cursors: makeCursors(config.agent.token),
    ...access,
    sessions: refreshing(access.sessions, sso.refresher),
    sso,
    publicUrl: () => config.publicUrl ?? listening()?.url ?? `http://${config.host}:${config.port}`,
    audit: openAudit({
      agent,
      journal,
      chain,
      clock,
      logger,
      addressOf: (ctx) => clientAddress({ config }, ctx),
      days: config.audit.days,
      refusedChanges: config.audit.refusedChangesPerMinute,
    }),
    fleetHub: makeFleetHub({ agent, clock, logger }),
    hub: makeHub({ agent, clock, logger, maxEvents: config.live.keep, onFeed, onEvents }),
    taskViews,
    metrics,
    limits: makeLimits(config.limits, clock),
    turns: openTurns(READS_AT_ONCE),
    webhooks: openWebhooks(config.webhooks.definitions?.secret, clock),
    webhookSources: openSources(config.webhooks.sources, clock, process.env),
  };
}

const OWN_CHANGES_PER_SECOND = 20;
const SEARCHES = 10;
/** Of one caller: each may be a large answer, also of the task-agent. */
const READS_AT_ONCE = 16;

function makeLimits(
  { requestsPerSecond, strangersPerSecond, openRequests, streams, allStreams }: PortalConfig["limits"],
  clock: Clock,
): Limits {
  return {
    countRequest: openRequestLimit(clock, requestsPerSecond),
    countStranger: openRequestLimit(clock, strangersPerSecond),
    countOwnChange: openRequestLimit(clock, OWN_CHANGES_PER_SECOND),
    openRequest: openConcurrencyLimit({ perCaller: openRequests, what: "open requests" }),
    openSearch: openConcurrencyLimit({ perCaller: SEARCHES, what: "open searches of logs" }),
    openStream: openConcurrencyLimit({ perCaller: streams, inAll: allStreams, what: "open event streams" }),
  };
}

if (import.meta.main) {
  // V8 allocates objects directly in the old generation when the first ones of their allocation site lived long. Here these
  // belong to requests that wait for the task-agent, and each retains its whole request: memory grows until a full
  // collection, and minor collections take 20 ms and more instead of 3 to 7 (measured with 64 polling clients).
  setFlagsFromString("--no-allocation-site-pretenuring");
  await runProcess("portal-api", portalConfig, (config, logger) => startPortal(config, { logger }));
}
