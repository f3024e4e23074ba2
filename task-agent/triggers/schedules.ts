// Starts the tasks of schedules. Every agent looks every second; what is stored decides, so that each planned time starts
// one task. A planned time is first moved into the queue of its schedule, and leaves it when its task is stored: after a crash
// between the two, the same key gives the same task.

import type { JsonObject } from "@gantry/core/json.ts";
import { decideCancel } from "@gantry/core/task/decide-task.ts";
import { NOTHING } from "@gantry/core/task/decision.ts";
import { scheduleKey } from "@gantry/core/trigger/times.ts";
import type { TriggerOf } from "@gantry/core/trigger/trigger.ts";
import { appStream } from "../tasks/task-stream.ts";
import { type Armed, armedFor, armedForNone, firstState, isKind } from "./armed.ts";
import { begin, dueAt, passTimes } from "./decide-schedule.ts";
import { pausedText, startOnce, type TriggerDeps } from "./start-triggered.ts";
import { type ScheduleState, statesOf, type TriggerState, triggerStream } from "./trigger-stream.ts";

type ArmedSchedule = Armed<TriggerOf<"schedule">>;

export type SchedulesDeps = TriggerDeps & {
  readonly monotonicMs: () => number;
};

export type Schedules = {
  /** Starts what is due. To be called every second, one call after the other. Rejects when the store fails. */
  readonly tick: () => Promise<void>;
};

/** Changes of definitions are seen at once, changes of apps after this time. */
const REFRESH_MS = 15_000;
const MAX_ROUNDS = 300;

/** `wakeAt`: store time, ms, of the next look at it. */
type Watched = { readonly armed: ArmedSchedule; wakeAt: number };

export function openSchedules(deps: SchedulesDeps): Schedules {
  const watched = new Map<string, Watched>();
  let seen: { readonly versions: string; readonly atMs: number } | undefined;

  const refresh = async (): Promise<void> => {
    const versions = deps.definitions
      .list()
      .map(({ version }) => version)
      .join(" ");
    if (seen?.versions === versions && deps.monotonicMs() - seen.atMs < REFRESH_MS) return;
    const armed = await armedSchedules(deps);
    const states = await statesOf(deps.journal, "triggers", triggerStream);
    const stored = new Map(states.map((state) => [state.id, state]));
    watched.clear();
    for (const one of armed) watched.set(one.id, { armed: one, wakeAt: wakeAt(one, stored.get(one.id)?.schedule) });
    for (const { id, schedule } of stored.values()) if (schedule && !watched.has(id)) await disarm(deps, id);
    seen = { versions, atMs: deps.monotonicMs() };
  };

  return {
    tick: async () => {
      await refresh();
      const now = await deps.tasks.now();
      for (const one of watched.values()) if (one.wakeAt <= now) one.wakeAt = await advance(deps, one.armed);
    },
  };
}

async function armedSchedules(deps: TriggerDeps): Promise<readonly ArmedSchedule[]> {
  const pipelines = deps.definitions
    .list()
    .filter(({ pipeline }) => pipeline.triggers?.some(({ kind }) => kind === "schedule"));
  const isForApps = pipelines.some(({ pipeline }) => pipeline.app === "existing");
  const apps = isForApps ? await statesOf(deps.journal, "apps", appStream) : [];
  const ofApps = await Promise.all(apps.map((app) => armedFor(deps, app)));
  return [...armedForNone(deps), ...ofApps.flat()].filter(isKind("schedule"));
}

/** What has other times than it had is looked at once more: it begins anew. */
function wakeAt({ id, trigger }: ArmedSchedule, schedule: ScheduleState | undefined): number {
  if (schedule?.key !== scheduleKey(trigger) || schedule.queue.length > 0) return 0;
  return schedule.next === undefined ? Infinity : dueAt({ id, trigger }, schedule.next);
}

/** It is in no file any more, or not for this app: when it comes back, it begins anew. A conflict means that it was changed. */
async function disarm({ journal }: TriggerDeps, id: string): Promise<void> {
  const loaded = await triggerStream.load(journal, id);
  if (!loaded?.state.schedule) return;
  const { schedule: _, ...state } = loaded.state;
  await journal.append([
    triggerStream.append(id, { expected: loaded.version, events: [{ kind: "TriggerDisarmed" }], state }),
  ]);
}

/** Does what is due for one schedule. Answers when to look at it again, as store time in ms. */
async function advance(deps: SchedulesDeps, known: ArmedSchedule): Promise<number> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    // The app may have been changed or removed since it was listed.
    const armed = await current(deps, known);
    if (!armed) return Infinity;
    const loaded = await triggerStream.load(deps.journal, armed.id);
    const state = loaded?.state ?? firstState(armed);
    const now = await deps.tasks.now();
    const commit = async (next: TriggerState, kind: string, facts: JsonObject = {}): Promise<boolean> => {
      const append = { expected: loaded?.version ?? 0, events: [{ kind, ...facts }], state: next };
      return (await deps.journal.append([triggerStream.append(armed.id, append)])).ok;
    };
    const { schedule } = state;
    if (schedule?.key !== scheduleKey(armed.trigger)) {
      await commit(begun(armed, state, now), "TriggerArmed");
      continue;
    }
    const running = await unended(deps, schedule.task);
    const passed = passTimes(armed, schedule, { now, running, paused: state.paused && pausedText(state.paused) });
    if (passed.state !== schedule) {
      const last = passed.nothing ? { last: { at: now, ...passed.nothing } } : {};
      await commit({ ...state, schedule: passed.state, ...last }, "TriggerPlanned", passed.nothing ?? {});
      continue;
    }
    const [planned] = schedule.queue;
    if (planned !== undefined && running !== undefined && armed.trigger.overlap === "cancel-older")
      await cancel(deps, running);
    if (planned === undefined || running !== undefined) return wakeAt(armed, schedule);
    const started = await start(deps, armed, schedule, planned);
    const count = schedule.count + ("task" in started ? 1 : 0);
    const task = "task" in started ? { task: started.task } : {};
    const after: ScheduleState = { ...schedule, queue: schedule.queue.slice(1), count, ...task };
    const last = { at: now, planned, ...started };
    await commit(
      { ...state, schedule: after, last },
      "task" in started ? "TriggerStarted" : "TriggerStartedNothing",
      last,
    );
  }
  return 0;
}

async function current(deps: TriggerDeps, { id, app }: ArmedSchedule): Promise<ArmedSchedule | undefined> {
  const loaded = app && (await appStream.load(deps.journal, app.name));
  if (app && !loaded) return undefined;
  const all = loaded ? await armedFor(deps, loaded.state) : armedForNone(deps);
  return all.filter(isKind("schedule")).find((one) => one.id === id);
}

function begun(armed: ArmedSchedule, state: TriggerState, now: number): TriggerState {
  const schedule = begin(armed.trigger, state.schedule, now);
  const { onceMs } = armed.trigger;
  if (schedule.next !== undefined || onceMs === undefined || onceMs > now) return { ...state, schedule };
  const nothing = "Its time had passed when the schedule was first read.";
  return { ...state, schedule, last: { at: now, planned: onceMs, nothing } };
}

/** The task, if it has not ended. */
async function unended({ tasks }: TriggerDeps, id: string | undefined): Promise<string | undefined> {
  const phase = id === undefined ? undefined : (await tasks.read(id))?.state.phase;
  return phase === undefined || phase === "ended" ? undefined : id;
}

function start(deps: TriggerDeps, armed: ArmedSchedule, { count }: ScheduleState, planned: number) {
  const { cron = "", timeZone } = armed.trigger;
  const facts = { at: new Date(planned).toISOString(), cron, timeZone, count: count + 1 };
  return startOnce(deps, armed, { facts, cause: `${armed.id} ${planned}` });
}

async function cancel({ tasks }: TriggerDeps, id: string): Promise<void> {
  const reason = "The next time of its schedule has come, and `overlap` is cancel-older.";
  await tasks.change(id, ({ state }, now) =>
    // A second cancel would cancel the jobs of `finally`, too.
    state.phase === "ended" || state.cancel ? NOTHING : decideCancel(state, { by: "trigger:schedule", reason }, now),
  );
}
