// What is said about tasks: headlines, why a job waits, is skipped or is held, and notifications.

import type { JsonObject } from "@gantry/core/json.ts";
import { EVENT_KINDS } from "@gantry/core/notify/vocabulary.ts";
import type { Job } from "@gantry/core/pipeline/pipeline.ts";
import { OUTCOMES } from "@gantry/core/task/states.ts";
import { job, pipeline, TaskUnderTest } from "@gantry/core/task/task.fixture.ts";
import { renderNotice } from "@gantry/notify-agent/messages.ts";
import { feedEvent } from "@gantry/notify-agent/notify.fixture.ts";
import { taskSummary } from "@gantry/task-agent/api/view.ts";
import { chooseRunner, type RunnerFacts } from "@gantry/task-agent/dispatch/decide-runner.ts";
import { decideSiteBlock } from "@gantry/task-agent/dispatch/decide-site-block.ts";
import type { Entry, Section } from "./section.ts";

export function taskMessages(): readonly Section[] {
  return [
    { title: "Headlines", entries: headlines() },
    { title: "Why a job waits for a runner", entries: waitingReasons() },
    { title: "Why a job is skipped or held", entries: jobReasons() },
    { title: "Notifications", entries: notifications() },
  ];
}

const failure = {
  code: "script-failed",
  message: "The script ended with exit code 1.",
  why: "One of 42 tests failed.",
  todo: "Read the log of this step.",
  line: "not ok 17 - rounds half up",
} as const;

function headlines(): readonly Entry[] {
  const ended = OUTCOMES.filter((outcome) => outcome !== "skipped").map((outcome): Entry => {
    const task = new TaskUnderTest(pipeline([job("build"), job("deploy", { needs: ["build"] })]));
    const isBad = outcome !== "succeeded" && outcome !== "canceled";
    if (outcome === "canceled") task.cancel();
    else task.run("build", outcome, isBad ? { failure } : {});
    if (outcome === "succeeded") task.run("deploy");
    return { name: outcome, sentences: [taskSummary(task.state, task.pipeline).headline] };
  });
  const both = deploy(["seoul", "tokyo"]);
  both.run("deploy[seoul]", "failed", { failure });
  both.run("deploy[tokyo]", "timed-out", { failure });
  const queued = new TaskUnderTest(pipeline([job("build")]));
  const running = new TaskUnderTest(pipeline([job("build")]));
  const who = running.claim("build");
  running.start(who);
  running.progress(who, 1, [{ kind: "step-started", step: "only" }]);
  const open = { "two targets failed": both, queued, running };
  return [
    ...ended,
    ...Object.entries(open).map(([name, task]) => {
      return { name, sentences: [taskSummary(task.state, task.pipeline).headline] };
    }),
  ];
}

function deploy(targets: string[]): TaskUnderTest {
  return new TaskUnderTest(pipeline([job("deploy", { each: "${{ params.targets }}" })]), { params: { targets } });
}

function waitingReasons(): readonly Entry[] {
  const runner: RunnerFacts = {
    runner: "seoul-1",
    session: "s1",
    site: "seoul",
    labels: ["linux"],
    slots: 2,
    free: 0,
    alive: true,
    polling: true,
    warm: [],
    lastHeard: "2026-11-20T07:00:00Z",
  };
  const wants = (labels: readonly string[]) => ({ site: "seoul", labels, app: undefined });
  const since = "2026-11-20T08:00:00Z";
  const stored = { runners: [{ runner: "seoul-1", site: "seoul" }], since };
  const choices = {
    "no runner": chooseRunner(wants([]), [], { runners: [], since }),
    "no runner since the start": chooseRunner(wants([]), [], stored),
    "silent runners": chooseRunner(wants([]), [{ ...runner, alive: false }], stored),
    "a drained runner": chooseRunner(wants([]), [{ ...runner, closed: true }]),
    "no label": chooseRunner(wants(["buildah", "arm"]), [runner]),
    "no free slot": chooseRunner(wants([]), [runner]),
    chosen: chooseRunner({ ...wants([]), app: "orders" }, [{ ...runner, free: 1, warm: ["orders"] }]),
  };
  const blocks = {
    "a paused site": decideSiteBlock({ "dispatch.pausedSites": ["seoul"] }, { site: "seoul", running: () => 0 }),
    "a limited site": decideSiteBlock({ "dispatch.jobsPerSite": 1 }, { site: "seoul", running: () => 1 }),
  };
  return Object.entries({ ...choices, ...blocks }).map(([name, reason]) => {
    const text = reason?.text ?? "";
    return name === "chosen" ? { name, sentences: [], details: [text] } : { name, sentences: [text] };
  });
}

function jobReasons(): readonly Entry[] {
  const one = (jobs: readonly Job[], run: (task: TaskUnderTest) => void, key: string): readonly string[] => {
    const task = new TaskUnderTest(pipeline(jobs), { params: { targets: [] } });
    run(task);
    return [task.state.jobs[key]?.waiting?.text ?? ""];
  };
  const needs = { needs: ["build"] };
  const lose = (task: TaskUnderTest): void => {
    const who = task.claim("build");
    task.start(who);
    task.lose(who);
  };
  return [
    {
      name: "a job before it failed",
      sentences: [],
      details: one([job("build"), job("deploy", needs)], (task) => task.run("build", "failed"), "deploy"),
    },
    {
      name: "its condition is not met",
      sentences: [],
      details: one([job("build", { when: "size(params.targets) > 0" })], () => {}, "build"),
    },
    {
      name: "nothing to do",
      sentences: [],
      details: one([job("build", { each: "${{ params.targets }}" })], () => {}, "build"),
    },
    { name: "held", sentences: one([job("build", { mode: "strict", retrySafe: false })], lose, "build") },
  ];
}

function notifications(): readonly Entry[] {
  return EVENT_KINDS.map((kind) => {
    const headline = "Run CD: orders failed at deploy[tokyo]: Wait after 1 m 12 s. The app is Degraded.";
    const ending: JsonObject =
      kind === "TaskEnded"
        ? { headline, durationMs: 72_000, failure, failedAt: { job: "deploy[tokyo]", step: "wait" } }
        : {};
    const reason = "Runner seoul-1 was lost while the job ran.";
    const event = {
      kind,
      job: "build",
      step: "test",
      ...(kind.endsWith("Ended") ? { outcome: "failed" } : {}),
      by: "lee",
      answer: "mark-done",
      reason,
      ...ending,
    };
    const { title, text } = renderNotice(feedEvent(1, event), undefined);
    return { name: kind, sentences: text === "" ? [] : text.split("\n"), details: [title] };
  });
}
