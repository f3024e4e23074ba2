// The task-agent without its HTTP server: what happens when it starts, when a task changes, and every second.

import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { type AgentParts, openAgentParts } from "./agent-parts.ts";
import { type Alarms, openAlarms } from "./alarms.ts";
import { type GateTurns, openGateTurns } from "./approvals/gate-turns.ts";
import type { ArtifactStore } from "./artifacts/artifact-store.ts";
import { type Children, openChildren } from "./children/children.ts";
import { type JobGroups, openJobGroups } from "./concurrency/job-groups.ts";
import type { AgentConfig } from "./config.ts";
import { openFeed } from "./events/feed.ts";
import { sitesKnown } from "./known-sites.ts";
import type { LogStore } from "./logs/log-store.ts";
import { followJournal } from "./peers/follow-journal.ts";
import { handlePeerEvents } from "./peers/peer-events.ts";
import type { Seal } from "./secrets/seal.ts";
import { NO_SETTINGS_STORE, type Settings } from "./settings/settings.ts";
import type { Definitions } from "./tasks/definitions.ts";
import { resumeTasks } from "./tasks/resume-tasks.ts";
import { openRetryQueue, type RetryQueue } from "./tasks/retry-queue.ts";
import { cancelOlder, openTaskGroups, type TaskGroups } from "./tasks/task-groups.ts";
import type { TaskRecord } from "./tasks/task-store.ts";

export type Agent = Awaited<ReturnType<typeof openAgent>>;

export type AgentDeps = {
  readonly config: AgentConfig;
  readonly journal: Journal;
  readonly definitions: Definitions;
  /** Closed by its opener. */
  readonly logs: LogStore;
  readonly logger: Logger;
  readonly clock: Clock;
  /** A random id; no two are equal. */
  readonly newId: () => string;
  readonly alarms?: Alarms;
  /** Signs the fences that are given. Agents that share the journal must have the same one. Kept outside of the journal. */
  readonly fenceKey: Uint8Array;
  /** Absent: jobs cannot save or download artifacts. */
  readonly artifacts?: ArtifactStore;
  /** Seals and opens secret parameters. Absent: tasks with secret parameters are refused. */
  readonly seal?: Seal;
  /** Settings that administrators change at run time. Default: nothing is set. */
  readonly settings?: Pick<Settings, "now" | "listen">;
  /** The name of this agent where several share the journal; absent, it has the journal for itself. */
  readonly name?: string;
};

const NO_ENVIRONMENTS = {};

/** Resumes all unfinished tasks before it resolves. Rejects when the store fails. */
export async function openAgent(deps: AgentDeps) {
  const { config, journal, definitions, logs, logger, clock, newId, name, settings = NO_SETTINGS_STORE } = deps;
  const alarms = deps.alarms ?? openAlarms(logger, clock);
  const onError = (err: unknown, what: string): void => logger.error({ err }, `${what} failed`);
  const parts = await openAgentParts({
    config,
    journal,
    definitions,
    clock,
    newId,
    alarms,
    fenceKey: deps.fenceKey,
    seal: deps.seal,
    artifacts: deps.artifacts,
    settings,
    name,
    onError,
  });
  const { tasks, pauses, sessions, leases, dispatch, registry, protocol, ownLogs, peers } = parts;
  const feed = openFeed(journal, tasks, clock);
  const retries = openRetryQueue(onError);
  const groups = openTaskGroups(journal, tasks);
  const jobGroups = openJobGroups({ journal, tasks, retries });
  const children = openAgentChildren(deps, parts, retries);
  const environments = () => definitions.environments?.() ?? NO_ENVIRONMENTS;
  const gateTurns = openGateTurns({ tasks, environments, retries });

  const blocksChanged = (): void => {
    dispatch.reevaluate();
    wakePolls(parts);
  };
  settings.listen(blocksChanged);
  pauses.listen(blocksChanged);
  tasks.listen((task, events, isLocal) =>
    onTaskChanged({ ...parts, retries, groups, jobGroups, children, gateTurns }, task, events, isLocal),
  );

  const onEvents: Parameters<typeof followJournal>[0]["onEvents"] = (events) =>
    handlePeerEvents({ tasks, pauses, sessions, registry, protocol, ownLogs, retries }, events);
  const following =
    name === undefined ? undefined : followJournal({ journal, clock, onEvents, onError }, (await feed.newest()).last);
  await peers?.tick();
  const resumed = await resumeTasks(journal, retries, (id) =>
    resumeTask({ ...parts, groups, jobGroups, children, gateTurns }, id),
  );
  await leases.recover();
  if (resumed > 0) logger.info({ tasks: resumed }, "unfinished tasks were resumed");

  return {
    ...parts,
    clock,
    definitions,
    seal: deps.seal,
    artifacts: deps.artifacts,
    feed,
    logs,
    alarms,
    /** To be called every second: expires offers, leases and approvals, and retries failed work. Calls may overlap. Rejects when the store fails. */
    tick: async (): Promise<void> => {
      dispatch.expireOffers();
      // Where the number of jobs is limited, nothing else informs this agent that a job of another agent has ended.
      if (settings.now()["dispatch.jobsPerSite"] !== undefined) dispatch.reevaluate();
      retries.retry();
      await pauses.refresh();
      await peers?.tick();
      await leases.sweep();
      await gateTurns.sweep();
      await tasks.resolveUnanswered();
    },
    /** Ends all open polls, so that runners ask again. */
    wakePolls: (): void => wakePolls(parts),
    /** Informs the other agents that this one leaves. The journal is closed by its opener. */
    close: async (): Promise<void> => {
      await following?.stop();
      await peers?.leave();
    },
  };
}

function openAgentChildren(
  { config, journal, definitions, newId, seal }: AgentDeps,
  { tasks, registry }: Pick<AgentParts, "tasks" | "registry">,
  retries: RetryQueue,
): Children {
  return openChildren({
    ...{ journal, tasks, definitions, retries, newId, seal, portalUrl: config.portalUrl },
    paramsBytes: config.limits.paramsBytes,
    knownSites: () => sitesKnown(config, { registry }),
    knownSystems: registry.systems,
    knownSecrets: registry.secrets,
    onlineSites: async () =>
      new Set((await registry.runners()).flatMap(({ site, state }) => (state === "online" ? [site] : []))),
  });
}

type ChangeDeps = Pick<AgentParts, "leases" | "dispatch" | "protocol"> & {
  readonly retries: RetryQueue;
  readonly groups: TaskGroups;
  readonly jobGroups: JobGroups;
  readonly children: Children;
  readonly gateTurns: GateTurns;
};

const CANCELS: ReadonlySet<TaskEvent["kind"]> = new Set(["TaskCancelRequested", "JobCancelRequested"]);

function onTaskChanged(
  { leases, dispatch, protocol, retries, groups, jobGroups, children, gateTurns }: ChangeDeps,
  task: TaskRecord,
  events: readonly TaskEvent[],
  isLocal: boolean,
): void {
  leases.onTaskChanged(task);
  dispatch.onTaskChanged(task, isLocal);
  gateTurns.onTaskChanged(task);
  jobGroups.onTaskChanged(task, events);
  children.onTaskChanged(task, events);
  const { id, phase, group, cancel } = task.state;
  if (phase === "ended" && group !== undefined)
    void retries.run(`starting the tasks behind task ${id}`, () => groups.advanceGroup(task.state));
  // The task that this one waits for may have ended while this one was queued.
  if (phase === "queued") void retries.run(`advancing task ${id}`, () => groups.advance(id));
  const isCanceled = events.some(({ kind }) => CANCELS.has(kind));
  if (isCanceled || (events.length === 0 && cancel)) protocol.cancel(task);
}

async function resumeTask(
  {
    tasks,
    leases,
    dispatch,
    groups,
    jobGroups,
    children,
    gateTurns,
  }: Pick<AgentParts, "tasks"> & Omit<ChangeDeps, "protocol" | "retries">,
  id: string,
): Promise<void> {
  const record = await tasks.read(id);
  if (!record) return;
  leases.onTaskChanged(record);
  dispatch.onTaskChanged(record);
  gateTurns.onTaskChanged(record);
  jobGroups.onTaskChanged(record, []);
  children.onTaskChanged(record, []);
  // The agent may have crashed between a request and the cancel of older tasks of its group, or between the end of a task
  // and the start of the next one.
  await cancelOlder(tasks, record);
  await groups.advance(id);
}

function wakePolls({ sessions }: Pick<AgentParts, "sessions">): void {
  for (const session of sessions.all()) session.wake?.();
}
