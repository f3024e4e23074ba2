// Runs one seed: builds the system, injects faults, removes them, and waits for everything to end.

import { agentConfig } from "@gantry/task-agent/config.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import { startFaults } from "./faults/fault-injector.ts";
import { checkEnd, createLiveness } from "./final-checks.ts";
import { createAgents } from "./hosts/agents.ts";
import { createNotifyHost } from "./hosts/notify-host.ts";
import { createOutsideSystem } from "./hosts/outside-system.ts";
import { createRunnerHost } from "./hosts/runner-host.ts";
import { startUsers } from "./hosts/users.ts";
import { createInvariants } from "./invariants/invariants.ts";
import { createLogInvariants } from "./invariants/log-invariants.ts";
import { createStepObserver } from "./invariants/step-observer.ts";
import { replaceAbortSignalAny } from "./machine/abort-signals.ts";
import { createBus } from "./machine/bus.ts";
import { createNetwork, DISTANT, NO_NETWORK_FAULTS } from "./machine/network.ts";
import { createMachine, createProcess, type Simulation } from "./machine/process.ts";
import { randomOf } from "./machine/random.ts";
import { createTimeline } from "./machine/timeline.ts";
import { createTrace, NO_TRACE } from "./machine/trace.ts";
import { makeLibrary } from "./plan/library.ts";
import { drawPlan, hasGoodNetwork } from "./plan/plan.ts";
import type { Violation } from "./violation.ts";

export type SeedResult = {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** SHA-256 of the trace; empty when the digest was switched off. */
  readonly digest: string;
  readonly simulatedMs: number;
  readonly steps: number;
  readonly tasks: number;
  readonly jobs: number;
};

export type SeedOptions = {
  readonly show?: ((line: string) => void) | undefined;
  readonly digest?: boolean;
  /** A theme of plan.ts; absent: the seed draws one. */
  readonly theme?: string | undefined;
};

/**
 * After the last fault, everything must end within PATIENCE_MS. Longer work may take up to LONGEST_MS as long as an attempt
 * ends at least every STANDSTILL_MS.
 */
const PATIENCE_MS = 30 * 60_000;
const STANDSTILL_MS = 10 * 60_000;
const LONGEST_MS = 3 * 3_600_000;
const CHECK_EVERY_MS = 1_000;

replaceAbortSignalAny();

/**
 * Never rejects because of what the simulated processes do. `show` gets every line of the trace. The digest costs time, so
 * runs of many seeds switch it off.
 */
export async function runSeed(seed: number, { show, digest = true, theme }: SeedOptions = {}): Promise<SeedResult> {
  const random = randomOf(seed);
  const timeline = createTimeline();
  const trace = digest || show ? createTrace(timeline.nowMs, show) : NO_TRACE;
  const simulation: Simulation = { timeline, random, trace };
  const plan = drawPlan(random.fork("plan"), theme);
  const library = makeLibrary(random.fork("pipelines"), plan.runners, plan.workload);
  const notifyMachine = createMachine(timeline, "notify");
  const network = createNetwork({
    ...simulation,
    random: random.fork("network"),
    fair: ({ name }) => (name === notifyMachine.name ? DISTANT : NO_NETWORK_FAULTS),
    onFlood: ({ name }, path) =>
      invariants.violated("no-flood", `${name} sends requests in a loop without a pause, the last one to ${path}`),
  });
  const config = agentConfig.parse({
    data: "/data/agent",
    portalUrl: "http://portal",
    token: "0".repeat(16),
    runnerTokens: {},
  });
  const invariants = createInvariants({
    nowMs: timeline.nowMs,
    trace,
    rules: library.rules,
    limitOf: library.limitOf,
    agents: () => agents,
    quietSinceMs: () => faults.quietSinceMs(),
    reassignAfterMs: (mode) => config.lease[mode].reassignAfterMs,
    unconfirmedAfterMs: config.cancelGraceMs + 60_000,
  });
  const observer = createStepObserver({
    invariants,
    nowMs: timeline.nowMs,
    rules: library.rules,
    clocksFit: plan.clocksFit,
  });
  const bus = plan.hasBus ? createBus(simulation, () => invariants) : undefined;
  const agents = createAgents({ simulation, config, library, invariants, observer, bus }, plan.agents);
  // The labels of forks are part of what a seed means: recorded seeds change when a label does.
  const apart = { ...simulation, random: random.fork("people") };
  const usersProcess = createProcess(apart, createMachine(timeline, "users"), "users");
  const outside = createOutsideSystem(
    createProcess(apart, createMachine(timeline, "outside"), "outside"),
    () => invariants,
  );
  const logInvariants = createLogInvariants(invariants, agents.logs, hasGoodNetwork(plan));
  const runners = plan.runners.map((facts) =>
    createRunnerHost(
      { simulation, machine: createMachine(timeline, facts.name), network, invariants, observer, logInvariants },
      facts,
    ),
  );
  network.observe((moment, { machine }, { path, body }) => {
    if (moment !== "left" || path !== "/runner/v1/start") return;
    const runner = runners.find((one) => one.machine === machine);
    const { ref } = JSON.parse(Buffer.from(body).toString("utf8")) as { readonly ref: JobRef };
    if (runner && !runner.hasOnDisk(ref.fence))
      invariants.violated(
        "claim-on-disk",
        `${runner.name} starts ${ref.job} of ${ref.task} before the claim is on its disk`,
      );
  });
  const notify = createNotifyHost({ simulation, machine: notifyMachine, network, invariants, bus });
  network.listen(agents.server);
  network.listen(outside.server);
  const users = startUsers({
    process: usersProcess,
    network,
    invariants,
    random: random.fork("wishes"),
    pipelines: library.names,
    appOf: library.appOf,
    tasks: plan.tasks,
    withinMs: plan.withinMs,
    cancelChance: plan.cancelChance,
  });

  const targets = { simulation, plan, network, agents, runners, notify, bus, users: usersProcess };
  const faults = startFaults(targets);
  for (const host of [...agents.hosts, ...runners, notify]) host.boot();
  const liveness = createLiveness({ invariants, agents, bus, nowMs: timeline.nowMs });
  let ended = false;
  const check = (): void => {
    observer.check();
    invariants.checkSilence();
    liveness.check(faults.quietSinceMs());
    const healed = faults.healedMs();
    const now = timeline.nowMs();
    const stands = now - invariants.lastEndMs() > STANDSTILL_MS;
    const late = healed !== undefined && now > healed + (stands ? PATIENCE_MS : LONGEST_MS);
    const done =
      healed !== undefined && users.open() === 0 && liveness.allEnded() && runners.every((one) => one.busy() === 0);
    if (healed !== undefined) users.resolveAll();
    ended = late || (done && liveness.allDelivered(outside)) || invariants.violations.length > 0;
    if (ended) checkEnd({ invariants, users, outside, bus, late });
    if (ended && !late) logInvariants.check();
    else timeline.at(now + CHECK_EVERY_MS, check);
  };
  timeline.at(CHECK_EVERY_MS, check);
  const onUnhandledRejection = (error: unknown): void =>
    invariants.violated(
      "no-unexpected-error",
      `unhandled rejection: ${error instanceof Error ? error.stack : String(error)}`,
    );
  process.on("unhandledRejection", onUnhandledRejection);
  try {
    await timeline.run(() => ended);
  } finally {
    process.off("unhandledRejection", onUnhandledRejection);
  }
  return {
    seed,
    violations: invariants.violations,
    digest: trace.digest(),
    simulatedMs: timeline.nowMs(),
    steps: timeline.steps(),
    tasks: invariants.tasks.size,
    jobs: invariants.jobs.size,
  };
}
