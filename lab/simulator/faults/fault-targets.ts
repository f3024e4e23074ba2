// The targets of the simulation that faults hit.

import type { Agents } from "../hosts/agents.ts";
import type { NotifyHost } from "../hosts/notify-host.ts";
import type { RunnerHost } from "../hosts/runner-host.ts";
import type { SimBus } from "../machine/bus.ts";
import type { Network } from "../machine/network.ts";
import type { Process, Simulation } from "../machine/process.ts";
import type { Plan } from "../plan/plan.ts";

export type FaultTargets = {
  readonly simulation: Simulation;
  readonly plan: Plan;
  readonly network: Network;
  readonly agents: Agents;
  readonly runners: readonly RunnerHost[];
  readonly notify: NotifyHost;
  /** Absent when the plan has no bus. */
  readonly bus: SimBus | undefined;
  readonly users: Process;
};
