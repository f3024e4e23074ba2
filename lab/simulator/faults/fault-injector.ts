// Schedules the faults of a plan and removes them all at the end. The faults themselves are in faults.ts.

import { NO_BUS_FAULTS } from "../machine/bus.ts";
import { NO_DISK_FAULTS } from "../machine/files.ts";
import { NO_STORE_FAULTS } from "../machine/store.ts";
import type { FaultKind } from "../plan/plan.ts";
import type { FaultTargets } from "./fault-targets.ts";
import { FAULTS } from "./faults.ts";

export type Faults = {
  /** Simulated time at which all faults were removed; undefined before. */
  readonly healedMs: () => number | undefined;
  /** Since when no fault is active, also between two faults; undefined while one is. */
  readonly quietSinceMs: () => number | undefined;
};

/** Requests that were under way when a fault ended may arrive this much later. */
const AFTERMATH_MS = 60_000;

export function startFaults(targets: FaultTargets): Faults {
  const { plan, simulation } = targets;
  const { timeline, trace } = simulation;
  const random = simulation.random.fork("faults");
  const isExact = plan.rates[0] === 1 && plan.rates[1] === 1;
  let healed: number | undefined;
  let wrongUntilMs = plan.kinds.size === 0 && isExact ? Number.NEGATIVE_INFINITY : 0;

  const lasts = (ms: number): void => {
    wrongUntilMs = Math.max(wrongUntilMs, timeline.nowMs() + ms + AFTERMATH_MS);
  };
  const later = (ms: number, run: () => void): void => {
    lasts(ms);
    timeline.at(timeline.nowMs() + ms, run);
  };
  const inject = (kind: FaultKind): void => {
    if (healed !== undefined) return;
    trace.line(`-- ${kind}`);
    const isOver = (): boolean => healed !== undefined;
    const [agent, runner] = [random.pick(targets.agents.hosts), random.pick(targets.runners)];
    FAULTS[kind]({ targets, agent, runner, random, later, lasts, isOver });
  };

  for (const { machine } of [...targets.agents.hosts, ...targets.runners, targets.notify])
    machine.setRate(random.between(...plan.rates));
  for (const kind of ["store", "unanswered", "slow-store", "notify-store"] as const)
    if (plan.kinds.has(kind)) inject(kind);
  for (const kind of plan.kinds) {
    const times = Math.ceil((plan.faultsForMs / 600_000) * plan.faultRate * random.between(0.5, 2));
    for (let time = 0; time < times; time += 1) timeline.at(random.between(0, plan.faultsForMs), () => inject(kind));
  }
  timeline.at(plan.faultsForMs, () => {
    heal(targets);
    healed = timeline.nowMs();
    wrongUntilMs = Math.min(wrongUntilMs, healed);
  });
  return {
    healedMs: () => healed,
    quietSinceMs: () => {
      if (healed === undefined && (!isExact || timeline.nowMs() < wrongUntilMs)) return undefined;
      return healed === undefined || wrongUntilMs < 0 ? wrongUntilMs : healed;
    },
  };
}

function heal({ simulation, network, agents, runners, notify, bus }: FaultTargets): void {
  simulation.trace.line("-- healed");
  network.restoreAll();
  for (const { faultProfile } of agents.hosts) Object.assign(faultProfile, NO_STORE_FAULTS);
  Object.assign(notify.faultProfile, NO_STORE_FAULTS);
  if (bus) Object.assign(bus.faultProfile, NO_BUS_FAULTS);
  for (const host of [...agents.hosts, notify, ...runners]) {
    host.machine.setRate(1);
    host.process()?.resume();
    host.boot();
  }
  for (const runner of runners) Object.assign(runner.disk.faultProfile, NO_DISK_FAULTS);
}
