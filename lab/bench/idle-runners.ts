// Dispatch while many runners are idle: from the answer to a submit until a no-op step has started, with the task-agent, its
// journal on disk and the runners in separate processes.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AgentProcess, end, RUNNER_TOKEN, TestBed } from "../processes/agent-process.ts";
import { type Bench, quantile } from "./figure.ts";
import type { RunnerMessage } from "./load/idle-runners-process.ts";
import { syncMs } from "./sync.ts";

const RUNNERS_PROCESS = fileURLToPath(new URL("./load/idle-runners-process.ts", import.meta.url));
const NO_OP = '  work: { site: seoul, retrySafe: true, steps: [{ id: make, title: Make, run: "true" }] }';
const RUNNERS = 500;
const WARM_UP = 50;
const TASKS = 300;

export const idleRunners: Bench = async () => {
  const bed = await TestBed.open();
  await bed.pipeline("nothing", NO_OP);
  try {
    const agent = await AgentProcess.start(bed, { config: { limits: { runnersPerSite: RUNNERS } } });
    const runnersProcess = fork(RUNNERS_PROCESS, [agent.url, RUNNER_TOKEN, String(RUNNERS)], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    try {
      const starts = listen(runnersProcess);
      const beside = {
        name: "three syncs of this disk, as many as a dispatch needs",
        value: 3 * (await syncMs(bed.folder)),
      };
      await starts.ready;
      const samples: number[] = [];
      for (let round = 0; round < WARM_UP + TASKS; round += 1) {
        const { id } = await agent.start("nothing", `key-${round}`);
        const answered = performance.timeOrigin + performance.now();
        const ms = (await starts.of(id)) - answered;
        if (round >= WARM_UP) samples.push(ms);
        await agent.ended(id);
      }
      const name = `Submit acknowledged → no-op step started, ${RUNNERS} idle runners`;
      const note = `${TASKS} tasks, one at a time; every runner holds its own long poll`;
      return [
        { name: `${name}, median`, value: quantile(samples, 0.5), unit: "ms", target: { atMost: 5 }, beside, note },
        { name: `${name}, p99`, value: quantile(samples, 0.99), unit: "ms", target: { atMost: 25 } },
      ];
    } finally {
      await end(runnersProcess);
    }
  } finally {
    await bed.close();
  }
};

function listen(runnersProcess: ReturnType<typeof fork>) {
  const ready = Promise.withResolvers<void>();
  const seen = new Map<string, PromiseWithResolvers<number>>();
  const entry = (task: string): PromiseWithResolvers<number> => {
    const known = seen.get(task) ?? Promise.withResolvers<number>();
    seen.set(task, known);
    return known;
  };
  runnersProcess.on("message", (message: RunnerMessage) => {
    if (message.k === "ready") ready.resolve();
    else entry(message.task).resolve(message.atMs);
  });
  runnersProcess.once("exit", (code) => ready.reject(new Error(`the runners ended with ${code}`)));
  return {
    ready: ready.promise,
    of: async (task: string): Promise<number> => {
      const atMs = await entry(task).promise;
      seen.delete(task);
      return atMs;
    },
  };
}
