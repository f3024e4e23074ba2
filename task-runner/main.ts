// The task-runner as a process. `node task-runner/main.ts --config FILE`
//
// SIGTERM and SIGINT: take no more work, finish what runs (at most `drainSeconds`), end with 0. A second one: stop now.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { STEPS } from "@gantry/connectors/steps.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import { problemsOf } from "@gantry/wire/problem.ts";
import { pino } from "pino";
import { parse } from "yaml";
import { type RunnerConfig, runnerConfigSchema } from "./config.ts";
import { type RunnerDeps, systemClock } from "./ports.ts";
import { openRunner, type Runner } from "./runner.ts";

/** Starts a runner with the machine's own clock, network and steps, unless `deps` says otherwise. */
export function startRunner(config: RunnerConfig, deps: Partial<RunnerDeps> = {}): Promise<Runner> {
  return openRunner(config, {
    fetch: deps.fetch ?? fetch,
    clock: deps.clock ?? systemClock,
    random: deps.random ?? Math.random,
    logger: deps.logger ?? pino({ name: config.name }),
    steps: deps.steps ?? STEPS,
    env: deps.env ?? process.env,
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (values.config === undefined) throw new GantryError("config-invalid", { problem: "Say --config FILE." });
  const runner = await startRunner(await readConfig(values.config));
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.once(name, () => {
      void runner.close();
      process.once(name, () => void runner.close({ drainMs: 0 }));
    });
  }
  await runner.ended;
}

async function readConfig(file: string): Promise<RunnerConfig> {
  const parsed = runnerConfigSchema.safeParse(parse(await readFile(file, "utf8")));
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error);
  const problem = problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join(" ");
  throw new GantryError("config-invalid", { problem }, { problems });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    await main();
  } catch (error) {
    const text = error instanceof GantryError ? Object.values(explain(error)).join("\n") : String(error);
    process.stderr.write(`${text}\n`);
    process.exitCode = 1;
  }
}
