// Many idle runners in one process, for idle-runners.ts: each has a session and an open long poll over HTTP, with the
// protocol's own client. A runner that is offered a job claims and starts it, reports its step as started, and reports.

import { ScriptedRunner } from "@gantry/task-agent/runner-protocol/runner.fixture.ts";
import type { Offer } from "@gantry/wire/runner/protocol.ts";

/** A message to the parent. `started`: the agent has acknowledged that the step started, at `atMs` (Unix time, fractional). */
export type RunnerMessage =
  | { readonly k: "ready" }
  | { readonly k: "started"; readonly task: string; readonly atMs: number };

const WAIT_MS = 25_000;

const [url = "", token = "", count = "0"] = process.argv.slice(2);
const send = (message: RunnerMessage): void => void process.send?.(message);
process.once("disconnect", () => process.exit());

const runners = await Promise.all(
  Array.from({ length: Number(count) }, (_, n) =>
    ScriptedRunner.signIn(url, token, "seoul", `idle-${String(n).padStart(4, "0")}`, [], { slots: 1 }),
  ),
);
const idle = runners.map((runner) => work(runner));
send({ k: "ready" });
await Promise.all(idle);

async function work(runner: ScriptedRunner): Promise<never> {
  for (;;) {
    const { offers } = await runner.pollAll(1, WAIT_MS);
    for (const offer of offers) await begin(runner, offer);
  }
}

async function begin(runner: ScriptedRunner, offer: Offer): Promise<void> {
  const { ref } = offer;
  await runner.claim(offer);
  await runner.start(ref);
  await runner.progress(ref, 1, [{ kind: "step-started", step: "make" }]);
  send({ k: "started", task: ref.task, atMs: performance.timeOrigin + performance.now() });
  await runner.progress(ref, 2, [{ kind: "step-ended", step: "make", outcome: "succeeded", durationMs: 0 }]);
  await runner.report(ref, { progress: 2 });
}
