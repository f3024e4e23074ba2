// The cost of a submit while 10,000 tasks wait for a runner that never registers.

import { AgentProcess, TestBed, TOKEN } from "../processes/agent-process.ts";
import { type Bench, quantile } from "./figure.ts";
import { Connection } from "./load/connection.ts";
import { load } from "./load/load.ts";
import { NO_OP } from "./load/no-ops.ts";

const QUEUED = 10_000;
const LINES = 32;
const ROUNDS = 500;

export const queued: Bench = async () => {
  const bed = await TestBed.open();
  try {
    await bed.pipeline("nothing", NO_OP);
    const agent = await AgentProcess.start(bed);
    const first = await Connection.open(agent.url, TOKEN);
    let asked = 0;
    const submit = (line: Connection | undefined): Promise<unknown> => {
      asked += 1;
      const request = { pipeline: "nothing", params: {}, idempotencyKey: `key-${asked}`, principal: "bench" };
      return line?.json("POST", "/agent/v1/tasks", request) ?? Promise.reject(new Error("no connection"));
    };
    const empty = await alone(() => submit(first));
    const lines = await Connection.openMany(LINES, agent.url, TOKEN);
    const began = performance.now();
    await Promise.all(
      lines.map(async (line) => {
        while (asked < QUEUED) await submit(line);
      }),
    );
    const filling = QUEUED / ((performance.now() - began) / 1_000);
    const full = await alone(() => submit(first));
    const many = await load({ workers: LINES, seconds: 3 }, (worker) => submit(lines[worker]));
    for (const line of [first, ...lines]) line.close();
    const note = `${ROUNDS} submits one after the other, durable`;
    return [
      { name: "Submits while the queue grows to 10,000", value: filling, unit: "/s" },
      { name: "Submits with 10,000 tasks queued", value: many.perSecond, unit: "/s", note: `${LINES} connections` },
      {
        name: "Submit with 10,000 tasks queued, p99",
        value: quantile(full, 0.99),
        unit: "ms",
        target: { atMost: 150 },
        beside: { name: "with none queued", value: quantile(empty, 0.99) },
        note,
      },
      {
        name: "Submit with 10,000 tasks queued, median",
        value: quantile(full, 0.5),
        unit: "ms",
        beside: { name: "with none queued", value: quantile(empty, 0.5) },
        note,
      },
    ];
  } finally {
    await bed.close();
  }
};

async function alone(work: () => Promise<unknown>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let n = 0; n < ROUNDS; n += 1) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  return times;
}
