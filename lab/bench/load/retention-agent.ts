// A task-agent as a process whose next retention pass starts on a message of its parent: `node … CONFIG` (JSON).

import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";

const quiet = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (...said: unknown[]) => console.error(...said),
};
const passes: (() => void)[] = [];
const clock: Clock = {
  ...systemClock,
  after: (ms, run) => {
    if (ms < 5 * 60_000) return systemClock.after(ms, run);
    passes.push(run);
    return () => {};
  },
};
const delay = monitorEventLoopDelay({ resolution: 1 });
const agent = await startTaskAgent(JSON.parse(process.argv[2] ?? "{}"), { logger: quiet, clock });
process.on("message", (word) => {
  if (word === "listen") {
    delay.enable();
    delay.reset();
  } else if (word === "sweep") {
    for (const run of passes.splice(0)) run();
  } else process.send?.({ longestPauseMs: delay.max / 1e6, p99PauseMs: delay.percentile(99) / 1e6 });
});
process.send?.({ url: agent.url });
