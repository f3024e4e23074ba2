// Many open event streams: the memory of each, and the time until an event has reached all of them.

import { readFileSync } from "node:fs";
import { AgentProcess, TestBed } from "../processes/agent-process.ts";
import { type Bench, quantile } from "./figure.ts";
import { NO_OP } from "./load/no-ops.ts";
import { startPortalProcess } from "./load/portal.ts";
import { Stream } from "./load/stream.ts";

const STREAMS = 2_000;
const ROUNDS = 10;

export const streams: Bench = async () => {
  const bed = await TestBed.open();
  const open: Stream[] = [];
  try {
    await bed.pipeline("nothing", NO_OP);
    const agent = await AgentProcess.start(bed);
    const portal = await startPortalProcess(bed, agent.url);
    for (let n = 0; n < 20; n += 1) open.push(await Stream.open(portal.url, "/v1/events", portal.token));
    const before = memoryKiB(portal.pid);
    while (open.length < STREAMS) {
      const more = Array.from({ length: 20 }, () => Stream.open(portal.url, "/v1/events", portal.token));
      open.push(...(await Promise.all(more)));
    }
    const perStream = (memoryKiB(portal.pid) - before) / (STREAMS - 20);
    const [first, last]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      const heard = open.map((stream) => stream.until("TaskRequested"));
      await agent.start("nothing", `key-${round}`);
      const answered = performance.now();
      const times = await Promise.all(heard);
      first.push(Math.max(0, Math.min(...times) - answered));
      last.push(Math.max(...times) - answered);
    }
    const note = `${ROUNDS} events, median; counted from the acknowledgement of the task`;
    return [
      { name: `Memory per open event stream (${STREAMS} open)`, value: perStream, unit: "KiB" },
      { name: `Event until the first of ${STREAMS} streams has it`, value: quantile(first, 0.5), unit: "ms", note },
      { name: `Event until the last of ${STREAMS} streams has it`, value: quantile(last, 0.5), unit: "ms", note },
    ];
  } finally {
    for (const stream of open) stream.close();
    await bed.close();
  }
};

function memoryKiB(pid: number): number {
  return Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);
}
