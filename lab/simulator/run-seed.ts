// One seed: builds a world, lets it live through its faults, heals it, and waits for everything to end.

import { agentConfig } from "@gantry/task-agent/config.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import { createAgents } from "./hosts/agents.ts";
import { startPeople } from "./hosts/client.ts";
import { createNotifyHost } from "./hosts/notify-host.ts";
import { createWorld } from "./hosts/outside-system.ts";
import { createRunnerHost } from "./hosts/runner-host.ts";
import { checkEnd, createLiveness } from "./invariants/final-checks.ts";
import { createJudge, type Violation } from "./invariants/invariants.ts";
import { createLogBook } from "./invariants/log-invariants.ts";
import { createWatch } from "./invariants/step-observer.ts";
import { composeSignalsHere } from "./machine/abort-signals.ts";
import { createBus } from "./machine/bus.ts";
import { createNetwork, FAIR, FAR } from "./machine/network.ts";
import { createMachine, createProcess, type Ground } from "./machine/process.ts";
import { randomOf } from "./machine/random.ts";
import { createTimeline } from "./machine/timeline.ts";
import { createTrace, NO_TRACE } from "./machine/trace.ts";
import { startFaults } from "./plan/fault-injector.ts";
import { makeLibrary } from "./plan/pipelines.ts";
import { drawPlan, isFair } from "./plan/plan.ts";

export type SeedResult = {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** SHA-256 of everything that happened; empty when nobody asked for it. */
  readonly digest: string;
  readonly simulatedMs: number;
  readonly steps: number;
  readonly tasks: number;
  readonly jobs: number;
};

export type SeedOptions = {
  readonly show?: ((line: string) => void) | undefined;
  readonly digest?: boolean;
  /** A theme of plan.ts; without it the seed draws one. */
  readonly theme?: string | undefined;
};

/** After healing everything must have ended in this time; where the work itself is longer, it must go on all the time. */
const PATIENCE_MS = 30 * 60_000;
const STANDSTILL_MS = 10 * 60_000;
const LONGEST_MS = 3 * 3_600_000;
const LOOK_MS = 1_000;

composeSignalsHere();

/**
 * Never rejects for what the simulated processes do. `show` gets every line of the trace. Who runs many seeds does without
 * the digest, which costs time.
 */
export async function runSeed(seed: number, { show, digest = true, theme }: SeedOptions = {}): Promise<SeedResult> {
  const random = randomOf(seed);
  const timeline = createTimeline();
  const trace = digest || show ? createTrace(timeline.nowMs, show) : NO_TRACE;
  const ground: Ground = { timeline, random, trace };
  const plan = drawPlan(random.fork("plan"), theme);
  const library = makeLibrary(random.fork("pipelines"), plan.runners, plan.taste);
  const notifyMachine = createMachine(timeline, "notify");
  const network = createNetwork({
    ...ground,
    random: random.fork("network"),
    fair: ({ name }) => (name === notifyMachine.name ? FAR : FAIR),
    onFlood: ({ name }, path) => judge.violated("no-flood", `${name} calls without a pause, at last ${path}`),
  });
  const config = agentConfig.parse({
    data: "/data/agent",
    portalUrl: "http://portal",
    token: "0".repeat(16),
    runnerTokens: {},
  });
  const judge = createJudge({
    nowMs: timeline.nowMs,
    trace,
    rules: library.rules,
    agents: () => agents,
    quietSinceMs: () => faults.quietSinceMs(),
    reassignAfterMs: (mode) => config.lease[mode].reassignAfterMs,
    unconfirmedAfterMs: config.cancelGraceMs + 60_000,
  });
  const watch = createWatch({ judge, nowMs: timeline.nowMs, rules: library.rules, clocksFit: plan.clocksFit });
  const bus = plan.hasBus ? createBus(ground, () => judge) : undefined;
  const agents = createAgents({ ground, config, library, judge, watch, bus }, plan.agents);
  const still = { ...ground, random: random.fork("people") };
  const people = createProcess(still, createMachine(timeline, "people"), "people");
  const world = createWorld(createProcess(still, createMachine(timeline, "world"), "world"), () => judge);
  const logBook = createLogBook(judge, agents.logs, isFair(plan));
  const runners = plan.runners.map((facts) =>
    createRunnerHost({ ground, machine: createMachine(timeline, facts.name), network, judge, watch, logBook }, facts),
  );
  network.hear((moment, { machine }, { path, body }) => {
    if (moment !== "left" || path !== "/runner/v1/start") return;
    const runner = runners.find((one) => one.machine === machine);
    const { ref } = JSON.parse(Buffer.from(body).toString("utf8")) as { readonly ref: JobRef };
    if (runner && !runner.hasOnDisk(ref.fence))
      judge.violated(
        "claim-on-disk",
        `${runner.name} starts ${ref.job} of ${ref.task} and would not know after a crash`,
      );
  });
  const notify = createNotifyHost({ ground, machine: notifyMachine, network, judge, bus });
  network.listen(agents.server);
  network.listen(world.server);
  const wishes = startPeople({
    process: people,
    network,
    judge,
    random: random.fork("wishes"),
    pipelines: library.names,
    tasks: plan.tasks,
    withinMs: plan.withinMs,
    cancelChance: plan.cancelChance,
  });

  const parts = { ground, plan, network, agents, runners, notify, bus, people };
  const faults = startFaults(parts);
  for (const host of [...agents.hosts, ...runners, notify]) host.boot();
  const liveness = createLiveness({ judge, agents, bus, nowMs: timeline.nowMs });
  let ended = false;
  const look = (): void => {
    watch.look();
    judge.lookForSilence();
    liveness.look(faults.quietSinceMs());
    const healed = faults.healedMs();
    const now = timeline.nowMs();
    const stands = now - judge.lastEndMs() > STANDSTILL_MS;
    const late = healed !== undefined && now > healed + (stands ? PATIENCE_MS : LONGEST_MS);
    const done =
      healed !== undefined && wishes.open() === 0 && liveness.allEnded() && runners.every((one) => one.busy() === 0);
    if (healed !== undefined) wishes.answerAll();
    ended = late || (done && liveness.noticed(world)) || judge.violations.length > 0;
    if (ended) checkEnd({ judge, wishes, world, bus, late });
    if (ended && !late) logBook.check();
    else timeline.at(now + LOOK_MS, look);
  };
  timeline.at(LOOK_MS, look);
  const surprise = (error: unknown): void =>
    judge.violated("no-surprise", `nobody handled: ${error instanceof Error ? error.stack : String(error)}`);
  process.on("unhandledRejection", surprise);
  try {
    await timeline.run(() => ended);
  } finally {
    process.off("unhandledRejection", surprise);
  }
  return {
    seed,
    violations: judge.violations,
    digest: trace.digest(),
    simulatedMs: timeline.nowMs(),
    steps: timeline.steps(),
    tasks: judge.tasks.size,
    jobs: judge.jobs.size,
  };
}
