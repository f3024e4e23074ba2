// The triggers that are in force: what each waits for and did last, and what people may do with them.

import { GantryError } from "@gantry/core/errors.ts";
import { render } from "@gantry/core/expr/template.ts";
import { isJsonObject } from "@gantry/core/json.ts";
import { inZone, nextTime, scheduleKey } from "@gantry/core/trigger/times.ts";
import { waitsFor } from "@gantry/core/trigger/trigger-text.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import type { TriggerView } from "@gantry/wire/agent/triggers/triggers.ts";
import { iso } from "../api/iso.ts";
import { rolloutRequest } from "../children/rollout-request.ts";
import { appScope } from "../tasks/decide-app.ts";
import { startTask } from "../tasks/start-task.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { appStream } from "../tasks/task-stream.ts";
import { type Armed, armedFor, armedForNone, firstState, isKind } from "./armed.ts";
import { dueAt } from "./decide-schedule.ts";
import { openSchedules, type SchedulesDeps } from "./schedules.ts";
import { changeTrigger, statesOf, type TriggerState, triggerStream } from "./trigger-stream.ts";
import { openUpstream } from "./upstream.ts";

export type Triggers = {
  /** Sorted by id. `apps`: only those of these apps. */
  readonly list: (filter: { readonly apps?: readonly string[] | undefined }) => Promise<readonly TriggerView[]>;
  /** Throws `not-found`, as do the others. */
  readonly view: (id: string) => Promise<TriggerView>;
  /** It starts nothing until it is resumed; what waits is dropped. Paused again, it gets the new reason. */
  readonly pause: (
    id: string,
    request: { readonly principal: string; readonly reason?: string | undefined },
  ) => Promise<TriggerView>;
  /** Times that have passed are not made up for. */
  readonly resume: (id: string) => Promise<TriggerView>;
  /** Starts the task of a schedule now; its times stay as they are. Throws `conflict` for another kind, and what starting throws. */
  readonly run: (id: string, request: Pick<StartTask, "principal" | "idempotencyKey">) => Promise<TaskRecord>;
  /** To be called one after the other, every second. */
  readonly ticks: readonly (() => Promise<void>)[];
};

export function openTriggers(deps: SchedulesDeps): Triggers {
  const { journal, tasks } = deps;
  const find = async (id: string): Promise<Armed> => {
    const [app = ""] = id.split(":");
    const loaded = app === "_" ? undefined : await appStream.load(journal, app);
    const all = app === "_" ? armedForNone(deps) : loaded ? await armedFor(deps, loaded.state) : [];
    const found = all.find((one) => one.id === id);
    if (!found) throw new GantryError("not-found", { kind: "trigger", name: id });
    return found;
  };
  const view = async (id: string): Promise<TriggerView> => {
    const armed = await find(id);
    return viewOf(armed, (await triggerStream.load(journal, id))?.state, await tasks.now());
  };
  return {
    list: async ({ apps }) => {
      const states = new Map((await statesOf(journal, "triggers", triggerStream)).map((state) => [state.id, state]));
      const wanted = (await statesOf(journal, "apps", appStream)).filter(({ name }) => apps?.includes(name) ?? true);
      const ofApps = await Promise.all(wanted.map((app) => armedFor(deps, app)));
      const all = [...(apps ? [] : armedForNone(deps)), ...ofApps.flat()];
      const now = await tasks.now();
      return all
        .map((one) => viewOf(one, states.get(one.id), now))
        .toSorted((one, other) => (one.id < other.id ? -1 : 1));
    },
    view,
    pause: async (id, { principal: by, reason }) => {
      const armed = await find(id);
      const at = await tasks.now();
      const paused = { by, at, ...(reason ? { reason } : {}) };
      await changeTrigger(journal, firstState(armed), (state) => ({
        state: { ...state, paused, ...(state.schedule ? { schedule: { ...state.schedule, queue: [] } } : {}) },
        event: "TriggerPaused",
      }));
      return view(id);
    },
    resume: async (id) => {
      const armed = await find(id);
      const now = await tasks.now();
      await changeTrigger(journal, firstState(armed), (state) => ({
        state: state.paused ? resumed(armed, state, now) : state,
        event: "TriggerResumed",
      }));
      return view(id);
    },
    run: async (id, request) => {
      const armed = await find(id);
      const { definition, trigger, app } = armed;
      if (trigger.kind !== "schedule")
        throw new GantryError("conflict", {
          what: `The trigger ${id}`,
          problem: "cannot be run",
          why: `Only a schedule can: a task of ${trigger.kind} is about something that has happened.`,
          todo: "Start the pipeline, and give its parameters.",
        });
      const count = ((await triggerStream.load(journal, id))?.state.schedule?.count ?? 0) + 1;
      const { cron = "", timeZone } = trigger;
      const facts = { kind: "schedule", at: iso(await tasks.now()), cron, timeZone, count };
      const params = render(trigger.params, { trigger: facts, app: appScope(app) });
      const start = {
        ...request,
        pipeline: definition.pipeline.name,
        ...(app === undefined ? {} : { app: app.name }),
        params: (isJsonObject(params) ? params : {}) as StartTask["params"],
        trigger: facts,
      };
      return startTask(deps, await rolloutRequest(deps, start));
    },
    ticks: [openSchedules(deps).tick, openUpstream(deps).tick],
  };
}

function resumed({ trigger }: Armed, { paused: _, ...state }: TriggerState, now: number): TriggerState {
  if (!state.schedule || trigger.kind !== "schedule") return state;
  const { next: __, ...rest } = state.schedule;
  const next = nextTime(trigger, now);
  return { ...state, schedule: { ...rest, ...(next === undefined ? {} : { next }), queue: [] } };
}

function viewOf(armed: Armed, state: TriggerState | undefined, now: number): TriggerView {
  const { id, definition, app, trigger } = armed;
  return {
    id,
    pipeline: definition.pipeline.name,
    ...(app === undefined ? {} : { app: app.name }),
    kind: trigger.kind,
    ...(trigger.title === undefined ? {} : { title: trigger.title }),
    text: waitsFor(trigger),
    ...(Object.keys(trigger.params).length === 0 ? {} : { params: paramsOf(trigger) }),
    ...(isKind("schedule")(armed) ? scheduleView(armed, state, now) : {}),
    ...(state?.paused ? { paused: { ...state.paused, at: iso(state.paused.at) } } : {}),
    ...(state?.last ? { last: lastView(state.last) } : {}),
  };
}

/** JSON of a pipeline file. Its type has no index signature. */
function paramsOf({ params }: Pick<Armed["trigger"], "params">): TriggerView["params"] {
  return params as TriggerView["params"];
}

function scheduleView(
  { id, trigger }: Extract<Armed, unknown> & { readonly trigger: Extract<Armed["trigger"], { kind: "schedule" }> },
  state: TriggerState | undefined,
  now: number,
): Partial<TriggerView> {
  const stored = state?.schedule?.key === scheduleKey(trigger) ? state.schedule : undefined;
  const planned = stored ? stored.next : nextTime(trigger, now);
  const due = planned === undefined ? undefined : dueAt({ id, trigger }, planned);
  return {
    timeZone: trigger.timeZone,
    ...(planned === undefined || due === undefined || state?.paused
      ? {}
      : { plannedAt: iso(planned), nextAt: iso(due), nextInZone: inZone(due, trigger.timeZone) }),
    ...(stored && stored.queue.length > 0 ? { waiting: stored.queue.length } : {}),
    count: state?.schedule?.count ?? 0,
  };
}

function lastView({ at, planned, task, nothing }: NonNullable<TriggerState["last"]>): NonNullable<TriggerView["last"]> {
  return {
    at: iso(at),
    ...(planned === undefined ? {} : { plannedAt: iso(planned) }),
    ...(task === undefined ? {} : { task }),
    ...(nothing === undefined ? {} : { nothing }),
  };
}
