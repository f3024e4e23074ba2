// What must come about: work does not wait while somebody is idle, everything ends, and everybody is told.

import type { Agents } from "./hosts/agents.ts";
import { CHANNEL } from "./hosts/notify-host.ts";
import type { OutsideSystem } from "./hosts/outside-system.ts";
import type { Users } from "./hosts/users.ts";
import type { Invariants } from "./invariants/invariants.ts";
import type { SimBus } from "./machine/bus.ts";

/** After healing, connections that were cut need their time limits to be noticed. */
const CALM_AFTER_MS = 90_000;
const IDLE_MS = 5_000;

export type Liveness = {
  /** Once a second. `quietSinceMs`: since when nothing is wrong; undefined while something is. */
  readonly look: (quietSinceMs: number | undefined) => void;
  readonly allEnded: () => boolean;
  /** Everybody who was to be told was told, and every event is on the bus, where there is one. */
  readonly noticed: (world: OutsideSystem) => boolean;
};

export function createLiveness(deps: {
  readonly invariants: Invariants;
  readonly agents: Agents;
  readonly nowMs: () => number;
  readonly bus: SimBus | undefined;
}): Liveness {
  const { invariants, agents, nowMs, bus } = deps;
  return {
    look: (quietSinceMs) => {
      if (quietSinceMs === undefined || nowMs() < quietSinceMs + CALM_AFTER_MS) return;
      const idle = agents.idle().filter(({ free, sinceMs }) => free > 0 && nowMs() - sinceMs > IDLE_MS);
      if (idle.length === 0) return;
      for (const { task, job, readyMs } of invariants.jobs.values()) {
        if (readyMs === undefined || nowMs() - readyMs <= IDLE_MS) continue;
        const state = invariants.tasks.get(task);
        const one = state?.jobs[job];
        if (!state || !one) continue;
        const labels = agents.labelsOf(state.pipeline, one.id);
        const able = idle.find(
          (poll) => poll.site === one.site && labels.every((label: string) => poll.labels.includes(label)),
        );
        if (able)
          invariants.violated(
            "no-idle-runner",
            `${job} of ${task} is ready, and ${able.runner} polls with a free slot`,
          );
      }
    },
    allEnded: () => [...invariants.tasks.values()].every(({ phase }) => phase === "ended"),
    noticed: ({ messages }) => missing(invariants, messages).length === 0 && unpublished(invariants, bus).length === 0,
  };
}

export function checkEnd(facts: {
  readonly invariants: Invariants;
  readonly wishes: Users;
  readonly world: OutsideSystem;
  readonly bus: SimBus | undefined;
  readonly late: boolean;
}): void {
  const { invariants, wishes, world, bus, late } = facts;
  for (const id of wishes.accepted())
    if (!invariants.tasks.has(id)) invariants.violated("no-task-lost", `${id} was acknowledged and is not there`);
  if (!late) return;
  if (wishes.open() > 0) invariants.violated("everything-ends", `${wishes.open()} wishes were never answered`);
  for (const { id, phase, jobs } of invariants.tasks.values()) {
    if (phase === "ended") continue;
    const states = Object.values(jobs).map((job) => `${job.key} ${job.outcome ?? job.phase}`);
    invariants.violated("everything-ends", `${id} is ${phase}: ${states.join(", ")}`);
  }
  for (const key of missing(invariants, world.messages)) invariants.violated("notices", `${key} was never received`);
  for (const id of unpublished(invariants, bus)) {
    const [there, all] = [bus?.reached(id), invariants.versionOf(id)];
    invariants.violated("events-without-gap", `${there} of ${all} events of ${id} are on the bus`);
  }
}

function missing(invariants: Invariants, messages: ReadonlyMap<string, number>): readonly string[] {
  return [...invariants.tasks.values()]
    .filter(({ phase }) => phase === "ended")
    .map(({ id }) => `ended/${id}/${CHANNEL}`)
    .filter((key) => !messages.has(key));
}

function unpublished(invariants: Invariants, bus: SimBus | undefined): readonly string[] {
  return bus ? [...invariants.tasks.keys()].filter((id) => bus.reached(id) < invariants.versionOf(id)) : [];
}
