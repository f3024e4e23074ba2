// What goes wrong, and when. Every seed draws its own kinds of faults and how hard they are, so that some seeds are calm
// but for one thing and others are a storm.

import type { AgentHost } from "./agent-host.ts";
import { FAIR_DISK } from "./files.ts";
import type { Network, Weather } from "./network.ts";
import type { NotifyHost } from "./notify-host.ts";
import { LABEL, SITES } from "./pipelines.ts";
import type { Ground, Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { RunnerFacts, RunnerHost } from "./runner-host.ts";
import { FAIR_STORE } from "./store.ts";

export type Plan = {
  readonly chaosMs: number;
  readonly tasks: number;
  readonly cancelChance: number;
  readonly runners: readonly RunnerFacts[];
  readonly kinds: ReadonlySet<FaultKind>;
  /** The clocks of agent and runners run at rates that the no-overlap condition covers. */
  readonly clocksFit: boolean;
  readonly rates: readonly [number, number];
  /** How many faults come one after the other, per kind and 10 minutes. */
  readonly often: number;
};

const KINDS = [
  "agent-crash",
  "runner-crash",
  "runner-power",
  "runner-replace",
  "runner-pause",
  "agent-pause",
  "notify-crash",
  "cut",
  "weather",
  "clock-jump",
  "disk",
  "store",
] as const;
export type FaultKind = (typeof KINDS)[number];

export function drawPlan(random: Random): Plan {
  const storm = random.between(0.1, 0.7);
  const skew = random.chance(0.5) ? "none" : random.chance(0.6) ? "fits" : "wild";
  return {
    chaosMs: random.between(1, random.chance(0.3) ? 15 : 5) * 60_000,
    tasks: 5 + (random.chance(0.1) ? random.int(5, 45) : random.int(0, 4)),
    cancelChance: random.chance(0.5) ? random.between(0, 0.5) : 0,
    runners: drawRunners(random),
    kinds: new Set(KINDS.filter(() => random.chance(storm))),
    clocksFit: skew !== "wild",
    rates: skew === "none" ? [1, 1] : skew === "fits" ? [0.86, 1.16] : [0.5, 2],
    often: random.between(1, 4),
  };
}

function drawRunners(random: Random): readonly RunnerFacts[] {
  return Array.from({ length: random.int(1, 6) }, (_, index) => ({
    name: `runner-${index}`,
    site: SITES[index % SITES.length] ?? SITES[0],
    labels: random.chance(0.5) ? [LABEL] : [],
    slots: random.int(1, 4),
  }));
}

export type Parts = {
  readonly ground: Ground;
  readonly plan: Plan;
  readonly network: Network;
  readonly agent: AgentHost;
  readonly runners: readonly RunnerHost[];
  readonly notify: NotifyHost;
  readonly people: Process;
};

/** Begins the faults. `healedMs`: when the last of them was over; undefined before. */
export function startFaults(parts: Parts): { readonly healedMs: () => number | undefined } {
  const { plan, ground } = parts;
  const { timeline } = ground;
  const random = ground.random.fork("faults");
  let healed: number | undefined;
  for (const { machine } of [parts.agent, ...parts.runners, parts.notify])
    machine.setRate(random.between(...plan.rates));
  if (plan.kinds.has("store")) storeWeather(parts, random);
  for (const kind of plan.kinds) {
    const times = Math.ceil((plan.chaosMs / 600_000) * plan.often * random.between(0.5, 2));
    for (let time = 0; time < times; time += 1) {
      timeline.at(random.between(0, plan.chaosMs), () => {
        if (healed === undefined) strike(kind, parts, random);
      });
    }
  }
  timeline.at(plan.chaosMs, () => {
    heal(parts);
    healed = timeline.nowMs();
  });
  return { healedMs: () => healed };
}

type Later = (ms: number, run: () => void) => void;
type Strike = (parts: Parts, runner: RunnerHost, random: Random, later: Later) => void;

function strike(kind: FaultKind, parts: Parts, random: Random): void {
  const { timeline, trace } = parts.ground;
  trace.line(`-- ${kind}`);
  STRIKES[kind](parts, random.pick(parts.runners), random, (ms, run) => void timeline.at(timeline.nowMs() + ms, run));
}

const STRIKES: { readonly [K in FaultKind]: Strike } = {
  "agent-crash": ({ agent }, _, random, later) => {
    agent.process()?.kill();
    later(random.between(100, random.chance(0.2) ? 300_000 : 20_000), agent.boot);
  },
  "runner-crash": (_, runner, random, later) => {
    runner.process()?.kill();
    later(random.between(100, random.chance(0.3) ? 300_000 : 10_000), runner.boot);
  },
  "runner-power": (_, runner, random, later) => {
    runner.process()?.kill();
    runner.disk.losePower();
    later(random.between(5_000, 60_000), runner.boot);
  },
  "runner-replace": (_, runner, random) => runner.replace(random.chance(0.5) ? 0 : random.between(1_000, 60_000)),
  "runner-pause": (_, runner, random) =>
    runner.process()?.pause(random.between(1_000, random.chance(0.5) ? 600_000 : 130_000)),
  "agent-pause": ({ agent }, _, random) => agent.process()?.pause(random.between(1_000, 60_000)),
  "notify-crash": ({ notify }, _, random, later) => {
    notify.process()?.kill();
    later(random.between(100, 60_000), notify.boot);
  },
  cut,
  weather: storm,
  "clock-jump": ({ agent, notify }, runner, random) =>
    random
      .pick([agent.machine, notify.machine, runner.machine, runner.machine])
      .jump(random.between(-7_200_000, 7_200_000)),
  disk: (_, runner, random, later) => {
    Object.assign(runner.disk.weather, {
      slow: random.chance(0.5) ? random.between(0, 0.5) : 0,
      full: random.chance(0.3),
      broken: random.chance(0.3) ? random.between(0, 0.3) : 0,
    });
    later(random.between(1_000, 120_000), () => Object.assign(runner.disk.weather, FAIR_DISK));
  },
  store: (parts, _, random) => storeWeather(parts, random),
};

/** One connection, or all of a machine, one way or both. */
function cut(parts: Parts, runner: RunnerHost, random: Random, later: Later): void {
  const machine = random.pick([runner.machine, runner.machine, parts.notify.machine, parts.people.machine]);
  const weather = parts.network.weather(machine, random.chance(0.8) ? "agent" : "world");
  weather.cut = random.pick(["out", "back", "both"]);
  later(random.between(1_000, random.chance(0.3) ? 600_000 : 60_000), () => {
    weather.cut = "no";
  });
}

function storm(parts: Parts, runner: RunnerHost, random: Random, later: Later): void {
  const machine = random.pick([runner.machine, runner.machine, parts.people.machine, parts.notify.machine]);
  const server = random.chance(0.7) ? "agent" : "world";
  const weather = parts.network.weather(machine, server);
  const some = (most: number): number => (random.chance(0.4) ? random.between(0, most) : 0);
  const drawn: Weather = {
    delayMs: [0.2, random.chance(0.5) ? 5 : random.between(5, 3_000)],
    slow: some(0.1),
    loseRequest: some(0.3),
    loseAnswer: some(0.3),
    reset: some(0.3),
    duplicate: some(0.4),
    proxyBefore: some(0.2),
    proxyAfter: some(0.2),
    cut: weather.cut,
  };
  Object.assign(weather, drawn);
  later(random.between(10_000, 300_000), () => parts.network.calm(machine, server));
}

function storeWeather(parts: Parts, random: Random): void {
  const some = (most: number): number => (random.chance(0.4) ? random.between(0, most) : 0);
  const { weather } = random.chance(0.7) ? parts.agent : parts.notify;
  Object.assign(weather, {
    appendMs: [0.1, random.chance(0.5) ? 2 : random.between(2, 200)],
    slow: some(0.05),
    lost: some(0.05),
    unanswered: some(0.05),
    crashBefore: some(0.01),
    crashAfter: some(0.01),
  });
}

function heal({ ground, network, agent, runners, notify }: Parts): void {
  ground.trace.line("-- healed");
  network.clear();
  Object.assign(agent.weather, FAIR_STORE);
  Object.assign(notify.weather, FAIR_STORE);
  for (const host of [agent, notify, ...runners]) {
    host.machine.setRate(1);
    host.process()?.resume();
    host.boot();
  }
  for (const runner of runners) Object.assign(runner.disk.weather, FAIR_DISK);
}
