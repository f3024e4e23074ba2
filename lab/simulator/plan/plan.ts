// What a seed is about. Half of the seeds mix everything; the others have a theme, a world and a weather in which one kind
// of mistake shows much sooner than in a mixture.

import type { RunnerFacts } from "../hosts/runner-host.ts";
import type { Random } from "../machine/random.ts";
import { LABEL, SITES, type Taste, USUAL_TASTE } from "./pipelines.ts";

/** Kinds of faults that a mixture has. */
const MIXED = [
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
/** Kinds that only themes have. */
/**
 * `swap`: who speaks to one agent is sent to another; only where there are two. `bus`: only where events go over one.
 */
const SPECIAL = [
  "swap",
  "bus",
  "long-crash",
  "long-cut",
  "twist",
  "aim",
  "unanswered",
  "slow-store",
  "notify-store",
] as const;
export type FaultKind = (typeof MIXED)[number] | (typeof SPECIAL)[number];

export type Plan = {
  readonly theme: string;
  readonly chaosMs: number;
  readonly tasks: number;
  /** All tasks are asked for within so long. */
  readonly withinMs: number;
  /** Two share one store. */
  readonly agents: 1 | 2;
  /** Events go over a bus, and the notify-agent reads them there. */
  readonly hasBus: boolean;
  readonly cancelChance: number;
  readonly runners: readonly RunnerFacts[];
  readonly kinds: ReadonlySet<FaultKind>;
  readonly taste: Taste;
  /** The clocks of agent and runners run at rates that the no-overlap condition covers. */
  readonly clocksFit: boolean;
  readonly rates: readonly [number, number];
  /** How many faults come one after the other, per kind and 10 minutes. */
  readonly often: number;
};

type Theme = {
  readonly kinds: readonly FaultKind[];
  readonly taste: Partial<Taste>;
  readonly chaosMs: readonly [number, number];
  readonly tasks: readonly [number, number];
  readonly often: number;
  readonly cancelChance?: number;
  /** Several runners at one site, so that somebody else can take over. */
  readonly crowd?: boolean;
};

const MINUTE = 60_000;
const LONG_STRICT: Partial<Taste> = { strict: 0.8, long: 0.5, retrySafe: 0.9, big: 0, fail: 0 };

const THEMES: { readonly [name: string]: Theme } = {
  /** Nothing goes wrong: nothing may be lost, and nobody may wait. */
  calm: { kinds: [], taste: { strict: 0.6, long: 0.2 }, chaosMs: [0, 0], tasks: [4, 10], often: 0 },
  /** Runners at work are cut off for longer than their leases. */
  partition: {
    kinds: ["long-cut"],
    taste: LONG_STRICT,
    chaosMs: [8 * MINUTE, 12 * MINUTE],
    tasks: [3, 6],
    often: 8,
    crowd: true,
  },
  /** Runners die, and do not come back before their leases are over; people cancel meanwhile. */
  silence: {
    kinds: ["long-crash"],
    taste: { ...LONG_STRICT, strict: 0.5 },
    chaosMs: [6 * MINUTE, 10 * MINUTE],
    tasks: [4, 8],
    often: 6,
    cancelChance: 0.7,
  },
  /** Processes are stopped or die at a certain call. */
  aim: {
    kinds: ["aim"],
    taste: { strict: 0.7, effects: 0.9, retrySafe: 0.9, big: 0, fail: 0 },
    chaosMs: [4 * MINUTE, 10 * MINUTE],
    tasks: [4, 8],
    often: 8,
    crowd: true,
  },
  /** Processes that die are replaced at once, while the store is still busy with what they said. */
  successor: {
    kinds: ["aim", "slow-store"],
    taste: { strict: 0.7, retrySafe: 0.9, big: 0, fail: 0 },
    chaosMs: [3 * MINUTE, 6 * MINUTE],
    tasks: [4, 8],
    often: 8,
    crowd: true,
  },
  /** Clocks are set. */
  clock: {
    kinds: ["clock-jump"],
    taste: { strict: 0.5, effects: 0.9, big: 0, fail: 0 },
    chaosMs: [2 * MINUTE, 5 * MINUTE],
    tasks: [5, 10],
    often: 16,
  },
  /** Requests come late, twice, and in another order, while sessions are opened again and again. */
  twist: {
    kinds: ["twist", "agent-crash"],
    taste: { strict: 0.5, long: 0.2, retrySafe: 0.9, big: 0 },
    chaosMs: [3 * MINUTE, 8 * MINUTE],
    tasks: [4, 8],
    often: 8,
    crowd: true,
  },
  /** Commits whose answers are lost, and nothing else that would make anybody look again. */
  doubt: { kinds: ["unanswered"], taste: { big: 0 }, chaosMs: [MINUTE, 3 * MINUTE], tasks: [5, 12], often: 6 },
  /** Many short tasks that wait for each other, on a slow store. */
  queue: {
    kinds: ["slow-store"],
    taste: { group: 1, big: 0, long: 0, short: 0.8, effects: 0.1 },
    chaosMs: [MINUTE, 3 * MINUTE],
    tasks: [12, 30],
    often: 6,
    cancelChance: 0.4,
  },
  /** The notify-agent dies between its commits, and some of them are not made or not answered. */
  notice: {
    kinds: ["notify-store", "notify-crash"],
    taste: { big: 0, long: 0, short: 0.5 },
    chaosMs: [MINUTE, 4 * MINUTE],
    tasks: [8, 16],
    often: 8,
    cancelChance: 0.2,
  },
};

/** Chance of two agents. */
const TWO = 0.2;
/** Chance of a bus. */
const BUS = 0.25;

/** `theme`: this one, and not one that is drawn. */
export function drawPlan(random: Random, theme?: string): Plan {
  const drawn = random.chance(0.5) ? "mixed" : random.pick(Object.keys(THEMES));
  const name = theme ?? drawn;
  const facts = THEMES[name];
  if (!facts && name !== "mixed") throw new Error(`no theme ${name}`);
  const plan = facts ? themed(random, name, facts) : mixed(random);
  // Apart from the themes, so that every one of them is played with two agents as well.
  const agents = random.chance(TWO) ? 2 : 1;
  const hasBus = random.fork("bus").chance(BUS);
  const also: FaultKind[] = [...(agents === 2 ? (["swap"] as const) : []), ...(hasBus ? (["bus"] as const) : [])];
  return { ...plan, agents, hasBus, kinds: new Set(plan.kinds.size === 0 ? [] : [...plan.kinds, ...also]) };
}

/** Are connections never bad? */
export function isFair({ kinds }: Plan): boolean {
  return !["cut", "long-cut", "weather", "twist"].some((kind) => kinds.has(kind as FaultKind));
}

function mixed(random: Random): Plan {
  const storm = random.between(0.1, 0.7);
  const skew = random.chance(0.5) ? "none" : random.chance(0.6) ? "fits" : "wild";
  const chaosMs = random.between(1, random.chance(0.3) ? 15 : 5) * MINUTE;
  return {
    theme: "mixed",
    chaosMs,
    tasks: 5 + (random.chance(0.1) ? random.int(5, 45) : random.int(0, 4)),
    withinMs: chaosMs * 0.8,
    agents: 1,
    hasBus: false,
    cancelChance: random.chance(0.5) ? random.between(0, 0.5) : 0,
    runners: drawRunners(random, false),
    kinds: new Set(MIXED.filter(() => random.chance(storm))),
    taste: USUAL_TASTE,
    clocksFit: skew !== "wild",
    rates: skew === "none" ? [1, 1] : skew === "fits" ? [0.86, 1.16] : [0.5, 2],
    often: random.between(1, 4),
  };
}

function themed(random: Random, name: string, theme: Theme): Plan {
  const chaosMs = random.between(...theme.chaosMs);
  return {
    theme: name,
    chaosMs,
    tasks: random.int(...theme.tasks),
    withinMs: Math.max(chaosMs * 0.6, MINUTE),
    agents: 1,
    hasBus: false,
    cancelChance: theme.cancelChance ?? (random.chance(0.3) ? 0.2 : 0),
    runners: drawRunners(random, theme.crowd ?? false),
    kinds: new Set(theme.kinds),
    taste: { ...USUAL_TASTE, ...theme.taste },
    clocksFit: true,
    rates: random.chance(0.7) ? [1, 1] : [0.86, 1.16],
    often: theme.often,
  };
}

function drawRunners(random: Random, crowd: boolean): readonly RunnerFacts[] {
  return Array.from({ length: crowd ? random.int(2, 4) : random.int(1, 6) }, (_, index) => ({
    name: `runner-${index}`,
    site: SITES[crowd ? 0 : index % SITES.length] ?? SITES[0],
    labels: !crowd && random.chance(0.5) ? [LABEL] : [],
    slots: random.int(1, 4),
  }));
}
