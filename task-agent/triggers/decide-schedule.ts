// Which planned times of a schedule have come, and which of them start a task. Pure.

import { hash } from "node:crypto";
import { counted } from "@gantry/core/count.ts";
import { nextTime, scheduleKey } from "@gantry/core/trigger/times.ts";
import type { ScheduleTrigger } from "@gantry/core/trigger/trigger.ts";
import type { ScheduleState } from "./trigger-stream.ts";

/** A time that is seen later than this was missed: no task-agent ran. */
const LATE_MS = 60_000;
/** Times that were missed longer ago are never made up for. */
const MAX_AGE_MS = 7 * 86_400_000;
/** How many times of one schedule may wait for their turn. */
export const MAX_QUEUE = 100;

type Schedule = { readonly id: string; readonly trigger: ScheduleTrigger };

export type Situation = {
  /** Store time, ms since 1970. */
  readonly now: number;
  /** The last task, if it has not ended. */
  readonly running: string | undefined;
  /** Why it is paused, as a sentence. */
  readonly paused: string | undefined;
};

export type Passed = {
  readonly state: ScheduleState;
  /** The last time that starts nothing, and why. */
  readonly nothing?: { readonly planned: number; readonly nothing: string };
};

/** The state of a schedule that was not known with these times before. Nothing before `now` is made up for. */
export function begin(trigger: ScheduleTrigger, before: ScheduleState | undefined, now: number): ScheduleState {
  const next = nextTime(trigger, now);
  return {
    key: scheduleKey(trigger),
    ...(next === undefined ? {} : { next }),
    queue: [],
    count: before?.count ?? 0,
    ...(before?.task === undefined ? {} : { task: before.task }),
  };
}

/** When the task of a planned time starts. The same at every agent. */
export function dueAt({ id, trigger: { jitterMs } }: Schedule, planned: number): number {
  if (jitterMs === 0) return planned;
  const digits = hash("sha256", `${id} ${planned}`, "hex").slice(0, 12);
  return planned + (Number.parseInt(digits, 16) % jitterMs);
}

/** Moves the planned times that have come into the queue, or says why they start nothing. The same state when none has. */
export function passTimes(schedule: Schedule, before: ScheduleState, situation: Situation): Passed {
  const { trigger } = schedule;
  const { now, running, paused } = situation;
  const { times, next, isCut } = timesUntil(schedule, before.next, now);
  if (times.length === 0 && !isCut) return { state: before };
  const { next: _, ...rest } = before;
  const moved: ScheduleState = { ...rest, ...(next === undefined ? {} : { next }) };
  const last = times.at(-1) ?? before.next ?? now;
  if (paused !== undefined) return { state: { ...moved, queue: [] }, nothing: { planned: last, nothing: paused } };

  const late = times.filter((planned) => now - dueAt(schedule, planned) > LATE_MS);
  const onTime = times.slice(late.length);
  const { made, ordinary } = madeUp(trigger.catchUp, late, onTime);
  const missed = times.length - made.length - ordinary.length;
  let nothing = missed > 0 || isCut ? missedText(trigger, { planned: late.at(-1) ?? last, missed, isCut }) : undefined;
  let queue = [...before.queue, ...made];
  for (const planned of ordinary) {
    const isBusy = running !== undefined || queue.length > 0;
    if (!isBusy || trigger.overlap === "queue") queue.push(planned);
    else if (trigger.overlap === "cancel-older") queue = [planned];
    else nothing = { planned, nothing: `${busyText(running)} \`overlap\` is skip.` };
  }
  if (queue.length > MAX_QUEUE) {
    const planned = queue.at(-1) ?? last;
    nothing = { planned, nothing: `More than ${MAX_QUEUE} times wait for their turn; the newest are left out.` };
    queue = queue.slice(0, MAX_QUEUE);
  }
  return { state: { ...moved, queue }, ...(nothing === undefined ? {} : { nothing }) };
}

function timesUntil(schedule: Schedule, first: number | undefined, now: number) {
  const times: number[] = [];
  const oldest = now - MAX_AGE_MS;
  const isCut = first !== undefined && first < oldest;
  let next = isCut ? nextTime(schedule.trigger, oldest) : first;
  while (next !== undefined && dueAt(schedule, next) <= now) {
    times.push(next);
    next = nextTime(schedule.trigger, next);
  }
  return { times, next, isCut };
}

/** `made`: times of an outage that start one after the other, whatever `overlap` says. `ordinary`: as if they were on time. */
function madeUp(
  catchUp: ScheduleTrigger["catchUp"],
  late: readonly number[],
  onTime: readonly number[],
): { readonly made: readonly number[]; readonly ordinary: readonly number[] } {
  if (catchUp === "all" && late.length > 0) return { made: [...late, ...onTime].slice(-MAX_QUEUE), ordinary: [] };
  // A time that is on time makes up for those before it.
  if (catchUp === "latest" && onTime.length === 0) return { made: [], ordinary: late.slice(-1) };
  return { made: [], ordinary: onTime };
}

function missedText(
  { catchUp }: ScheduleTrigger,
  { planned, missed, isCut }: { readonly planned: number; readonly missed: number; readonly isCut: boolean },
) {
  const what = isCut ? "Times of more than 7 days ago" : counted(missed, "time", "times");
  return { planned, nothing: `${what} passed while no task-agent ran; \`catchUp\` is ${catchUp}.` };
}

function busyText(running: string | undefined): string {
  return running === undefined ? "An earlier time still waits." : `Task ${running} of an earlier time has not ended.`;
}
