// After every event, the console shows the same as the task-agent's view.

import assert from "node:assert/strict";
import { test } from "node:test";
import { applyToTask } from "@gantry/console/src/data/apply-event.ts";
import { job, pipeline, scriptStep, TaskUnderTest } from "@gantry/core/task/task.fixture.ts";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import { taskView } from "@gantry/task-agent/api/view.ts";
import { type FeedEvent, feedEvent, type TaskView } from "@gantry/wire/agent/views.ts";
import fc from "fast-check";

const command = fc.constantFrom(
  "claim",
  "start",
  "begin",
  "wait",
  "retry",
  "end",
  "fail",
  "succeed",
  "lose",
  "cancel",
  "run-again",
  "mark-done",
  "give-up",
);

/** The parts that the page shows at once, before it has read the view again. */
function shown(view: TaskView): unknown {
  return view.jobs.map(({ key, state, startedAt, endedAt, steps }) => ({
    key,
    state,
    startedAt,
    endedAt,
    steps: steps.map((one) => ({ id: one.id, state: one.state, startedAt: one.startedAt, endedAt: one.endedAt })),
  }));
}

function viewOf(task: TaskUnderTest): TaskView {
  return taskView(task.state, task.pipeline, task.events.length, { silentSince: () => undefined });
}

function feedOf(task: TaskUnderTest, at: number): FeedEvent {
  const fact = task.events[at - 1];
  if (!fact) throw new Error("no event");
  return feedEvent.parse({
    specversion: "1.0",
    id: `t1/${at}`,
    source: "/gantry/task-agent",
    type: "dev.gantry.test.v1",
    subject: "t1",
    time: new Date(fact.at).toISOString(),
    datacontenttype: "application/json",
    seq: at,
    taskseq: at,
    data: {
      task: "t1",
      pipeline: "test",
      title: "Run test",
      requestedBy: "dev",
      url: "",
      event: JSON.parse(JSON.stringify(fact)),
    },
  });
}

function play(task: TaskUnderTest, what: string): void {
  const who = task.claimant("deploy");
  const state = task.state.jobs.deploy;
  const current = state?.steps.find((one) => one.state !== "succeeded" && one.state !== "failed")?.id;
  if (current === undefined && /^(begin|wait|retry|end)$/.test(what)) return;
  const report = (...progress: Parameters<TaskUnderTest["progress"]>[2]) =>
    task.progress(who, (state?.progress ?? 0) + 1, progress);
  const failure = { code: "script-failed", message: "no" };
  if (what === "claim") task.claim("deploy");
  else if (what === "start") task.start(who);
  else if (what === "begin") report({ kind: "step-started", step: current ?? "" });
  else if (what === "wait") report({ kind: "step-waiting", step: current ?? "", reason: "x", retryAfterMs: 5 });
  else if (what === "retry")
    report({ kind: "step-retrying", step: current ?? "", attempt: 2, failure, retryAfterMs: 5 });
  else if (what === "end") report({ kind: "step-ended", step: current ?? "", outcome: "succeeded", durationMs: 5 });
  else if (what === "fail") task.report(who, "failed", { failure });
  else if (what === "succeed") task.report(who, "succeeded");
  else if (what === "lose") task.lose(who);
  else if (what === "cancel") task.cancel();
  else task.resolve("deploy", what === "give-up" ? "fail" : what === "run-again" ? "run-again" : "mark-done");
}

test("after every event, the page shows the states and times of the task-agent", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 30 }), fc.boolean(), (commands, retrySafe) => {
      const deploy = job("deploy", {
        retrySafe,
        retry: { max: 2, delayMs: 0 },
        steps: [scriptStep("edit"), scriptStep("push")],
      });
      const after = job("report", { needs: ["deploy"], steps: [scriptStep("mail")] });
      const task = new TaskUnderTest(pipeline([deploy, after]));
      for (const one of commands) {
        task.now += 1_000;
        let view = viewOf(task);
        const before = task.events.length;
        try {
          play(task, one);
        } catch {
          // A command that no client can give in this state.
          return;
        }
        for (let at = before + 1; at <= task.events.length; at++) view = applyToTask(view, feedOf(task, at));
        assert.deepEqual(
          shown(view),
          shown(viewOf(task)),
          `${commands.join(" ")} at ${one}: ${task.kinds().join(" ")}`,
        );
      }
    }),
    { numRuns: testRuns(500) },
  );
});
