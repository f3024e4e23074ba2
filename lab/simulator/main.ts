// npm run sim -- --seed N                     one seed with a readable trace; run twice to check that both traces are equal
// npm run sim -- --seeds N [--seed FIRST]     many seeds on all cores [--workers 2] [--stop: stop at the first failure]
//                                             --theme T: use this theme of plan.ts for all of them
// npm run sim -- --mutants [--only A,B] [--seeds 2000]       checks that planted mistakes are found

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { runMutants } from "./mutants/run.ts";
import { runSeed, type SeedResult } from "./run-seed.ts";
import { runSeeds } from "./workers.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string" },
    workers: { type: "string", default: String(availableParallelism()) },
    stop: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    mutants: { type: "boolean", default: false },
    only: { type: "string" },
    theme: { type: "string" },
  },
});
const first = Number(values.seed);
const { theme } = values;

if (values.mutants)
  process.exitCode = (await runMutants(values.only, values.seeds === undefined ? undefined : Number(values.seeds)))
    ? 0
    : 1;
else if (values.seeds === undefined) process.exitCode = (await replay(first)) ? 0 : 1;
else process.exitCode = (await many(Number(values.seeds))) ? 0 : 1;

async function replay(seed: number): Promise<boolean> {
  const result = await runSeed(seed, { show: (line) => console.log(line), theme });
  const again = await runSeed(seed, { theme });
  printFailure(result);
  console.log(
    `seed ${seed}: ${result.violations.length === 0 ? "all invariants held" : "FAILED"}, trace ${result.digest}`,
  );
  if (again.digest === result.digest) return result.violations.length === 0;
  console.log(`The same seed gave another trace: ${again.digest}. Something is outside the simulator's control.`);
  return false;
}

async function many(seeds: number): Promise<boolean> {
  const started = performance.now();
  const summary = await runSeeds({
    first,
    seeds,
    workers: Number(values.workers),
    stopAtFailure: values.stop,
    theme,
    onResult: (result) => {
      if (result.violations.length > 0) printFailure(result);
      else if (values.verbose) console.log(`seed ${result.seed} held: ${result.jobs} jobs, ${result.steps} steps`);
    },
  });
  const seconds = (performance.now() - started) / 1_000;
  const { ran, failed, tasks, jobs, simulatedMs } = summary;
  console.log(
    `${ran} seeds, ${failed} failed; ${tasks} tasks, ${jobs} jobs, ${Math.round(simulatedMs / 3_600_000)} simulated hours ` +
      `in ${seconds.toFixed(1)} s (${(ran / seconds).toFixed(1)} seeds/s)`,
  );
  return failed === 0;
}

function printFailure({ seed, violations }: SeedResult): void {
  const [violation, ...others] = violations;
  if (!violation) return;
  console.log(`seed ${seed} FAILED at ${violation.atMs.toFixed(0)} ms: ${violation.invariant}: ${violation.text}`);
  if (others.length > 0) console.log(`  and ${others.length} more`);
  console.log(`  npm run sim -- --seed ${seed}${theme === undefined ? "" : ` --theme ${theme}`}`);
}
