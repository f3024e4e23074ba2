// The parts of a task-agent, each connected to the others. agent.ts says what happens when tasks change.

import type { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Alarms } from "./alarms.ts";
import type { ArtifactStore } from "./artifacts/artifact-store.ts";
import type { AgentConfig } from "./config.ts";
import type { RunnerFacts } from "./dispatch/decide-runner.ts";
import { decideSiteBlock } from "./dispatch/decide-site-block.ts";
import { openDispatch } from "./dispatch/dispatch.ts";
import { openIncompatibleRunners } from "./dispatch/incompatible-runners.ts";
import { openRunnerRegistry, type RunnerRegistryDeps } from "./dispatch/runner-registry.ts";
import { openSessions } from "./dispatch/sessions.ts";
import { openFleet } from "./fleet/fleet.ts";
import { openIdentities } from "./identity/identities.ts";
import { openFences } from "./leases/fences.ts";
import { type Leases, openLeases } from "./leases/leases.ts";
import { openPauses } from "./pauses/pauses.ts";
import { openPeers } from "./peers/peers.ts";
import { openOwnLogLetters } from "./runner-protocol/own-log-letters.ts";
import { type OwnLogsDeps, openOwnLogs } from "./runner-protocol/own-logs.ts";
import { openRunnerProtocol, type ProtocolDeps } from "./runner-protocol/runner-protocol.ts";
import type { Seal } from "./secrets/seal.ts";
import { effectiveConfig, runnerSettings, type Settings } from "./settings/settings.ts";
import { storeMs } from "./store/store-time.ts";
import type { Definitions } from "./tasks/definitions.ts";
import { openTasks } from "./tasks/tasks.ts";

export type AgentParts = Awaited<ReturnType<typeof openAgentParts>>;

export type AgentPartsDeps = {
  readonly config: AgentConfig;
  readonly journal: Journal;
  readonly definitions: Definitions;
  readonly clock: Clock;
  /** A random id; no two are equal. */
  readonly newId: () => string;
  readonly alarms: Alarms;
  /** Signs the fences that are given. Agents that share the journal must have the same one. Kept outside of the journal. */
  readonly fenceKey: Uint8Array;
  readonly seal: Seal | undefined;
  readonly artifacts: ArtifactStore | undefined;
  readonly settings: Pick<Settings, "now">;
  /** The name of this agent where several share the journal; undefined when it has the journal for itself. */
  readonly name: string | undefined;
  readonly onError: (error: unknown, what: string) => void;
};

/** Longer than a runner waits between two attempts to sign in. */
const FORGET_INCOMPATIBLE_MS = 60_000;

/** Rejects when the store fails. */
export async function openAgentParts(deps: AgentPartsDeps) {
  const { journal, clock, newId, alarms, settings, name, onError } = deps;
  const config = effectiveConfig(deps.config, settings);
  const isShared = name !== undefined;
  const pauses = await openPauses(journal);
  const tasks = openTasks(journal, deps.definitions, { shared: isShared });
  const sessions = openSessions({
    clock,
    newId,
    aliveMs: config.aliveMs,
    settings: () => runnerSettings(settings.now()),
    onSlotsFree: (site) => dispatch.onSlotsFree(site),
    onEnded: (session) => dispatch.onSessionEnded(session),
  });
  const fences = await openFences({ journal, alarms, key: deps.fenceKey });
  const heardByPeers = isShared ? (lease: string): number | undefined => peers?.lastHeardMs(lease) : undefined;
  const leases: Leases = openLeases({
    tasks,
    journal,
    config,
    clock,
    alarms,
    name,
    heardByPeers,
    onSilent: (runner, untilMs) => sessions.doubt(runner, untilMs),
  });
  const peers = isShared
    ? openPeers({
        name,
        journal,
        runners: () => sessions.all().map(sessions.facts),
        heardAgoMs: leases.heardAgoMs,
        onChanged: (site) => dispatch.onSlotsFree(site),
      })
    : undefined;
  const incompatible = openIncompatibleRunners(clock, FORGET_INCOMPATIBLE_MS);
  const remoteRunners = (): readonly RunnerFacts[] => peers?.runners() ?? [];
  const dispatch = openDispatch({
    tasks,
    sessions,
    fences,
    clock,
    newId,
    offerMs: deps.config.offerMs,
    remoteRunners,
    storedRunners: () => registry.stored(),
    remoteRunnersByAgent: () => peers?.runnersByAgent() ?? [],
    siteBlock: (site, offered) =>
      decideSiteBlock(settings.now(), { site, running: () => leases.countAtSite(site) + offered() }),
    pauseOf: pauses.blockOf,
    incompatibleAt: incompatible.at,
    onError,
  });
  const { registry, identities } = await openKnownRunners(deps, { sessions, leases, remoteRunners });
  const fleet = openFleet({ journal, clock, newId });
  const { protocol, ownLogs } = openRunnerSide(deps, {
    ...{ tasks, sessions, dispatch, leases, fences, registry, fleet, remoteRunners },
    cancelGraceMs: () => config.cancelGraceMs,
  });
  /** A runner could not sign in because of its version: jobs that wait for a runner of the site say so. */
  const onIncompatible = (site: string, runner: string, error: GantryError): void => {
    incompatible.add(site, runner, error);
    dispatch.onSlotsFree(site);
  };
  return {
    tasks,
    pauses,
    sessions,
    leases,
    dispatch,
    registry,
    identities,
    fleet,
    protocol,
    ownLogs,
    peers,
    onIncompatible,
  };
}

type Connected = Pick<
  ProtocolDeps,
  "tasks" | "sessions" | "dispatch" | "leases" | "fences" | "fleet" | "cancelGraceMs"
> & {
  readonly registry: ProtocolDeps["registry"] & OwnLogsDeps["registry"];
  readonly remoteRunners: () => readonly RunnerFacts[];
};

/** What runners call, and what is asked of them there. */
function openRunnerSide(
  { journal, clock, newId, config, alarms, seal, artifacts, name }: AgentPartsDeps,
  { remoteRunners, ...connected }: Connected,
) {
  const { sessions, registry } = connected;
  const isShared = name !== undefined;
  const letters = isShared ? openOwnLogLetters(journal, remoteRunners) : undefined;
  const ownLogs = openOwnLogs({ sessions, registry, clock, newId, letters });
  const protocol = openRunnerProtocol({
    ...connected,
    ownLogs,
    alarms,
    seal,
    artifacts,
    limits: config.limits,
    now: () => storeMs(journal),
    shared: isShared,
  });
  return { protocol, ownLogs };
}

/** What is stored about runners: those that have registered, and those that have a key. */
async function openKnownRunners(
  { journal, clock, config, fenceKey }: AgentPartsDeps,
  { sessions, leases, remoteRunners }: Pick<RunnerRegistryDeps, "sessions" | "leases" | "remoteRunners">,
) {
  const { runnersPerSite } = config.limits;
  const registry = openRunnerRegistry({ journal, sessions, leases, clock, remoteRunners, runnersPerSite });
  await registry.load();
  const { find: registered, handOver } = registry;
  const identities = openIdentities({
    journal,
    clock,
    key: fenceKey,
    registered,
    handOver,
    onKeyChanged: sessions.end,
  });
  return { registry, identities };
}
