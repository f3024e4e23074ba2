// When things go wrong, and when they are well again. What goes wrong is in strikes.ts, how much of it in plan.ts.

import type { Agents } from "../hosts/agents.ts";
import type { NotifyHost } from "../hosts/notify-host.ts";
import type { RunnerHost } from "../hosts/runner-host.ts";
import { FAIR_BUS, type SimBus } from "../machine/bus.ts";
import { FAIR_DISK } from "../machine/files.ts";
import type { Network } from "../machine/network.ts";
import type { Ground, Process } from "../machine/process.ts";
import { FAIR_STORE } from "../machine/store.ts";
import { STRIKES } from "./faults.ts";
import type { FaultKind, Plan } from "./plan.ts";

export type Parts = {
  readonly ground: Ground;
  readonly plan: Plan;
  readonly network: Network;
  readonly agents: Agents;
  readonly runners: readonly RunnerHost[];
  readonly notify: NotifyHost;
  /** Where events go over one. */
  readonly bus: SimBus | undefined;
  readonly people: Process;
};

export type Faults = {
  /** When the last of them was over; undefined before. */
  readonly healedMs: () => number | undefined;
  /** Since when nothing is wrong, also between two faults; undefined while something is. */
  readonly quietSinceMs: () => number | undefined;
};

/** What was under way when a fault ended may be on its way for so long. */
const AFTERMATH_MS = 60_000;

/** Begins the faults. */
export function startFaults(parts: Parts): Faults {
  const { plan, ground } = parts;
  const { timeline, trace } = ground;
  const random = ground.random.fork("faults");
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
  const strike = (kind: FaultKind): void => {
    if (healed !== undefined) return;
    trace.line(`-- ${kind}`);
    const isOver = (): boolean => healed !== undefined;
    const [agent, runner] = [random.pick(parts.agents.hosts), random.pick(parts.runners)];
    STRIKES[kind]({ parts, agent, runner, random, later, lasts, isOver });
  };

  for (const { machine } of [...parts.agents.hosts, ...parts.runners, parts.notify])
    machine.setRate(random.between(...plan.rates));
  for (const kind of ["store", "unanswered", "slow-store", "notify-store"] as const)
    if (plan.kinds.has(kind)) strike(kind);
  for (const kind of plan.kinds) {
    const times = Math.ceil((plan.chaosMs / 600_000) * plan.often * random.between(0.5, 2));
    for (let time = 0; time < times; time += 1) timeline.at(random.between(0, plan.chaosMs), () => strike(kind));
  }
  timeline.at(plan.chaosMs, () => {
    heal(parts);
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

function heal({ ground, network, agents, runners, notify, bus }: Parts): void {
  ground.trace.line("-- healed");
  network.clear();
  for (const { weather } of agents.hosts) Object.assign(weather, FAIR_STORE);
  Object.assign(notify.weather, FAIR_STORE);
  if (bus) Object.assign(bus.weather, FAIR_BUS);
  for (const host of [...agents.hosts, notify, ...runners]) {
    host.machine.setRate(1);
    host.process()?.resume();
    host.boot();
  }
  for (const runner of runners) Object.assign(runner.disk.weather, FAIR_DISK);
}
