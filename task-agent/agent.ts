// The task-agent put together: journal, tasks, dispatch, leases, and what happens when it starts and ticks.

import type { GantryError } from "@gantry/core/errors.ts";
import { decideUnblock } from "@gantry/core/task/decide-task.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { Journal, JournalEvent } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { type Alarms, openAlarms } from "./alarms.ts";
import type { AgentConfig } from "./config.ts";
import { closedSite } from "./dispatch/decide-gate.ts";
import type { RunnerFacts } from "./dispatch/decide-runner.ts";
import { openDispatch } from "./dispatch/dispatch.ts";
import { openIncompatibleRunners } from "./dispatch/incompatible-runners.ts";
import { openRunnerRegistry } from "./dispatch/runner-registry.ts";
import { openSessions } from "./dispatch/sessions.ts";
import { openFeed } from "./events/feed.ts";
import { follow } from "./events/follow.ts";
import { openFences } from "./leases/fences.ts";
import { type Leases, openLeases } from "./leases/leases.ts";
import type { LogStore } from "./logs/log-store.ts";
import { openPeers } from "./peers/peers.ts";
import { openRunnerProtocol } from "./runner-protocol/runner-protocol.ts";
import { forRunners, heededBy, type Settings, UNSET } from "./settings/settings.ts";
import type { Definitions } from "./tasks/definitions.ts";
import { openTasks, type TaskRecord, taskStream } from "./tasks/tasks.ts";

export type Agent = Awaited<ReturnType<typeof openAgent>>;

export type AgentDeps = {
  readonly config: AgentConfig;
  readonly journal: Journal;
  readonly definitions: Definitions;
  /** Closed by whoever opened it. */
  readonly logs: LogStore;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Names that nobody can guess and that never meet. */
  readonly newId: () => string;
  readonly alarms?: Alarms;
  /** What operators change while it runs. Absent: nothing is set. */
  readonly settings?: Pick<Settings, "now" | "listen">;
  /** The name of this agent among those that share the journal; absent, it has the journal for itself. */
  readonly name?: string;
};

/** Longer than a runner waits between two tries to sign in. */
const UNFIT_MS = 60_000;

/** Everything but the HTTP server. Takes up all unfinished tasks before it resolves. */
export async function openAgent({
  config,
  journal,
  definitions,
  logs,
  logger,
  clock,
  newId,
  name,
  alarms = openAlarms(logger),
  settings = UNSET,
}: AgentDeps) {
  const heeded = heededBy(config, settings);
  const tasks = openTasks(journal, definitions, { shared: name !== undefined });
  const onError = (err: unknown, what: string): void => logger.error({ err }, `${what} failed`);
  const sessions = openSessions({
    clock,
    newId,
    aliveMs: config.aliveMs,
    settings: () => forRunners(settings.now()),
    onFree: (site) => dispatch.free(site),
    onGone: (session) => dispatch.gone(session),
  });
  const fences = await openFences(journal, alarms);
  const leases: Leases = openLeases({
    tasks,
    journal,
    config: heeded,
    clock,
    alarms,
    ...(name === undefined ? {} : { name, heardByOthers: (lease) => peers?.heardMs(lease) }),
  });
  const peers =
    name === undefined
      ? undefined
      : openPeers({
          name,
          journal,
          runners: () => sessions.all().map(sessions.facts),
          heard: leases.heard,
          onChanged: (site) => dispatch.free(site),
        });
  const unfit = openIncompatibleRunners(clock, UNFIT_MS);
  const elsewhere = (): readonly RunnerFacts[] => peers?.runners() ?? [];
  const dispatch = openDispatch({
    tasks,
    sessions,
    fences,
    clock,
    newId,
    offerMs: config.offerMs,
    elsewhere,
    elsewhereEach: () => peers?.runnersOfEach() ?? [],
    gate: (site, offered) => closedSite(settings.now(), { site, running: leases.atSite(site) + offered }),
    unfit: unfit.at,
    onError,
  });
  const feed = openFeed(journal, tasks, clock);
  const fleet = openRunnerRegistry({ journal, sessions, leases, clock, elsewhere });
  const protocol = openRunnerProtocol({
    tasks,
    sessions,
    dispatch,
    leases,
    fences,
    fleet,
    alarms,
    shared: name !== undefined,
    get cancelGraceMs() {
      return heeded.cancelGraceMs;
    },
  });
  settings.listen(() => {
    dispatch.resettle();
    for (const session of sessions.all()) session.wake?.();
  });

  const look = (task: TaskRecord, mine = true): void => {
    leases.look(task);
    dispatch.look(task, mine);
  };
  tasks.listen((task, events, mine) => {
    look(task, mine);
    const { id, phase, group } = task.state;
    if (phase === "ended" && group !== undefined)
      void insist(`letting others begin after task ${id}`, () => unblock(task.state));
    // The one that it waits for may have ended while it was put behind it.
    if (phase === "queued") void insist(`the turn of task ${id}`, () => moveUp(id));
    if (events.some(isCancel) || (events.length === 0 && task.state.cancel)) protocol.cancel(task);
  });
  /** A runner that has registered elsewhere is offered nothing here any more. */
  const onEvents = async (events: readonly JournalEvent[]): Promise<void> => {
    for (const { event, version } of events) {
      if (event.kind !== "RunnerRegistered" || typeof event.runner !== "string") continue;
      if (fleet.isNewer(event.runner, version)) sessions.end(event.runner);
    }
    const ofTasks = events.filter(({ stream }) => stream.startsWith(taskStream("")));
    await tasks.tellOfOthers(ofTasks);
    for (const { stream, event } of ofTasks) {
      const claimed = event as unknown as TaskEvent;
      if (claimed.kind !== "JobClaimed") continue;
      const task = stream.slice(taskStream("").length);
      // Not waited for: what else happens must be heard of while a slow store gives a lease away.
      void insist(`looking whose claim ${claimed.fence} is`, () => protocol.heardOfClaim({ ...claimed, task }));
    }
  };

  /** What must come about and failed; tried again at every tick. */
  const owed = new Map<string, () => Promise<void>>();
  const insist = async (name: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      owed.set(name, work);
      onError(error, name);
    }
  };
  const unblock = async (ended: TaskState): Promise<void> => {
    const behind = await journal.find({ index: "behind", prefix: `${ended.id}/`, limit: 100 });
    for (const { snapshot } of behind.items) await moveUp((snapshot as unknown as TaskState).id);
  };
  /** A queued task begins, or waits for the one before, when the one that it waits for has ended. */
  const moveUp = async (id: string): Promise<void> => {
    const waiting = await tasks.read(id);
    const before = waiting?.state.behind === undefined ? undefined : await tasks.read(waiting.state.behind);
    if (waiting?.state.phase !== "queued" || before?.state.phase !== "ended") return;
    await tasks.change(id, ({ state }, now) => decideUnblock(state, before.state.id, before.state.behind, now));
  };

  const takeUpOne = async (id: string): Promise<void> => {
    const record = await tasks.read(id);
    if (!record) return;
    look(record);
    // The agent may have died between the end of a task and the start of the next one of its group.
    await moveUp(id);
  };
  const takeUp = async (): Promise<number> => {
    let cursor: string | undefined;
    let count = 0;
    do {
      const page = await journal.find({ index: "open", limit: 200, ...(cursor === undefined ? {} : { cursor }) });
      for (const { snapshot } of page.items) {
        const state = snapshot as unknown as TaskState;
        count += 1;
        // One that cannot be read must not keep the others from being taken up.
        await insist(`taking up task ${state.id}`, () => takeUpOne(state.id));
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    return count;
  };
  const following =
    name === undefined ? undefined : follow({ journal, clock, onEvents, onError }, (await feed.newest()).last);
  await peers?.tick();
  const taken = await takeUp();
  await leases.recover();
  if (taken > 0) logger.info({ tasks: taken }, "unfinished tasks were taken up");

  return {
    definitions,
    tasks,
    sessions,
    leases,
    dispatch,
    feed,
    fleet,
    logs,
    protocol,
    alarms,
    /** A runner could not sign in because of its version: what waits for it says so. */
    noteUnfit: (site: string, runner: string, error: GantryError): void => {
      unfit.note(site, runner, error);
      dispatch.free(site);
    },
    /** Gives away what is overdue. Safe to call at any time, from anywhere, also at once. */
    tick: async (): Promise<void> => {
      dispatch.sweep();
      // Where the number of jobs is limited, another agent's job that has ended makes room that nobody tells of.
      if (settings.now()["dispatch.jobsPerSite"] !== undefined) dispatch.resettle();
      for (const [name, work] of owed) {
        owed.delete(name);
        void insist(name, work);
      }
      await peers?.tick();
      await leases.sweep();
      await tasks.recheck();
    },
    /** Lets the other agents know; the journal is closed by whoever opened it. */
    close: async (): Promise<void> => {
      await following?.stop();
      await peers?.leave();
    },
  };
}

function isCancel(event: TaskEvent): boolean {
  return event.kind === "TaskCancelRequested";
}
