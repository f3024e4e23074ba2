// The task-agents of a world: one that has its store for itself, or two that share one, behind a door that sends each
// machine to one of them.

import { newMemoryStore } from "@gantry/journal/memory/memory.ts";
import type { Server } from "../machine/network.ts";
import { createMachine, type Machine, type Simulation } from "../machine/process.ts";
import { type AgentCommon, type AgentHost, type AgentHostDeps, createAgentHost, type IdlePoll } from "./agent-host.ts";

export type Agents = {
  readonly hosts: readonly AgentHost[];
  readonly server: Server;
  readonly logs: AgentCommon["logs"];
  /** Since when the one that serves longest does; undefined while none does. */
  readonly readySinceMs: () => number | undefined;
  /** The same, counted anew for one that was stopped. */
  readonly atWorkSinceMs: () => number | undefined;
  /** How slow and how fast their clocks have run. */
  readonly rates: () => readonly [slowest: number, fastest: number];
  readonly idle: () => readonly IdlePoll[];
  readonly labelsOf: AgentHost["labelsOf"];
  /** Somebody is sent to another one from now on. */
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
      for (const host of hosts) if (host.name !== by) host.hear();
    },
  };
  const hosts = Array.from({ length: count }, (_, index) => {
    const name = isShared ? `agent-${index}` : "agent";
    return createAgentHost({ ...deps, machine: createMachine(timeline, name), common, name });
  });
  const first = hosts[0];
  if (!first) throw new Error("a world has an agent");

  const places = new Map<string, number>();
  const placeOf = (machine: Machine): number => {
    const known = places.get(machine.name) ?? places.size % hosts.length;
    const isUp = hosts[known]?.process()?.isAlive();
    const other = hosts.findIndex((host) => host.process()?.isAlive());
    const place = isUp || other < 0 ? known : other;
    places.set(machine.name, place);
    return place;
  };
  const earliest = (times: readonly (number | undefined)[]): number | undefined => {
    const known = times.filter((one) => one !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  };
  return {
    hosts,
    logs: common.logs,
    server: { ...first.server, name: "agent", behind: (machine) => hosts[placeOf(machine)]?.server ?? first.server },
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
    swap: (machine) => void places.set(machine.name, (placeOf(machine) + 1) % hosts.length),
  };
}
