// Of the jobs of one concurrency group, only so many run at the same time as each of their pipelines says. A stream for each group
// says which jobs have a place in it. A job that could start waits in the index `job-queue` until it gets a place, and has it until
// it has ended or people or a calendar hold it again. Every agent does this for all tasks; the commit of the group's stream decides who was first. What was interrupted
// between the two commits of a turn is made up for at the next turn of the group, and after a restart.

import { hash } from "node:crypto";
import {
  decideAdmit,
  decideGroupFull,
  decideJobSupersede,
  decideQueuedText,
} from "@gantry/core/concurrency/job-group.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { JobState, QueuedState, TaskState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { RetryQueue } from "../tasks/retry-queue.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { queuePrefix, taskStream } from "../tasks/task-stream.ts";
import type { Tasks } from "../tasks/tasks.ts";

export type JobGroups = {
  /** After a change of a task. `events`: none after a restart. Returns at once; what fails is repeated. */
  readonly onTaskChanged: (task: TaskRecord, events: readonly TaskEvent[]) => void;
};

type Place = { readonly task: string; readonly job: string };
type Holders = { readonly group: string; readonly holders: readonly Place[] };

const slotStream = defineStream<Holders>({ prefix: "agent/slots/" });

const MAX_CONFLICTS = 50;
/** Of so many jobs that wait, the text says behind whom they wait. */
const TOLD = 20;

type Deps = {
  readonly journal: Pick<Journal, "load" | "append" | "find">;
  readonly tasks: Pick<Tasks, "read" | "change">;
  readonly retries: Pick<RetryQueue, "run">;
};

export function openJobGroups(deps: Deps): JobGroups {
  /** The turns of a group at this agent come one after the other. */
  const turns = new Map<string, Promise<void>>();
  const inTurn = (group: string, work: () => Promise<void>): void => {
    const turn = (turns.get(group) ?? Promise.resolve()).then(() =>
      deps.retries.run(`giving places in the concurrency group ${group}`, work),
    );
    turns.set(group, turn);
    void turn.finally(() => {
      if (turns.get(group) === turn) turns.delete(group);
    });
  };
  return {
    onTaskChanged: ({ state }, events) => {
      for (const event of events)
        if (event.kind === "JobLeftGroup") inTurn(event.group, () => takeTurn(deps, event.group));
      const changed = new Set(events.flatMap((event) => ("job" in event ? [event.job] : [])));
      for (const one of Object.values(state.jobs)) {
        const isNews = events.length === 0 || changed.has(one.key);
        const group = one.slot ?? one.queued?.group;
        if (!isNews || group === undefined) continue;
        if (one.phase === "ended") inTurn(group, () => takeTurn(deps, group));
        else if (waits(one)) inTurn(group, () => enter(deps, group, { task: state.id, job: one.key }));
      }
    },
  };
}

function waits({ phase, queued, slot }: JobState): boolean {
  return phase === "pending" && queued !== undefined && slot === undefined;
}

/** A job has come: it gets a place, or its policy says what happens. */
async function enter(deps: Deps, group: string, place: Place): Promise<void> {
  const before = (await deps.tasks.read(place.task))?.state.jobs[place.job];
  if (!before?.queued || !waits(before)) return;
  if (before.queued.policy === "cancel-older") await cancelOlder(deps, group, { ...place, since: before.queued.since });
  await takeTurn(deps, group);
  if (before.queued.policy !== "reject") return;
  const text = behind(group, (await loadHolders(deps, group)).holders);
  await deps.tasks.change(place.task, ({ state }, now) => decideGroupFull(state, { job: place.job, text }, now));
}

async function cancelOlder(deps: Deps, group: string, newer: Place & Pick<QueuedState, "since">): Promise<void> {
  const { holders } = await loadHolders(deps, group);
  const older = (await waitingIn(deps, group)).filter(({ since }) => since < newer.since);
  for (const { task, job } of [...holders, ...older]) {
    if (isSame({ task, job }, newer)) continue;
    const about = { job, newer: `job of task ${newer.task}` };
    await deps.tasks.change(task, ({ state }, now) => decideJobSupersede(state, about, now));
  }
}

/** Gives the places that are free to the jobs that have waited longest. Safe to repeat, and at several agents at once. */
async function takeTurn(deps: Deps, group: string): Promise<void> {
  for (let round = 0; round < MAX_CONFLICTS; round += 1) {
    const { version, holders: stored } = await loadHolders(deps, group);
    const holders = await stillHolding(deps, group, stored);
    const waiting = (await waitingIn(deps, group)).filter((one) => !holders.some((holder) => isSame(holder, one)));
    const [next] = waiting;
    const isFree = next !== undefined && holders.length < next.limit;
    const after = isFree ? [...holders, { task: next.task, job: next.job }] : holders;
    if (after.length !== stored.length || isFree) {
      const state = { group, holders: after };
      const part = { expected: version, events: [{ kind: "PlacesChanged" }], state };
      if (!(await deps.journal.append([slotStream.append(hash("sha256", group), part)])).ok) continue;
    }
    for (const { task, job } of after)
      await deps.tasks.change(task, ({ state }, now) => decideAdmit(state, { job, group }, now));
    if (isFree) continue;
    await tell(deps, group, { holders, waiting });
    return;
  }
  throw new Error(`the concurrency group ${group} was changed by others all the time`);
}

async function tell(
  { tasks }: Deps,
  group: string,
  { holders, waiting }: { readonly holders: readonly Place[]; readonly waiting: readonly Place[] },
): Promise<void> {
  const text = behind(group, holders);
  for (const { task, job } of waiting.slice(0, TOLD))
    await tasks.change(task, ({ state }, now) => decideQueuedText(state, { job, text }, now));
}

function behind(group: string, holders: readonly Place[]): string {
  // The names of jobs of other teams are nobody's business; ids of tasks are hidden from those who may not see them.
  const tasks = [...new Set(holders.map(({ task }) => `task ${task}`))];
  const names = tasks.slice(0, 3);
  const more = tasks.length > 3 ? ` and ${tasks.length - 3} more` : "";
  return `Waiting in the concurrency group ${group} behind ${names.join(", ")}${more}.`;
}

async function loadHolders(
  { journal }: Deps,
  group: string,
): Promise<{ readonly version: number; readonly holders: readonly Place[] }> {
  const loaded = await slotStream.load(journal, hash("sha256", group));
  return { version: loaded?.version ?? 0, holders: loaded?.state.holders ?? [] };
}

/** Those whose jobs have not ended. One that has been given a place may not know it yet. */
async function stillHolding({ tasks }: Deps, group: string, holders: readonly Place[]): Promise<readonly Place[]> {
  const known = await Promise.all(
    holders.map(async (place) => {
      const state = (await tasks.read(place.task))?.state;
      const one = state?.jobs[place.job];
      const isOpen = state?.phase !== "ended" && one !== undefined && one.phase !== "ended";
      return isOpen && (one.slot ?? one.queued?.group) === group;
    }),
  );
  return holders.filter((_, at) => known[at]);
}

/** The jobs that wait in the group, the one that has waited longest first. */
async function waitingIn(
  { journal }: Deps,
  group: string,
): Promise<readonly (Place & Pick<QueuedState, "since" | "limit">)[]> {
  const { items } = await journal.find({ index: "job-queue", prefix: queuePrefix(group), limit: 200 });
  const states = new Map<string, TaskState>();
  for (const item of items) {
    const state = taskStream.stateOf(item);
    states.set(state.id, state);
  }
  const jobs = [...states.values()].flatMap((state) =>
    Object.values(state.jobs).flatMap((one) => {
      if (!one.queued || one.queued.group !== group || !waits(one)) return [];
      const { since, limit } = one.queued;
      return [{ task: state.id, job: one.key, since, limit }];
    }),
  );
  return jobs.toSorted((a, b) => a.since - b.since || (`${a.task}/${a.job}` < `${b.task}/${b.job}` ? -1 : 1));
}

function isSame(one: Place, other: Place): boolean {
  return one.task === other.task && one.job === other.job;
}
