// What the sandbox adds to a script step: jobs of scripts that do nothing, with and without it in turn, on one runner each.

import { join } from "node:path";
import { FakeAgent, script } from "@gantry/task-runner/fake-agent.fixture.ts";
import { sandboxProblem, startRunner } from "@gantry/task-runner/main.ts";
import { configOf } from "@gantry/task-runner/runner.fixture.ts";
import type { Runner } from "@gantry/task-runner/runner.ts";
import { type Bench, quantile } from "./figure.ts";

const ROUNDS = 15;
const STEPS = 10;

export const sandbox: Bench = async ({ folder }) => {
  const problem = await sandboxProblem(process.env.PATH ?? "");
  if (problem !== undefined) throw new Error(`there is no sandbox: ${problem}`);
  const sites = await Promise.all((["none", "sandbox"] as const).map((isolation) => open(folder, isolation)));
  try {
    const samples = sites.map((): number[] => []);
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const [index, { agent }] of sites.entries()) {
        const ms = await stepMs(agent);
        // The first round starts the worker thread.
        if (round > 0) samples[index]?.push(ms);
      }
    }
    const [plain = [], inside = []] = samples;
    const note = `${ROUNDS} jobs of ${STEPS} scripts each; the fastest: ${Math.min(...plain).toFixed(1)} ms without and ${Math.min(...inside).toFixed(1)} ms with the sandbox`;
    return [
      { name: "A script step without the sandbox", value: quantile(plain, 0.5), unit: "ms" },
      {
        name: "What the sandbox adds to a script step",
        value: quantile(inside, 0.5) - quantile(plain, 0.5),
        unit: "ms",
        target: { atMost: 15 },
        note,
      },
    ];
  } finally {
    for (const { runner, agent } of sites) {
      await runner.close({ drainMs: 0 });
      await agent.goDown();
    }
  }
};

async function open(folder: string, isolation: string): Promise<{ agent: FakeAgent; runner: Runner }> {
  const agent = await new FakeAgent().open();
  const runner = await startRunner(configOf(agent, join(folder, isolation), { isolation, logLevel: "error" }));
  return { agent, runner };
}

async function stepMs(agent: FakeAgent): Promise<number> {
  const steps = Array.from({ length: STEPS }, (_, index) => script(`s${index}`, ":"));
  const began = performance.now();
  const { outcome } = await agent.reported(agent.offer({ steps }));
  if (outcome !== "succeeded") throw new Error(`a job ended as ${outcome}`);
  return (performance.now() - began) / STEPS;
}
