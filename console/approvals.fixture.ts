// What waits for people at the fake portal: one task with a question for this person, one for others, and one that a freeze holds.

import type { ApprovalView } from "@gantry/wire/agent/approvals.ts";
import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { at, COMMIT, DIGEST, job, step, task } from "./tasks.fixture.ts";

const UNTIL = new Date(Date.now() + 6 * 86_400_000).toISOString();

type Waits = Pick<JobView, "waiting" | "approval">;

function waitingJob(key: string, site: string, waits: Waits): JobView {
  const queued = withoutTimes(step("sync", "Sync", "argocd/sync", { state: "queued", tries: 0 }));
  const { runner: _, ...rest } = withoutTimes(job(key, "Deploy", site, [queued]));
  return { ...rest, state: "waiting", attempt: 0, attempts: [], ...waits };
}

function withoutTimes<T extends { startedAt?: unknown; endedAt?: unknown; durationMs?: unknown }>({
  startedAt: _,
  endedAt: __,
  durationMs: ___,
  ...rest
}: T): Omit<T, "startedAt" | "endedAt" | "durationMs"> {
  return rest;
}

function asks(question: string): Waits {
  const text = "Waiting for the approval of 1 of group:payments-ops for prod. lee approved it already.";
  return {
    waiting: { code: "approval", text, since: at(3_600), until: UNTIL },
    approval: { state: "asked", question, plan: DIGEST, until: UNTIL, answers: [] },
  };
}

const QUESTIONS = {
  seoul: "Deploy orders #12 to prod (seoul)?",
  tokyo: "How many percent of the customers get orders #12 in tokyo?",
};

export const ASKING_TASK: TaskView = task("t0cd-asks", "cd", "waiting", {
  title: "Run CD: orders",
  app: "orders",
  requestedBy: "mina",
  headline: "Run CD: orders is waiting. Waiting for the approval of 1 of group:payments-ops for prod.",
  params: { build: "12", targets: ["seoul", "tokyo", "osaka"] },
  may: ["override-policy", "cancel"],
  jobs: [
    waitingJob("deploy[seoul]", "seoul", asks(QUESTIONS.seoul)),
    waitingJob("deploy[tokyo]", "tokyo", asks(QUESTIONS.tokyo)),
    waitingJob("deploy[osaka]", "osaka", {
      waiting: {
        code: "freeze",
        text: "Deployments to bank are frozen by Jun: the yearly audit.",
        since: at(3_600),
        until: UNTIL,
      },
      approval: {
        state: "approved",
        question: "Deploy orders #12 to bank (osaka)?",
        plan: DIGEST,
        until: UNTIL,
        answers: [{ by: "lee", at: at(1_200), answer: "approve", reason: "The load test passed." }],
      },
    }),
  ],
});

const asked: ApprovalView = {
  task: ASKING_TASK.id,
  title: "Run CD: orders",
  app: "orders",
  pipeline: "cd",
  job: "deploy[seoul]",
  jobTitle: "Deploy",
  site: "seoul",
  question: QUESTIONS.seoul,
  plan: DIGEST,
  requestedBy: "mina",
  requestedAt: at(3_600),
  until: UNTIL,
  demands: [{ environment: "prod", approvers: ["group:payments-ops"], count: 2, missing: 1, notOwn: true }],
  answers: [{ by: "lee", at: at(1_200), answer: "approve", reason: "The load test passed." }],
  build: { number: 12, commit: COMMIT, subject: "Mend the till" },
  targets: [{ name: "seoul", environment: "prod", build: 11 }],
};

export const ASKED = [
  { ...asked, mayApprove: true, mayReject: true },
  {
    ...asked,
    job: "deploy[tokyo]",
    question: QUESTIONS.tokyo,
    plan: `${DIGEST.slice(0, -1)}0`,
    demands: [{ approvers: ["group:tokyo-ops", "person:ken"], count: 1, missing: 1, notOwn: true }],
    answers: [],
    targets: [],
    inputs: {
      type: "object",
      properties: { percent: { type: "integer", title: "Percent", minimum: 1, maximum: 100, default: 10 } },
      required: [],
    },
    mayApprove: true,
    mayReject: true,
  },
  {
    ...asked,
    job: "deploy[kobe]",
    question: "Deploy orders #12 to prod (kobe)?",
    plan: `${DIGEST.slice(0, -1)}1`,
    answers: [],
    mayApprove: false,
    mayReject: false,
    whyNot: "It asks group:payments-ops, and dana is none of them.",
  },
];
