// What a seed simulates. Half of the seeds mix everything; the others have a theme: a system and faults in which one kind
// of mistake shows much sooner than in a mixture.

import type { Random } from "../machine/random.ts";
import { LABEL, SITES, USUAL_WORKLOAD, type Workload } from "./library.ts";

/** Kinds of faults of mixed seeds. */
const MIXED = [
  "agent-crash",
  "runner-crash",
  "runner-power",
  "runner-replace",
  "runner-pause",
  "agent-pause",
  "notify-crash",
  "cut",
  "bad-network",
  "clock-jump",
  "disk",
  "store",
] as const;
/**
 * Kinds that only themes have. `swap`: clients of one agent are sent to another; only with two agents. `bus`: only with a
 * bus.
 */
const SPECIAL = [
  "swap",
  "bus",
  "long-crash",
  "long-cut",
  "reordering",
  "at-call",
  "unanswered",
  "slow-store",
  "notify-store",
] as const;
export type FaultKind = (typeof MIXED)[number] | (typeof SPECIAL)[number];

export type RunnerFacts = {
  readonly name: string;
  readonly site: string;
  readonly labels: readonly string[];
  readonly slots: number;
};

export type Plan = {
  readonly theme: string;
  readonly faultsForMs: number;
  readonly tasks: number;
  /** All tasks are started within this many milliseconds. */
  readonly withinMs: number;
  /** Two agents share one store. */
  readonly agents: 1 | 2;
  /** Events go over a bus, from which the notify-agent reads them. */
  readonly hasBus: boolean;
  readonly cancelChance: number;
  readonly runners: readonly RunnerFacts[];
  readonly kinds: ReadonlySet<FaultKind>;
  readonly workload: Workload;
  /** The rates of all clocks are within what the no-overlap condition allows. */
  readonly clocksFit: boolean;
  readonly rates: readonly [number, number];
  /** Faults per kind and 10 minutes. */
  readonly faultRate: number;
};

type Theme = {
  readonly kinds: readonly FaultKind[];
  readonly workload: Partial<Workload>;
  readonly faultsForMs: readonly [number, number];
  readonly tasks: readonly [number, number];
  readonly faultRate: number;
  readonly cancelChance?: number;
  /** Several runners at one site, so that another runner can take over. */
  readonly severalPerSite?: boolean;
};

const MINUTE = 60_000;
const LONG_STRICT: Partial<Workload> = { strict: 0.8, long: 0.5, retrySafe: 0.9, big: 0, fail: 0 };

const THEMES: { readonly [name: string]: Theme } = {
  /** No faults: nothing may be lost, and no job may wait beside an idle runner. */
  "no-faults": { kinds: [], workload: { strict: 0.6, long: 0.2 }, faultsForMs: [0, 0], tasks: [4, 10], faultRate: 0 },
  /** Busy runners are disconnected for longer than their leases. */
  partition: {
    kinds: ["long-cut"],
    workload: LONG_STRICT,
    faultsForMs: [8 * MINUTE, 12 * MINUTE],
    tasks: [3, 6],
    faultRate: 8,
    severalPerSite: true,
  },
  /** Runners die and return only after their leases have expired; users cancel tasks meanwhile. */
  "silent-runners": {
    kinds: ["long-crash"],
    workload: { ...LONG_STRICT, strict: 0.5 },
    faultsForMs: [6 * MINUTE, 10 * MINUTE],
    tasks: [4, 8],
    faultRate: 6,
    cancelChance: 0.7,
  },
  /** Runners are stopped or die at one kind of call. */
  "at-call": {
    kinds: ["at-call"],
    workload: { strict: 0.7, effects: 0.9, retrySafe: 0.9, big: 0, fail: 0 },
    faultsForMs: [4 * MINUTE, 10 * MINUTE],
    tasks: [4, 8],
    faultRate: 8,
    severalPerSite: true,
  },
  /** Processes that die are replaced at once, while the store is still busy with their last requests. */
  successor: {
    kinds: ["at-call", "slow-store"],
    workload: { strict: 0.7, retrySafe: 0.9, big: 0, fail: 0 },
    faultsForMs: [3 * MINUTE, 6 * MINUTE],
    tasks: [4, 8],
    faultRate: 8,
    severalPerSite: true,
  },
  /** Clocks jump. */
  clock: {
    kinds: ["clock-jump"],
    workload: { strict: 0.5, effects: 0.9, big: 0, fail: 0 },
    faultsForMs: [2 * MINUTE, 5 * MINUTE],
    tasks: [5, 10],
    faultRate: 16,
  },
  /** Requests arrive late, twice and out of order, while sessions are opened again and again. */
  reordering: {
    kinds: ["reordering", "agent-crash"],
    workload: { strict: 0.5, long: 0.2, retrySafe: 0.9, big: 0 },
    faultsForMs: [3 * MINUTE, 8 * MINUTE],
    tasks: [4, 8],
    faultRate: 8,
    severalPerSite: true,
  },
  /** Commits whose answers are lost, with no other fault that would trigger a second look. */
  "lost-answers": {
    kinds: ["unanswered"],
    workload: { big: 0 },
    faultsForMs: [MINUTE, 3 * MINUTE],
    tasks: [5, 12],
    faultRate: 6,
  },
  /** Many short tasks that wait for each other, on a slow store. */
  queue: {
    kinds: ["slow-store"],
    workload: { group: 1, big: 0, long: 0, short: 0.8, effects: 0.1 },
    faultsForMs: [MINUTE, 3 * MINUTE],
    tasks: [12, 30],
    faultRate: 6,
    cancelChance: 0.4,
  },
  /** The notify-agent dies between its commits, and some commits are lost or not answered. */
  notifications: {
    kinds: ["notify-store", "notify-crash"],
    workload: { big: 0, long: 0, short: 0.5 },
    faultsForMs: [MINUTE, 4 * MINUTE],
    tasks: [8, 16],
    faultRate: 8,
    cancelChance: 0.2,
  },
};

/** Probability of two agents. */
const TWO_AGENTS = 0.2;
/** Probability of a bus. */
const WITH_BUS = 0.25;

/** `theme`: use this theme; absent: draw one. Throws for an unknown name. */
export function drawPlan(random: Random, theme?: string): Plan {
  const drawn = random.chance(0.5) ? "mixed" : random.pick(Object.keys(THEMES));
  const name = theme ?? drawn;
  const facts = THEMES[name];
  if (!facts && name !== "mixed") throw new Error(`no theme ${name}`);
  const plan = facts ? themed(random, name, facts) : mixed(random);
  // Drawn separately, so that every theme also runs with two agents.
  const agents = random.chance(TWO_AGENTS) ? 2 : 1;
  const hasBus = random.fork("bus").chance(WITH_BUS);
  const also: FaultKind[] = [...(agents === 2 ? (["swap"] as const) : []), ...(hasBus ? (["bus"] as const) : [])];
  return { ...plan, agents, hasBus, kinds: new Set(plan.kinds.size === 0 ? [] : [...plan.kinds, ...also]) };
}

/** True when no fault of the plan affects connections. */
export function hasGoodNetwork({ kinds }: Plan): boolean {
  return !["cut", "long-cut", "bad-network", "reordering"].some((kind) => kinds.has(kind as FaultKind));
}

function mixed(random: Random): Plan {
  const badNetwork = random.between(0.1, 0.7);
  const skew = random.chance(0.5) ? "none" : random.chance(0.6) ? "fits" : "wild";
  const faultsForMs = random.between(1, random.chance(0.3) ? 15 : 5) * MINUTE;
  return {
    theme: "mixed",
    faultsForMs,
    tasks: 5 + (random.chance(0.1) ? random.int(5, 45) : random.int(0, 4)),
    withinMs: faultsForMs * 0.8,
    agents: 1,
    hasBus: false,
    cancelChance: random.chance(0.5) ? random.between(0, 0.5) : 0,
    runners: drawRunners(random, false),
    kinds: new Set(MIXED.filter(() => random.chance(badNetwork))),
    workload: USUAL_WORKLOAD,
    clocksFit: skew !== "wild",
    rates: skew === "none" ? [1, 1] : skew === "fits" ? [0.86, 1.16] : [0.5, 2],
    faultRate: random.between(1, 4),
  };
}

function themed(random: Random, name: string, theme: Theme): Plan {
  const faultsForMs = random.between(...theme.faultsForMs);
  return {
    theme: name,
    faultsForMs,
    tasks: random.int(...theme.tasks),
    withinMs: Math.max(faultsForMs * 0.6, MINUTE),
    agents: 1,
    hasBus: false,
    cancelChance: theme.cancelChance ?? (random.chance(0.3) ? 0.2 : 0),
    runners: drawRunners(random, theme.severalPerSite ?? false),
    kinds: new Set(theme.kinds),
    workload: { ...USUAL_WORKLOAD, ...theme.workload },
    clocksFit: true,
    rates: random.chance(0.7) ? [1, 1] : [0.86, 1.16],
    faultRate: theme.faultRate,
  };
}

function drawRunners(random: Random, severalPerSite: boolean): readonly RunnerFacts[] {
  return Array.from({ length: severalPerSite ? random.int(2, 4) : random.int(1, 6) }, (_, index) => ({
    name: `runner-${index}`,
    site: SITES[severalPerSite ? 0 : index % SITES.length] ?? SITES[0],
    labels: !severalPerSite && random.chance(0.5) ? [LABEL] : [],
    slots: random.int(1, 4),
  }));
}
