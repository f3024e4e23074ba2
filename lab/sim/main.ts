// npm run sim -- --seed N          one seed, with a readable trace
// npm run sim -- --seeds N         seeds 1 … N (or from --seed on), on all cores
// npm run sim -- --mutants         are planted mistakes found?

import { parseArgs } from "node:util";
import { runSeed } from "./run-seed.ts";

const { values } = parseArgs({
  options: { seed: { type: "string" }, seeds: { type: "string" }, verbose: { type: "boolean" } },
});
const seed = Number(values.seed ?? 1);
for (let n = seed; n < seed + Number(values.seeds ?? 1); n += 1) {
  const t = performance.now();
  const r = await runSeed(n, values.verbose ? (line) => console.log(line) : undefined);
  console.log(
    n,
    Math.round(performance.now() - t),
    "ms",
    r.steps,
    "steps",
    Math.round(r.simulatedMs / 1000),
    "s",
    r.tasks,
    r.jobs,
    r.digest.slice(0, 8),
  );
  for (const v of r.violations.slice(0, 5)) console.log("  ", v.atMs, v.invariant, v.text);
}
