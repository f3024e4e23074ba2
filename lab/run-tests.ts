// `npm test`: the console is built, then the tests run, and beside them the seeds of the simulator. The seeds need nothing but
// CPU time, so they run with a low priority in the time in which tests wait for processes, files and timers.

import { type ChildProcess, spawn } from "node:child_process";

const SEEDS = 1_000;
/** Most tests wait for something most of the time, so there are more of them at once than cores. */
const CONCURRENCY = 5;

const env = { ...process.env, NODE_COMPILE_CACHE: "node_modules/.cache/gantry" };
const started = performance.now();
const children = new Set<ChildProcess>();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
  });

const built = await run(process.execPath, ["console/build.ts"]);
if (!built) process.exit(1);
let seedLines = "";
const seeds = run("nice", ["-n", "10", process.execPath, "lab/simulator/main.ts", "--seeds", String(SEEDS)], (text) => {
  seedLines += text;
});
const tests = await run(process.execPath, [
  "--test",
  `--test-concurrency=${CONCURRENCY}`,
  "--test-timeout=120000",
  "--test-reporter=./lab/test-reporter.ts",
]);
const held = await seeds;
process.stdout.write(`${seedLines}${Math.round((performance.now() - started) / 1_000)} s in all\n`);
process.exitCode = tests && held ? 0 : 1;

/** False when the program fails or cannot be started. `onText`: receives what it writes, which is else passed through. */
function run(program: string, args: readonly string[], onText?: (text: string) => void): Promise<boolean> {
  const child = spawn(program, args, { env, stdio: ["inherit", onText ? "pipe" : "inherit", "inherit"] });
  children.add(child);
  child.stdout?.setEncoding("utf8").on("data", (text: string) => onText?.(text));
  return new Promise((resolve) => {
    child.on("error", (error) => {
      process.stderr.write(`${program} could not be started: ${error.message}\n`);
      children.delete(child);
      resolve(false);
    });
    child.on("close", (code) => {
      children.delete(child);
      resolve(code === 0);
    });
  });
}
