// Races: many runners claim the same jobs, and all tasks are canceled at the same time.

import { randomUUID } from "node:crypto";
import { ScriptedRunner } from "@gantry/task-agent/runner-protocol/runner.fixture.ts";
import type { Offer } from "@gantry/wire/runner/protocol.ts";
import { AgentProcess, RUNNER_TOKEN, TestBed } from "../../processes/agent-process.ts";
import { listed } from "./submits.ts";

export type ClaimFigures = {
  readonly runners: number;
  readonly jobs: number;
  /** Claims that were granted. Must be `jobs`. */
  readonly granted: number;
  /** Jobs that were granted to two runners. Must be 0. */
  readonly double: number;
  /** Claims that were refused because the job was offered to another runner. */
  readonly refused: number;
  readonly ended: number;
  /** Tasks that had not succeeded after all reports. Must be 0. */
  readonly open: number;
  readonly seconds: number;
};

const JOBS_OF_TASK = 10;

/** Every runner claims the jobs that it was offered, and some that others were offered. */
export async function raceForClaims(runners: number, jobs: number): Promise<ClaimFigures> {
  const bed = await TestBed.open();
  try {
    const axis = Array.from({ length: JOBS_OF_TASK }, (_, index) => index).join(", ");
    await bed.pipeline(
      "many",
      `  work: { site: seoul, matrix: { n: [${axis}] }, steps: [{ id: make, title: Make, run: "true" }] }`,
    );
    const agent = await AgentProcess.start(bed);
    const tasks: string[] = [];
    for (let n = 0; n < jobs / JOBS_OF_TASK; n += 1) tasks.push((await agent.start("many", `key-${n}`)).id);
    const began = performance.now();
    const granted = new Map<string, number>();
    const seen: Offer[] = [];
    let [refused, ended] = [0, 0];

    const claim = async (runner: ScriptedRunner, offer: Offer): Promise<void> => {
      try {
        await retry(() => runner.claim(offer));
      } catch (error) {
        if ((error as { code?: string }).code !== "offer-gone") throw error;
        refused += 1;
        return;
      }
      const job = `${offer.ref.task} ${offer.ref.job}`;
      granted.set(job, (granted.get(job) ?? 0) + 1);
      await retry(() => runner.start(offer.ref));
      await retry(() => runner.report(offer.ref));
      ended += 1;
    };
    const work = async (index: number): Promise<void> => {
      const as = { slots: 4, bootId: randomUUID() };
      const runner = await retry(() =>
        ScriptedRunner.signIn(agent.url, RUNNER_TOKEN, "seoul", `seoul-${index}`, [], as),
      );
      while (granted.size < jobs) {
        const { offers } = await retry(() => runner.pollAll(4, 2_000));
        seen.push(...offers);
        const others = seen.slice(-4).filter((one) => !offers.includes(one));
        await Promise.all([...offers, ...others.slice(0, 2)].map((offer) => claim(runner, offer)));
      }
    };
    await Promise.all(Array.from({ length: runners }, (_, index) => work(index)));
    // All reports were answered, so every task must have ended.
    const there = await retry(() => listed(agent));
    const open = tasks.filter((task) => there.get(task)?.state !== "succeeded").length;
    const sum = [...granted.values()].reduce((total, one) => total + one, 0);
    const double = [...granted.values()].filter((one) => one > 1).length;
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    return { runners, jobs, granted: sum, double, refused, ended, open, seconds };
  } finally {
    await bed.close();
  }
}

/** Under this load the agent may not answer in time; the call is then repeated, as runners do. */
async function retry<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if ((error as { code?: string }).code !== "unavailable") throw error;
    }
  }
}

export type CancelFigures = {
  readonly tasks: number;
  readonly canceled: number;
  /** Answers other than success and `already-ended`. Must be 0. */
  readonly strange: number;
  readonly slowestMs: number;
};

/** Cancels each task twice, all at the same time, while a runner holds some of the jobs. */
export async function cancelAtOnce(tasks: number): Promise<CancelFigures> {
  const bed = await TestBed.open();
  try {
    await bed.pipeline("one", '  work: { site: seoul, steps: [{ id: make, title: Make, run: "true" }] }');
    const agent = await AgentProcess.start(bed);
    const ids: string[] = [];
    for (let n = 0; n < tasks; n += 100) {
      const some = Array.from({ length: Math.min(100, tasks - n) }, (_, index) =>
        agent.start("one", `key-${n + index}`),
      );
      for (const { id } of await Promise.all(some)) ids.push(id);
    }
    const runner = await ScriptedRunner.signIn(agent.url, RUNNER_TOKEN, "seoul", "seoul-1", [], { slots: 20 });
    const held = await runner.pollAll(20, 1_000);
    await Promise.all(held.offers.map((offer) => runner.claim(offer)));
    let [strange, slowestMs] = [0, 0];
    const cancel = async (id: string): Promise<void> => {
      const began = performance.now();
      try {
        await agent.client.cancel(id, { principal: "lab" });
      } catch (error) {
        if ((error as { code?: string }).code !== "already-ended") strange += 1;
      }
      slowestMs = Math.max(slowestMs, Math.round(performance.now() - began));
    };
    await Promise.all([...ids, ...ids].map(cancel));
    await Promise.all(held.offers.map(({ ref }) => runner.report(ref, { outcome: "canceled" })));
    const ended = await Promise.all(ids.map((id) => agent.client.task(id)));
    return { tasks, canceled: ended.filter((task) => task.state === "canceled").length, strange, slowestMs };
  } finally {
    await bed.close();
  }
}
