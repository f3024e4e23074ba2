// `npm test`: the console is built, then the tests run, and beside them the seeds of the simulator. The seeds need nothing but
// CPU time, so they run with a low priority in the time in which tests wait for processes, files and timers.

import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { run as runTestFiles } from "node:test";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import { makeMemoryFolder } from "./memory-folder.ts";
import { testFiles } from "./test-files.ts";
import report from "./test-reporter.ts";

/** Enough to notice a mistake that is easy to make: 20, and 80 with GANTRY_FULL_RUNS. `.ci/run` also runs 1,000. */
const SEEDS = testRuns(80);
/** Most tests wait for something most of the time, so there are more of them at once than cores. */
const CONCURRENCY = 7;
/** Nearly all objects of tests are short-lived, so a large young generation saves a tenth of the CPU time. */
const YOUNG_GENERATION = "--max-semi-space-size=64";

// Absolute, because tests start processes in other folders.
process.env.NODE_COMPILE_CACHE = join(import.meta.dirname, "../node_modules/.cache/gantry");
// Stores wait for the disk at every commit, which takes the longest part of many tests, and none can test that it waits.
const memoryFolder = makeMemoryFolder();
if (memoryFolder !== undefined) {
  process.env.TMPDIR = memoryFolder;
  process.on("exit", () => rmSync(memoryFolder, { recursive: true, force: true }));
}
const started = performance.now();
const children = new Set<ChildProcess>();
const stopped = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
    stopped.abort();
  });

const built = await run(process.execPath, ["console/build.ts"]);
if (!built) process.exit(1);
let seedLines = "";
const seeds = run("nice", ["-n", "10", process.execPath, "lab/simulator/main.ts", "--seeds", String(SEEDS)], (text) => {
  seedLines += text;
});
const passed = await runTests();
const held = await seeds;
process.stdout.write(`${seedLines}${Math.round((performance.now() - started) / 1_000)} s in all\n`);
if (!passed || !held) process.exitCode = 1;

/** False when a test fails, or the run is stopped. */
async function runTests(): Promise<boolean> {
  let passed = false;
  const events = runTestFiles({
    files: testFiles(),
    concurrency: CONCURRENCY,
    execArgv: ["--test-timeout=300000", YOUNG_GENERATION, "--import", join(import.meta.dirname, "test-process.ts")],
    signal: stopped.signal,
  });
  // The last summary is the one of all files.
  events.on("test:summary", ({ file, success }) => {
    if (file === undefined) passed = success;
  });
  for await (const text of events.compose(report)) process.stdout.write(String(text));
  return passed && !stopped.signal.aborted;
}

/** False when the program fails or cannot be started. `onText`: receives what it writes, which is else passed through. */
function run(program: string, args: readonly string[], onText?: (text: string) => void): Promise<boolean> {
  const child = spawn(program, args, { stdio: ["inherit", onText ? "pipe" : "inherit", "inherit"] });
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
