// The users of the simulation: they start tasks, repeat each request until it is answered, cancel some tasks, and resolve
// held jobs.

import { GantryError } from "@gantry/core/errors.ts";
import { deadlineBy } from "@gantry/runtime/deadline.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { Invariants } from "../invariants/invariants.ts";
import type { Network } from "../machine/network.ts";
import type { Process } from "../machine/process.ts";
import type { Random } from "../machine/random.ts";

export type Users = {
  /** Requests that were not answered yet. */
  readonly open: () => number;
  /** Tasks that the agent acknowledged. */
  readonly accepted: () => ReadonlySet<string>;
  /** From now on, every held job is resolved. */
  readonly resolveAll: () => void;
};

export type UserOptions = {
  readonly process: Process;
  readonly network: Network;
  readonly invariants: Invariants;
  readonly random: Random;
  readonly pipelines: readonly string[];
  readonly tasks: number;
  /** All tasks are requested within this many simulated milliseconds. */
  readonly withinMs: number;
  readonly cancelChance: number;
  /** The app that a request for the pipeline names. */
  readonly appOf: (pipeline: string) => string | undefined;
};

const CHECK_HELD_EVERY_MS = 15_000;

export function startUsers(options: UserOptions): Users {
  const { process, network, invariants, random, tasks } = options;
  const client = makeAgentClient({
    url: "http://agent",
    token: "portal",
    fetch: network.fetchFor(process),
    deadline: (ms) => deadlineBy(process.clock, ms),
  });
  const accepted = new Set<string>();
  let open = 0;
  let resolvesAll = false;

  /** Repeats a request until it succeeds or is refused. */
  const repeat = async <T>(request: () => Promise<T>): Promise<T | GantryError> => {
    open += 1;
    try {
      for (;;) {
        try {
          return await request();
        } catch (error) {
          if (error instanceof GantryError && !["unavailable", "internal", "system-strange"].includes(error.code))
            return error;
          await new Promise<void>((resolve) => void process.clock.after(random.between(200, 5_000), resolve));
        }
      }
    } finally {
      open -= 1;
    }
  };
  const start = async (number: number): Promise<void> => {
    const pipeline = random.pick(options.pipelines);
    const app = options.appOf(pipeline);
    const request = {
      pipeline,
      ...(app === undefined ? {} : { app }),
      params: {},
      idempotencyKey: `key-${number}`,
      principal: "ann",
    };
    const builds = invariants.builds();
    const ask = () => repeat(() => client.startTask(request));
    const task = await ask();
    if (task instanceof GantryError && app !== undefined && task.code === "bad-params") {
      if (builds > 0) invariants.violated("builds-in-order", `a build was not found: ${task.message}`);
      return;
    }
    if (task instanceof GantryError) {
      invariants.violated("no-unexpected-error", `a task was refused: ${task.code} ${task.message}`);
      return;
    }
    accepted.add(task.id);
    if (random.chance(0.1)) {
      const same = await ask();
      if (same instanceof GantryError || same.id !== task.id)
        invariants.violated(
          "no-task-lost",
          `key ${number} gave ${task.id}, then ${same instanceof Error ? same : same.id}`,
        );
    }
    if (random.chance(options.cancelChance))
      process.clock.after(random.between(0, random.chance(0.5) ? 5_000 : 300_000), () => void cancel(client, task.id));
  };
  const cancel = async (agent: AgentClient, id: string): Promise<void> =>
    void (await repeat(() => agent.cancel(id, { principal: "ann" })));
  const resolveHeld = async (): Promise<void> => {
    for (const { id, jobs, phase } of invariants.tasks.values()) {
      if (phase === "ended") continue;
      for (const { key, phase: jobPhase } of Object.values(jobs)) {
        if (jobPhase !== "held" || !(resolvesAll || random.chance(0.2))) continue;
        const answer = random.pick(["run-again", "mark-done", "fail"] as const);
        await repeat(() => client.resolve(id, { principal: "bob", job: key, answer }));
      }
    }
  };
  const checkHeld = (): void => {
    void resolveHeld().then(() => process.clock.after(CHECK_HELD_EVERY_MS, checkHeld));
  };

  open += tasks;
  for (let number = 0; number < tasks; number += 1) {
    const atMs = random.between(0, options.withinMs);
    process.clock.after(atMs, () => {
      open -= 1;
      void start(number);
    });
  }
  process.clock.after(CHECK_HELD_EVERY_MS, checkHeld);
  return {
    open: () => open,
    accepted: () => accepted,
    resolveAll: () => {
      resolvesAll = true;
    },
  };
}
