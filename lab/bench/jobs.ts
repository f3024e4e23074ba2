// Durable no-op jobs per second on SQLite: each is a task that is requested, offered, claimed, started and reported over HTTP,
// and every change is on disk before it is answered.

import { AgentProcess, TestBed } from "../processes/agent-process.ts";
import type { Bench } from "./figure.ts";
import { bareAppends } from "./load/bare.ts";
import { cpuMicros } from "./load/cpu.ts";
import { prepareNoOps, runNoOps } from "./load/no-ops.ts";

const TASKS = 4_000;
const WARM_UP = 1_000;
const BARE_SECONDS = 3;

export const jobs: Bench = async ({ folder }) => {
  const bare = await bareAppends(folder, JSON.stringify({ kind: "Appended", text: "x".repeat(200) }), BARE_SECONDS);
  const bed = await TestBed.open();
  try {
    await prepareNoOps(bed);
    const agent = await AgentProcess.start(bed);
    const pid = agent.child.pid ?? 0;
    let cpuBefore = 0;
    const onWarm = (): void => {
      cpuBefore = cpuMicros(pid);
    };
    const { perSecond, tasks } = await runNoOps([agent], { tasks: TASKS, warmUp: WARM_UP, onWarm });
    const cpu = (cpuMicros(pid) - cpuBefore) / tasks;
    return [
      {
        name: "Durable no-op jobs, sqlite",
        value: perSecond,
        unit: "/s",
        target: { atLeast: 2_000 },
        beside: { name: "one bare durable append over Koa each", value: bare.perSecond },
        note: `${tasks} tasks of one job: request, claim, start and report, each on disk before it is answered`,
      },
      {
        name: "CPU of the task-agent for each of them",
        value: cpu,
        unit: "µs",
        beside: { name: "CPU of the bare server for four appends", value: 4 * bare.cpu },
      },
    ];
  } finally {
    await bed.close();
  }
};
