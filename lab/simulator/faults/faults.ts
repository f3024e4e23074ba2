// The faults. Each function starts one fault; its severity is drawn at random.

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
  readonly targets: FaultTargets;
  /** The agent and the runner that are hit, when the fault concerns one. */
  readonly agent: AgentHost;
  readonly runner: RunnerHost;
  readonly random: Random;
  /** Runs something after simulated milliseconds; until then a fault counts as active. */
  readonly later: (ms: number, run: () => void) => void;
  /** A fault counts as active for this many milliseconds from now. */
  readonly lasts: (ms: number) => void;
  /** All faults were removed. */
  readonly isOver: () => boolean;
};

const FOR_EVER = Number.POSITIVE_INFINITY;
/** How long the effects of a process start, a process end or a clock change may last. */
const SETTLING_MS = 60_000;

export const FAULTS: { readonly [K in FaultKind]: (context: FaultContext) => void } = {
  "agent-crash": ({ agent, random, later }) => {
    agent.process()?.kill();
    if (random.chance(0.3)) loseLogBytes(agent.logs, random);
    later(random.between(100, random.chance(0.2) ? 300_000 : 20_000), agent.boot);
  },
  swap: ({ targets, runner, random, lasts }) => {
    lasts(SETTLING_MS);
    targets.agents.swap(random.pick([runner.machine, runner.machine, targets.users.machine, targets.notify.machine]));
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
    lasts(drainMs + SETTLING_MS);
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
  "notify-crash": ({ targets: { notify }, random, later }) => {
    notify.process()?.kill();
    later(random.between(100, 60_000), notify.boot);
  },
  cut: ({ targets, runner, random, later }) => {
    const machine = random.pick([runner.machine, runner.machine, targets.notify.machine, targets.users.machine]);
    const faultProfile = targets.network.faultProfile(machine, random.chance(0.8) ? "agent" : "outside");
    cut(faultProfile, random.between(1_000, random.chance(0.3) ? 600_000 : 60_000), { random, later });
  },
  "long-cut": ({ targets, runner, random, later }) =>
    cut(targets.network.faultProfile(runner.machine, "agent"), random.between(130_000, 400_000), { random, later }),
  "bad-network": badNetwork,
  reordering: ({ targets, runner, random, later }) => {
    const faultProfile = targets.network.faultProfile(runner.machine, "agent");
    const delayMs = [0.2, random.between(50, 3_000)] as const;
    Object.assign(faultProfile, { delayMs, slow: random.between(0, 0.3), duplicate: random.between(0.2, 0.8) });
    later(random.between(30_000, 300_000), () => targets.network.restore(runner.machine, "agent"));
  },
  "at-call": atCall,
  "clock-jump": ({ targets: { notify }, agent, runner, random, lasts }) => {
    lasts(SETTLING_MS);
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
  store: ({ targets, agent, random, lasts }) => {
    lasts(FOR_EVER);
    const some = (most: number): number => (random.chance(0.4) ? random.between(0, most) : 0);
    Object.assign(random.chance(0.7) ? agent.faultProfile : targets.notify.faultProfile, {
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
  bus: ({ targets: { bus }, random, later }) => {
    if (!bus) return;
    const some = (): number => (random.chance(0.5) ? random.between(0, 0.5) : 0);
    const drawn = { away: random.chance(0.4), lost: some(), unanswered: some(), late: some(), forgotten: some() };
    Object.assign(bus.faultProfile, drawn);
    later(random.between(1_000, random.chance(0.2) ? 600_000 : 60_000), () =>
      Object.assign(bus.faultProfile, NO_BUS_FAULTS),
    );
  },
  "notify-store": ({ targets, random, lasts }) => {
    lasts(FOR_EVER);
    const some = (): number => random.between(0, 0.05);
    const drawn = { lost: some(), unanswered: some(), crashBefore: some(), crashAfter: some() };
    Object.assign(targets.notify.faultProfile, drawn);
  },
};

/** Appends to logs are not synced, so a power cut truncates the logs that are open. Their runners still have the bytes. */
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

function badNetwork({ targets, runner, random, later }: FaultContext): void {
  const machine = random.pick([runner.machine, runner.machine, targets.users.machine, targets.notify.machine]);
  const server = random.chance(0.7) ? "agent" : "outside";
  const faultProfile = targets.network.faultProfile(machine, server);
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
  later(random.between(10_000, 300_000), () => targets.network.restore(machine, server));
}

const CALLS = ["session", "poll", "claim", "start", "effect/begin", "effect/begin", "effect/end", "report"] as const;

/** For a while, runners are stopped, killed or lose power at one kind of call, mostly before they see its answer. */
function atCall({ targets, random, later, lasts, isOver }: FaultContext): void {
  const path = `/runner/v1/${random.pick(CALLS)}`;
  const how = random.pick(["pause", "pause", "kill", "power"] as const);
  const chance = random.between(0.1, 0.6);
  targets.simulation.trace.line(`   ${how} at ${path}`);
  const stopObserving = targets.network.observe((moment, process, request) => {
    if (moment !== "arrived" || request.path !== path || isOver() || !random.chance(chance)) return;
    const runner = targets.runners.find(({ machine }) => machine === process.machine);
    if (!runner) return;
    const hit = (): void => {
      // An earlier hit has ended it: the disk belongs to the next process now.
      if (!process.isAlive()) return;
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
  later(random.between(20_000, 120_000), stopObserving);
}
