// The task-agents of a simulation: one with its own store, or two that share a store behind a load balancer that assigns
// each machine to one of them.

import { newMemoryStore } from "@gantry/journal/memory/memory.ts";
import type { Server } from "../machine/network.ts";
import { createMachine, type Machine, type Simulation } from "../machine/process.ts";
import { type AgentCommon, type AgentHost, type AgentHostDeps, createAgentHost, type IdlePoll } from "./agent-host.ts";

export type Agents = {
  readonly hosts: readonly AgentHost[];
  readonly server: Server;
  readonly logs: AgentCommon["logs"];
  /** Since when at least one of them serves; undefined while none does. */
  readonly readySinceMs: () => number | undefined;
  /** The same, but an agent that was paused counts from when it resumed. */
  readonly atWorkSinceMs: () => number | undefined;
  /** The slowest and the fastest rate of their clocks so far. */
  readonly rates: () => readonly [slowest: number, fastest: number];
  readonly idle: () => readonly IdlePoll[];
  readonly labelsOf: AgentHost["labelsOf"];
  /** Assigns a machine to another agent. */
  readonly swap: (machine: Machine) => void;
};

type AgentsDeps = Omit<AgentHostDeps, "machine" | "common" | "name"> & { readonly simulation: Simulation };

export function createAgents(deps: AgentsDeps, count: number): Agents {
  const { timeline } = deps.simulation;
  const isShared = count > 1;
  const common: AgentCommon = {
    isShared,
    store: newMemoryStore(),
    storeClock: isShared ? createMachine(timeline, "store").clock : undefined,
    logs: new Map(),
    sessions: new Map(),
    newest: new Map(),
    onCommit: (by) => {
      for (const host of hosts) if (host.name !== by) host.onOtherCommit();
    },
  };
  const hosts = Array.from({ length: count }, (_, index) => {
    const name = isShared ? `agent-${index}` : "agent";
    return createAgentHost({ ...deps, machine: createMachine(timeline, name), common, name });
  });
  const first = hosts[0];
  if (!first) throw new Error("there must be at least one agent");

  const assigned = new Map<string, number>();
  const assignedTo = (machine: Machine): number => {
    const known = assigned.get(machine.name) ?? assigned.size % hosts.length;
    const isUp = hosts[known]?.process()?.isAlive();
    const other = hosts.findIndex((host) => host.process()?.isAlive());
    const place = isUp || other < 0 ? known : other;
    assigned.set(machine.name, place);
    return place;
  };
  const earliest = (times: readonly (number | undefined)[]): number | undefined => {
    const known = times.filter((one) => one !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  };
  return {
    hosts,
    logs: common.logs,
    server: { ...first.server, name: "agent", behind: (machine) => hosts[assignedTo(machine)]?.server ?? first.server },
    readySinceMs: () => earliest(hosts.map((host) => host.readySinceMs())),
    atWorkSinceMs: () =>
      earliest(
        hosts.map((host) => {
          const [process, since] = [host.process(), host.readySinceMs()];
          return since === undefined || process?.isPaused() ? undefined : Math.max(since, process?.resumedMs() ?? 0);
        }),
      ),
    rates: () => {
      const all = hosts.map(({ machine }) => machine.rates());
      return [Math.min(...all.map(([slowest]) => slowest)), Math.max(...all.map(([, fastest]) => fastest))];
    },
    idle: () => hosts.flatMap((host) => host.idle()),
    labelsOf: first.labelsOf,
    swap: (machine) => void assigned.set(machine.name, (assignedTo(machine) + 1) % hosts.length),
  };
}
