// What can go wrong. Each inject begins one fault; how hard it is, is drawn.

import type { AgentHost } from "../hosts/agent-host.ts";
import type { RunnerHost } from "../hosts/runner-host.ts";
import { NO_BUS_FAULTS } from "../machine/bus.ts";
import { NO_DISK_FAULTS } from "../machine/files.ts";
import type { StoredLogs } from "../machine/log-store.ts";
import type { NetworkFaultProfile } from "../machine/network.ts";
import type { Random } from "../machine/random.ts";
import type { StoreFaultProfile } from "../machine/store.ts";
import type { FaultKind } from "../plan/plan.ts";
import type { FaultTargets } from "./fault-targets.ts";

type FaultContext = {
  readonly parts: FaultTargets;
  /** The ones that it hits, if it is about an agent or a runner. */
  readonly agent: AgentHost;
  readonly runner: RunnerHost;
  readonly random: Random;
  /** Does something after so long; until then something is wrong. */
  readonly later: (ms: number, run: () => void) => void;
  /** Something is wrong for so long from now. */
  readonly lasts: (ms: number) => void;
  /** Everything is healed. */
  readonly isOver: () => boolean;
};

const FOR_EVER = Number.POSITIVE_INFINITY;
/** What a process does that begins or ends, or whose clock was set. */
const UNREST_MS = 60_000;

export const FAULTS: { readonly [K in FaultKind]: (context: FaultContext) => void } = {
  "agent-crash": ({ agent, random, later }) => {
    agent.process()?.kill();
    if (random.chance(0.3)) loseLogBytes(agent.logs, random);
    later(random.between(100, random.chance(0.2) ? 300_000 : 20_000), agent.boot);
  },
  swap: ({ parts, runner, random, lasts }) => {
    lasts(UNREST_MS);
    parts.agents.swap(random.pick([runner.machine, runner.machine, parts.people.machine, parts.notify.machine]));
  },
  "runner-crash": ({ runner, random, later }) => {
    runner.process()?.kill();
    later(random.between(100, random.chance(0.3) ? 300_000 : 10_000), runner.boot);
  },
  "long-crash": ({ runner, random, later }) => {
    runner.process()?.kill();
    later(random.between(100_000, 400_000), runner.boot);
  },
  "runner-power": ({ runner, random, later }) => {
    runner.process()?.kill();
    runner.disk.losePower();
    later(random.between(5_000, 60_000), runner.boot);
  },
  "runner-replace": ({ runner, random, lasts }) => {
    const drainMs = random.chance(0.5) ? 0 : random.between(1_000, 60_000);
    lasts(drainMs + UNREST_MS);
    runner.replace(drainMs);
  },
  "runner-pause": ({ runner, random, lasts }) => {
    const ms = random.between(1_000, random.chance(0.5) ? 600_000 : 130_000);
    lasts(ms);
    runner.process()?.pause(ms);
  },
  "agent-pause": ({ agent, random, lasts }) => {
    const ms = random.between(1_000, 60_000);
    lasts(ms);
    agent.process()?.pause(ms);
  },
  "notify-crash": ({ parts: { notify }, random, later }) => {
    notify.process()?.kill();
    later(random.between(100, 60_000), notify.boot);
  },
  cut: ({ parts, runner, random, later }) => {
    const machine = random.pick([runner.machine, runner.machine, parts.notify.machine, parts.people.machine]);
    const faultProfile = parts.network.faultProfile(machine, random.chance(0.8) ? "agent" : "world");
    cut(faultProfile, random.between(1_000, random.chance(0.3) ? 600_000 : 60_000), { random, later });
  },
  "long-cut": ({ parts, runner, random, later }) =>
    cut(parts.network.faultProfile(runner.machine, "agent"), random.between(130_000, 400_000), { random, later }),
  weather: badNetwork,
  twist: ({ parts, runner, random, later }) => {
    const faultProfile = parts.network.faultProfile(runner.machine, "agent");
    const delayMs = [0.2, random.between(50, 3_000)] as const;
    Object.assign(faultProfile, { delayMs, slow: random.between(0, 0.3), duplicate: random.between(0.2, 0.8) });
    later(random.between(30_000, 300_000), () => parts.network.restore(runner.machine, "agent"));
  },
  aim,
  "clock-jump": ({ parts: { notify }, agent, runner, random, lasts }) => {
    lasts(UNREST_MS);
    const machine = random.pick([agent.machine, notify.machine, runner.machine, runner.machine]);
    machine.jump(random.between(-7_200_000, 7_200_000));
  },
  disk: ({ runner, random, later }) => {
    Object.assign(runner.disk.faultProfile, {
      slow: random.chance(0.5) ? random.between(0, 0.5) : 0,
      full: random.chance(0.3),
      broken: random.chance(0.3) ? random.between(0, 0.3) : 0,
    });
    later(random.between(1_000, 120_000), () => Object.assign(runner.disk.faultProfile, NO_DISK_FAULTS));
  },
  store: ({ parts, agent, random, lasts }) => {
    lasts(FOR_EVER);
    const some = (most: number): number => (random.chance(0.4) ? random.between(0, most) : 0);
    Object.assign(random.chance(0.7) ? agent.faultProfile : parts.notify.faultProfile, {
      appendMs: [0.1, random.chance(0.5) ? 2 : random.between(2, 200)],
      slow: some(0.05),
      lost: some(0.05),
      unanswered: some(0.05),
      crashBefore: some(0.01),
      crashAfter: some(0.01),
    } satisfies StoreFaultProfile);
  },
  unanswered: ({ agent, random, lasts }) => {
    lasts(FOR_EVER);
    Object.assign(agent.faultProfile, { unanswered: random.between(0.05, 0.4), lost: random.between(0, 0.1) });
  },
  "slow-store": ({ agent, random, lasts }) => {
    lasts(FOR_EVER);
    Object.assign(agent.faultProfile, { appendMs: [1, random.between(50, 500)], slow: random.between(0, 0.1) });
  },
  bus: ({ parts: { bus }, random, later }) => {
    if (!bus) return;
    const some = (): number => (random.chance(0.5) ? random.between(0, 0.5) : 0);
    const drawn = { away: random.chance(0.4), lost: some(), unanswered: some(), late: some(), forgotten: some() };
    Object.assign(bus.faultProfile, drawn);
    later(random.between(1_000, random.chance(0.2) ? 600_000 : 60_000), () =>
      Object.assign(bus.faultProfile, NO_BUS_FAULTS),
    );
  },
  "notify-store": ({ parts, random, lasts }) => {
    lasts(FOR_EVER);
    const some = (): number => random.between(0, 0.05);
    const drawn = { lost: some(), unanswered: some(), crashBefore: some(), crashAfter: some() };
    Object.assign(parts.notify.faultProfile, drawn);
  },
};

/** Appends to logs are not synced; a power cut takes the end of those that are open. Their runners have the bytes still. */
function loseLogBytes(logs: StoredLogs, random: Random): void {
  for (const log of logs.values()) if (!log.final) log.bytes = log.bytes.subarray(0, random.int(0, log.bytes.length));
}

function cut(
  faultProfile: NetworkFaultProfile,
  ms: number,
  { random, later }: Pick<FaultContext, "random" | "later">,
): void {
  faultProfile.cut = random.pick(["out", "back", "both"]);
  later(ms, () => {
    faultProfile.cut = "no";
  });
}

function badNetwork({ parts, runner, random, later }: FaultContext): void {
  const machine = random.pick([runner.machine, runner.machine, parts.people.machine, parts.notify.machine]);
  const server = random.chance(0.7) ? "agent" : "world";
  const faultProfile = parts.network.faultProfile(machine, server);
  const some = (most: number): number => (random.chance(0.4) ? random.between(0, most) : 0);
  const drawn: NetworkFaultProfile = {
    delayMs: [0.2, random.chance(0.5) ? 5 : random.between(5, 3_000)],
    slow: some(0.1),
    loseRequest: some(0.3),
    loseAnswer: some(0.3),
    reset: some(0.3),
    duplicate: some(0.4),
    proxyBefore: some(0.2),
    proxyAfter: some(0.2),
    cut: faultProfile.cut,
  };
  Object.assign(faultProfile, drawn);
  later(random.between(10_000, 300_000), () => parts.network.restore(machine, server));
}

const CALLS = ["session", "poll", "claim", "start", "effect/begin", "effect/begin", "effect/end", "report"] as const;

/** For a while runners are stopped, killed or lose their power at a certain call, mostly before they see its answer. */
function aim({ parts, random, later, lasts, isOver }: FaultContext): void {
  const path = `/runner/v1/${random.pick(CALLS)}`;
  const how = random.pick(["pause", "pause", "kill", "power"] as const);
  const chance = random.between(0.1, 0.6);
  parts.simulation.trace.line(`   ${how} at ${path}`);
  const stopHearing = parts.network.hear((moment, process, request) => {
    if (moment !== "arrived" || request.path !== path || isOver() || !random.chance(chance)) return;
    const runner = parts.runners.find(({ machine }) => machine === process.machine);
    if (!runner) return;
    const hit = (): void => {
      if (how === "pause") {
        const ms = random.chance(0.7) ? random.between(125_000, 400_000) : random.between(1_000, 125_000);
        lasts(ms);
        process.pause(ms);
        return;
      }
      process.kill();
      if (how === "power") runner.disk.losePower();
      later(random.chance(0.3) ? random.between(1, 100) : random.between(100, 10_000), runner.boot);
    };
    later(random.chance(0.5) ? 0 : random.between(0, 50), hit);
  });
  later(random.between(20_000, 120_000), stopHearing);
}
