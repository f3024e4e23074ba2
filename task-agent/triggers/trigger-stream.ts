// What is stored about each trigger: who paused it, what it did last, and the times of a schedule.

import type { TriggerKind } from "@gantry/core/trigger/trigger.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream, type StreamDefinition } from "@gantry/journal/typed-stream.ts";
import { allOf } from "../tasks/app-places.ts";

export type TriggerState = {
  readonly id: string;
  readonly pipeline: string;
  readonly app?: string;
  readonly kind: TriggerKind;
  readonly paused?: { readonly by: string; readonly at: number; readonly reason?: string };
  readonly last?: LastStart;
  /** Absent: it is no schedule, or it is in no file any more. */
  readonly schedule?: ScheduleState;
};

/** Times are store time, ms since 1970. `nothing`: why no task was started, as a sentence. */
export type LastStart = {
  readonly at: number;
  readonly planned?: number;
  readonly task?: string;
  readonly nothing?: string;
};

export type ScheduleState = {
  /** Which times it has: a schedule with other times begins anew. */
  readonly key: string;
  /** The next planned time; absent when there is none. */
  readonly next?: number;
  /** Planned times whose tasks have not been started yet, in order. */
  readonly queue: readonly number[];
  /** How many tasks it has started. */
  readonly count: number;
  /** The task that it started last. */
  readonly task?: string;
};

export const triggerStream = defineStream<TriggerState>({
  prefix: "agent/trigger/",
  index: ({ id }) => ({ triggers: [id] }),
});

const MAX_CONFLICTS = 20;

/**
 * Changes the state of a trigger, which may not be stored yet. `change` returns the same state for no change; it may be called
 * several times, because others change it as well. Rejects when the store fails, and when others always committed first.
 */
export async function changeTrigger(
  journal: Pick<Journal, "load" | "append">,
  first: TriggerState,
  change: (state: TriggerState) => { readonly state: TriggerState; readonly event: string },
): Promise<TriggerState> {
  for (let round = 0; round < MAX_CONFLICTS; round += 1) {
    const loaded = await triggerStream.load(journal, first.id);
    const before = loaded?.state ?? first;
    const { state, event } = change(before);
    if (state === before) return before;
    const append = triggerStream.append(first.id, {
      expected: loaded?.version ?? 0,
      events: [{ kind: event }],
      state,
    });
    if ((await journal.append([append])).ok) return state;
  }
  throw new Error(`the trigger ${first.id} was changed by others all the time`);
}

/** The states of all streams of an index. */
export async function statesOf<State, Event>(
  journal: Journal,
  index: string,
  { stateOf }: Pick<StreamDefinition<State, Event>, "stateOf">,
): Promise<readonly State[]> {
  const states: State[] = [];
  for await (const item of allOf(journal, index)) states.push(stateOf(item));
  return states;
}
