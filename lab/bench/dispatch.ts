// From the button to the first step, through the public API, with the server in a separate process.

import { GantryProcess } from "../processes/gantry-process.ts";
import { type BenchOptions, type Figure, quantile } from "./figure.ts";
import { syncMs } from "./sync.ts";

const WARM_UP = 5;
const TASKS = 200;
const STARTS = 30;
/** 10 % above what was measured before steps ran in worker threads: 8.9 and 14 ms. */
const [POST_MS, START_MS] = [9.8, 15.4];

export async function dispatch({ folder }: BenchOptions): Promise<readonly Figure[]> {
  const sync = { name: "one sync of this disk", value: await syncMs(folder) };
  const gantry = await GantryProcess.start(folder);
  try {
    for (const [name, key] of [
      ["bench-one", "BON"],
      ["bench-two", "BTW"],
    ] as const) {
      const task = await gantry.press("/v1/apps", { params: { name, title: name, jiraKey: key } });
      const ended = await gantry.ended(task.id);
      if (ended.state !== "succeeded") throw new Error(ended.headline);
    }
    const idle = await startsOnIdleRunner(gantry);
    const busy = await pressesWhileBuilding(gantry);
    return [
      ...figures("POST /v1/apps/{app}/ci → 202, durable, while builds run", busy, POST_MS, sync),
      ...figures("202 → first step started, idle runner", idle, START_MS, sync),
    ];
  } finally {
    await gantry.stop();
  }
}

/** One task at a time on an idle runner. The task is canceled when its first step has started. */
async function startsOnIdleRunner(gantry: GantryProcess): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < WARM_UP + STARTS; round += 1) {
    const task = await gantry.press("/v1/apps/bench-one/ci", {});
    const answered = Date.now();
    const started = await gantry.until(task.id, (fact) => fact.kind === "StepStarted");
    if (round >= WARM_UP) samples.push(Math.max(0, Date.parse(started.time) - answered));
    await gantry.call("POST", `/v1/tasks/${task.id}/cancel`, {});
    await gantry.ended(task.id);
  }
  return samples;
}

/** Two apps build at the same time; tasks started meanwhile queue behind them and are canceled at the end. */
async function pressesWhileBuilding(gantry: GantryProcess): Promise<number[]> {
  const building = [await gantry.press("/v1/apps/bench-one/ci", {}), await gantry.press("/v1/apps/bench-two/ci", {})];
  await Promise.all(building.map((task) => gantry.until(task.id, (fact) => fact.kind === "StepStarted")));
  const samples: number[] = [];
  const queued: string[] = [];
  for (let round = 0; round < WARM_UP + TASKS; round += 1) {
    const pressed = performance.now();
    const task = await gantry.press(`/v1/apps/${round % 2 === 0 ? "bench-one" : "bench-two"}/ci`, {});
    if (round >= WARM_UP) samples.push(performance.now() - pressed);
    queued.push(task.id);
  }
  for (const id of queued.toReversed()) await gantry.call("POST", `/v1/tasks/${id}/cancel`, {});
  return samples;
}

function figures(
  name: string,
  samples: readonly number[],
  atMost: number,
  beside: NonNullable<Figure["beside"]>,
): readonly Figure[] {
  const note = `${samples.length} samples`;
  return [
    { name: `${name}, median`, unit: "ms", value: quantile(samples, 0.5), target: { atMost }, beside, note },
    { name: `${name}, p99`, unit: "ms", value: quantile(samples, 0.99), note },
  ];
}
