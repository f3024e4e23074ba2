// Liveness invariants: jobs do not wait while a suitable runner is idle, every task ends, and every notification arrives.

import type { Agents } from "./hosts/agents.ts";
import { CHANNEL } from "./hosts/notify-host.ts";
import type { OutsideSystem } from "./hosts/outside-system.ts";
import type { Users } from "./hosts/users.ts";
import type { Invariants } from "./invariants/invariants.ts";
import type { SimBus } from "./machine/bus.ts";

/** After the last fault, connections that were cut are only noticed when their timeouts expire. */
const SETTLED_AFTER_MS = 90_000;
const IDLE_MS = 5_000;

export type Liveness = {
  /** Called once a second. `quietSinceMs`: since when no fault is active; undefined while one is. */
  readonly check: (quietSinceMs: number | undefined) => void;
  readonly allEnded: () => boolean;
  /** Every notification was received, and every event is on the bus if there is one. */
  readonly allDelivered: (outside: OutsideSystem) => boolean;
};

export function createLiveness(deps: {
  readonly invariants: Invariants;
  readonly agents: Agents;
  readonly nowMs: () => number;
  readonly bus: SimBus | undefined;
}): Liveness {
  const { invariants, agents, nowMs, bus } = deps;
  return {
    check: (quietSinceMs) => {
      if (quietSinceMs === undefined || nowMs() < quietSinceMs + SETTLED_AFTER_MS) return;
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
            `${job} of ${task} is ready while ${able.runner} polls with a free slot`,
          );
      }
    },
    allEnded: () => [...invariants.tasks.values()].every(({ phase }) => phase === "ended"),
    allDelivered: ({ messages }) =>
      missing(invariants, messages).length === 0 && unpublished(invariants, bus).length === 0,
  };
}

export function checkEnd(facts: {
  readonly invariants: Invariants;
  readonly users: Users;
  readonly outside: OutsideSystem;
  readonly bus: SimBus | undefined;
  readonly late: boolean;
}): void {
  const { invariants, users, outside, bus, late } = facts;
  for (const id of users.accepted())
    if (!invariants.tasks.has(id)) invariants.violated("no-task-lost", `${id} was acknowledged and is missing`);
  if (!late) return;
  if (users.open() > 0) invariants.violated("everything-ends", `${users.open()} requests of users were never answered`);
  for (const { id, phase, jobs } of invariants.tasks.values()) {
    if (phase === "ended") continue;
    const states = Object.values(jobs).map((job) => `${job.key} ${job.outcome ?? job.phase}`);
    invariants.violated("everything-ends", `${id} is ${phase}: ${states.join(", ")}`);
  }
  for (const key of missing(invariants, outside.messages))
    invariants.violated("notifications", `${key} was never received`);
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
