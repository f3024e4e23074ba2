// What must come about: work does not wait while somebody is idle, everything ends, and everybody is told.

import type { Agents } from "../hosts/agents.ts";
import type { People } from "../hosts/client.ts";
import { CHANNEL } from "../hosts/notify-host.ts";
import type { World } from "../hosts/outside-system.ts";
import type { SimBus } from "../machine/bus.ts";
import type { Invariants } from "./invariants.ts";

/** After healing, connections that were cut need their time limits to be noticed. */
const CALM_AFTER_MS = 90_000;
const IDLE_MS = 5_000;

export type Liveness = {
  /** Once a second. `quietSinceMs`: since when nothing is wrong; undefined while something is. */
  readonly look: (quietSinceMs: number | undefined) => void;
  readonly allEnded: () => boolean;
  /** Everybody who was to be told was told, and every event is on the bus, where there is one. */
  readonly noticed: (world: World) => boolean;
};

export function createLiveness(deps: {
  readonly judge: Invariants;
  readonly agents: Agents;
  readonly nowMs: () => number;
  readonly bus: SimBus | undefined;
}): Liveness {
  const { judge, agents, nowMs, bus } = deps;
  return {
    look: (quietSinceMs) => {
      if (quietSinceMs === undefined || nowMs() < quietSinceMs + CALM_AFTER_MS) return;
      const idle = agents.idle().filter(({ free, sinceMs }) => free > 0 && nowMs() - sinceMs > IDLE_MS);
      if (idle.length === 0) return;
      for (const { task, job, readyMs } of judge.jobs.values()) {
        if (readyMs === undefined || nowMs() - readyMs <= IDLE_MS) continue;
        const state = judge.tasks.get(task);
        const one = state?.jobs[job];
        if (!state || !one) continue;
        const labels = agents.labelsOf(state.pipeline, one.id);
        const able = idle.find(
          (poll) => poll.site === one.site && labels.every((label: string) => poll.labels.includes(label)),
        );
        if (able)
          judge.violated("no-idle-runner", `${job} of ${task} is ready, and ${able.runner} polls with a free slot`);
      }
    },
    allEnded: () => [...judge.tasks.values()].every(({ phase }) => phase === "ended"),
    noticed: ({ messages }) => missing(judge, messages).length === 0 && unpublished(judge, bus).length === 0,
  };
}

export function checkEnd(facts: {
  readonly judge: Invariants;
  readonly wishes: People;
  readonly world: World;
  readonly bus: SimBus | undefined;
  readonly late: boolean;
}): void {
  const { judge, wishes, world, bus, late } = facts;
  for (const id of wishes.accepted())
    if (!judge.tasks.has(id)) judge.violated("no-task-lost", `${id} was acknowledged and is not there`);
  if (!late) return;
  if (wishes.open() > 0) judge.violated("everything-ends", `${wishes.open()} wishes were never answered`);
  for (const { id, phase, jobs } of judge.tasks.values()) {
    if (phase === "ended") continue;
    const states = Object.values(jobs).map((job) => `${job.key} ${job.outcome ?? job.phase}`);
    judge.violated("everything-ends", `${id} is ${phase}: ${states.join(", ")}`);
  }
  for (const key of missing(judge, world.messages)) judge.violated("notices", `${key} was never received`);
  for (const id of unpublished(judge, bus)) {
    const [there, all] = [bus?.reached(id), judge.versionOf(id)];
    judge.violated("events-without-gap", `${there} of ${all} events of ${id} are on the bus`);
  }
}

function missing(judge: Invariants, messages: ReadonlyMap<string, number>): readonly string[] {
  return [...judge.tasks.values()]
    .filter(({ phase }) => phase === "ended")
    .map(({ id }) => `ended/${id}/${CHANNEL}`)
    .filter((key) => !messages.has(key));
}

function unpublished(judge: Invariants, bus: SimBus | undefined): readonly string[] {
  return bus ? [...judge.tasks.keys()].filter((id) => bus.reached(id) < judge.versionOf(id)) : [];
}
