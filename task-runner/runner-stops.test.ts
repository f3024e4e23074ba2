import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { type AnyStep, defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { script, uses } from "./fake-agent.fixture.ts";
import { openUnprotectedRunner } from "./runner.fixture.ts";

/** Starts background processes, one of them in another session, writes their ids, and waits for ever. */
const HANG = `
sleep 300 & echo $! >> "$GANTRY_WORKSPACE/../../../pids"
sh -c 'sleep 300 & echo $! >> "$GANTRY_WORKSPACE/../../../pids"; wait' &
setsid sleep 300 & echo $! >> "$GANTRY_WORKSPACE/../../../pids"
echo ready
wait`;

function pidsIn(data: string): number[] {
  return readFileSync(join(data, "pids"), "utf8").trim().split("\n").map(Number);
}

/** Zombies count as dead: their parent has not reaped them yet. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

test("A9: a time limit ends everything that the script has started, and the report says so", async (t) => {
  const { agent, data } = await openUnprotectedRunner(t);
  const job = agent.offer({ steps: [script("hang", HANG, { timeoutMs: 400 }), script("after", "true")] });
  const report = await agent.reported(job);
  assert.equal(report.outcome, "timed-out");
  assert.equal(report.failure?.code, "timed-out");
  assert.match(agent.log(job, "hang"), /ready\n\[gantry\] The step “hang” took longer than 400ms/);
  assert.deepEqual(job.progress.at(-1), {
    kind: "step-ended",
    step: "after",
    outcome: "skipped",
    durationMs: 0,
    reason: "The earlier step “hang” did not succeed.",
  });
  await agent.until("the end of the attempt", () => readdirSync(join(data, "jobs")).length === 0);
  if (existsSync("/proc")) assert.deepEqual(pidsIn(data).filter(isAlive), []);
});

test("background processes of a script end with it", async (t) => {
  const { agent, data } = await openUnprotectedRunner(t);
  const job = agent.offer({ steps: [script("leave", HANG.replace("\nwait", "\nexit 0"))] });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  await agent.until("the end of the attempt", () => readdirSync(join(data, "jobs")).length === 0);
  if (existsSync("/proc")) assert.deepEqual(pidsIn(data).filter(isAlive), []);
});

test("a cancel stops the script, lets cleanup steps run, and is reported", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  const job = agent.offer({
    steps: [
      script("work", "trap 'echo interrupted; exit 3' TERM; echo on; sleep 300 & wait"),
      script("never", "echo no"),
      script("clean", "echo cleaning", { when: 'status == "canceled"' }),
    ],
  });
  await agent.until("the script to run", () => agent.log(job, "work").includes("on"));
  agent.cancel(job);
  const report = await agent.reported(job);
  assert.equal(report.outcome, "canceled");
  assert.equal(agent.log(job, "work"), "on\ninterrupted\n[gantry] canceled by kim\n");
  assert.equal(agent.log(job, "clean"), "cleaning\n");
  const ends = job.progress.flatMap((one) => (one.kind === "step-ended" ? [`${one.step} ${one.outcome}`] : []));
  assert.deepEqual(ends, ["work canceled", "never skipped", "clean succeeded"]);
});

test("A10: a cancel ends a script that ignores SIGTERM", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  const job = agent.offer({ steps: [script("deaf", "trap '' TERM; echo on; while true; do sleep 0.1; done")] });
  await agent.until("the script to run", () => agent.log(job, "deaf").includes("on"));
  agent.cancel(job);
  assert.equal((await agent.reported(job)).outcome, "canceled");
});

/** Makes one change after another until it is stopped. */
function changer(made: string[], gate: { open: () => void; opened: Promise<void> }): AnyStep {
  return defineStep({
    name: "test/change",
    title: "Change",
    input: z.strictObject({}),
    output: z.object({}),
    needs: [],
    acts: () => [],
    effects: ["change"],
    retry: NO_RETRY,
    timeoutMs: 30_000,
    plan: async () => [],
    run: async ({ effect }) => {
      for (const ordinal of [0, 1]) {
        await effect({
          name: "change",
          ordinal,
          what: `change ${ordinal}`,
          probe: async () => undefined,
          perform: async (key) => {
            made.push(key);
            return { ordinal };
          },
        });
        if (ordinal === 0) await gate.opened;
      }
      return succeeded({});
    },
  }) as AnyStep;
}

function makeGate(): { open: () => void; opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}

test("after the lease is lost no change is permitted, and nothing is reported", async (t) => {
  const made: string[] = [];
  const gate = makeGate();
  const { agent, data, runner } = await openUnprotectedRunner(t, { steps: [changer(made, gate)] });
  const job = agent.offer({ steps: [uses("change", "test/change"), script("clean", "echo x", { when: "always" })] });
  await agent.until("the first change", () => [...agent.effects.values()].some(({ result }) => result));
  agent.lose(job);
  gate.open();
  await agent.until("the runner to give up", () => runner.busy() === 0 && readdirSync(join(data, "jobs")).length === 0);
  assert.equal(made.length, 1);
  assert.equal(job.report, undefined);
  assert.equal(agent.log(job, "clean"), "");
});

test("a lease that ends because the report has arrived is not called lost, although a heartbeat is answered first", async (t) => {
  const { agent, data, runner, lines } = await openUnprotectedRunner(t);
  agent.lease = { renewEveryMs: 50, selfFenceMs: 20_000, reassignAfterMs: 40_000 };
  const answer = makeGate();
  agent.holdAnswer = (path) => (path === "report" ? answer.opened : undefined);
  const job = agent.offer({ steps: [script("work", "true")] });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  await agent.until("the runner to be free", () => runner.busy() === 0 && readdirSync(join(data, "jobs")).length === 0);
  answer.open();
  assert.deepEqual(
    lines.filter((line) => /lost|given up/.test(line)),
    [],
  );
  assert.ok(lines.some((line) => line.startsWith("the lease ended before the report was answered")));
});

test("a runner that cannot renew its lease stops its work in time, and reports when the task-agent is reachable again", async (t) => {
  const { agent, data } = await openUnprotectedRunner(t);
  agent.lease = { renewEveryMs: 100, selfFenceMs: 3_000, reassignAfterMs: 30_000 };
  const job = agent.offer({ steps: [script("hang", HANG)] });
  await agent.until("the script to run", () => agent.log(job, "hang").includes("ready"));
  agent.fault = () => "drop";
  const fencedAt = performance.now();
  if (existsSync("/proc")) {
    await agent.until("the processes to be gone", () =>
      pidsIn(data)
        .slice(0, 2)
        .every((pid) => !isAlive(pid)),
    );
    assert.ok(performance.now() - fencedAt < 30_000);
  }
  agent.fault = () => "none";
  const report = await agent.reported(job);
  assert.equal(report.outcome, "errored");
  assert.equal(report.failure?.code, "lease-lost");
});

test("a short interruption of the connection changes nothing", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  agent.lease = { renewEveryMs: 50, selfFenceMs: 20_000, reassignAfterMs: 40_000 };
  const job = agent.offer({ steps: [script("work", "echo on; sleep 0.6; echo done")] });
  await agent.until("the script to run", () => agent.log(job, "work").includes("on"));
  agent.fault = (path) => (path === "heartbeat" ? "drop" : "none");
  const report = await agent.reported(job);
  assert.equal(report.outcome, "succeeded");
  assert.equal(agent.log(job, "work"), "on\ndone\n");
});

test("a runner that is asked to end says at once that it has no free slot, and declines what it was offered", async (t) => {
  const { agent, runner } = await openUnprotectedRunner(t);
  const job = agent.offer({ steps: [script("work", "sleep 0.3")] });
  await agent.until("the start of the job", () => job.state === "started");
  const closed = runner.close();
  agent.ignoresSlots = true;
  const late = agent.offer({ steps: [script("late", "true")] });
  await agent.until("the answer to the offer", () => late.state === "declined");
  assert.equal(job.state, "started", "the running job continues");
  await closed;
  assert.equal((await agent.reported(job)).outcome, "succeeded");
});

test("a runner whose task-agent is unreachable still ends soon", async (t) => {
  const { agent, runner } = await openUnprotectedRunner(t);
  await agent.until("the first poll", () => agent.calls.includes("poll"));
  await agent.goDown();
  const began = performance.now();
  await runner.close();
  assert.ok(performance.now() - began < 30_000);
});

test("a runner that was never registered has nothing to report, and ends at once", async (t) => {
  const unused = "http://127.0.0.1:9";
  const { runner, lines } = await openUnprotectedRunner(t, { config: { agent: unused } });
  const began = performance.now();
  await runner.close();
  assert.ok(performance.now() - began < 30_000, `${performance.now() - began} ms`);
  assert.ok(!lines.some((line) => line.includes("could not be informed")));
});
