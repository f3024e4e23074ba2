// The tasks of the fake portal: one in every state that the console shows.

import type { State } from "@gantry/core/task/states.ts";
import type { JobView, StepView, TaskView } from "@gantry/wire/agent/views.ts";

/** Times in the fixture are relative to the time at which it was loaded. */
const LOADED = Date.now();
export const at = (secondsAgo: number): string => new Date(LOADED - secondsAgo * 1_000).toISOString();
export const DIGEST = `sha256:${"1629e8045738d466".repeat(4)}`;
export const COMMIT = "7892cdcd14106fd38e57c546d2581c6b2b68f726";

export const step = (id: string, title: string, uses: string | undefined, more: Partial<StepView> = {}): StepView => ({
  id,
  title,
  ...(uses === undefined ? {} : { uses }),
  state: "succeeded",
  startedAt: at(300),
  endedAt: at(299),
  durationMs: 1_240,
  tries: 1,
  outputs: {},
  ...more,
});

export const job = (
  key: string,
  title: string,
  site: string,
  steps: StepView[],
  more: Partial<JobView> = {},
): JobView => ({
  key,
  id: key.replace(/\[.*/, ""),
  title,
  site,
  labels: [],
  needs: [],
  final: false,
  state: "succeeded",
  attempt: 1,
  attempts: [{ attempt: 1, runner: `${site}-1`, startedAt: at(300), endedAt: at(290), outcome: "succeeded" }],
  runner: `${site}-1`,
  startedAt: at(300),
  endedAt: at(290),
  durationMs: 10_000,
  outputs: {},
  steps,
  effects: [],
  ...more,
});

export const task = (id: string, pipeline: string, state: State, more: Partial<TaskView>): TaskView => {
  const jobs = more.jobs ?? [];
  const steps = jobs.flatMap((one) => one.steps);
  return {
    id,
    pipeline,
    title: `Run ${pipeline}`,
    state,
    headline: `Run ${pipeline} is ${state}`,
    requestedBy: "dana",
    requestedAt: at(305),
    startedAt: at(300),
    version: 40,
    params: {},
    definition: { name: pipeline, version: DIGEST },
    outputs: {},
    stepsDone: steps.filter((one) => one.state === "succeeded").length,
    stepsTotal: steps.length,
    sites: [...new Set(jobs.map((one) => one.site))],
    ...more,
    jobs,
  };
};

const queued: Partial<StepView> = { state: "queued" };
/** A step that has not started has no times. */
const notYet = (id: string, title: string, uses: string): StepView => {
  const { startedAt: _, endedAt: __, durationMs: ___, ...rest } = step(id, title, uses, queued);
  return rest;
};

const commitJob = job("commit", "Commit", "seoul", [
  step("checkout", "Check out the yaml repository", "git/checkout", { outputs: { commit: COMMIT, branch: "main" } }),
  step("edit", "Set the image in the overlays", "kustomize/set-image", { durationMs: 18 }),
  step("push", "Commit and push", "git/commit-push", { outputs: { commit: COMMIT, changed: true } }),
]);

const failedCi = task("t0ci-failed", "ci", "failed", {
  title: "Run CI: orders",
  app: "orders",
  headline: "Run CI: orders failed at build: Run the tests after 48 s. 1 of 42 tests failed.",
  durationMs: 48_200,
  endedAt: at(240),
  failedAt: { job: "build", step: "test" },
  params: { ref: "main", failOn: "critical" },
  callbacks: [{ url: "https://ci.example.com/ended" }, { url: "https://old.example.com/hook", on: ["failed"] }],
  jobs: [
    job(
      "build",
      "Build",
      "seoul",
      [
        step("checkout", "Check out the source", "git/checkout", {
          outputs: {
            commit: COMMIT,
            subject: "Round half up",
            directory: ".",
            fileUrl: `https://git.example/projects/APPS/repos/orders/browse/{path}?at=${COMMIT}#{line}`,
          },
        }),
        step("install", "Download libraries", undefined, { durationMs: 31_500, tries: 2 }),
        step("test", "Run the tests", undefined, {
          state: "failed",
          durationMs: 12_800,
          failure: {
            code: "script-failed",
            message: "The script ended with exit code 1",
            why: "1 of 42 tests failed.",
            todo: "Read the log from the first error on, repair it, and run CI again.",
            line: "not ok 17 - rounds half up",
          },
          annotations: [
            { level: "warning", message: "`round` is deprecated, use `roundHalfUp`.", file: "src/money.js", line: 8 },
            {
              level: "error",
              title: "rounds half up",
              message: "Expected 1.24 to equal 1.25\n    at test/rounding test.js:31",
              file: "test/rounding test.js",
              line: 31,
              column: 12,
            },
            { level: "notice", message: 'Took 12.8 s <img src=x onerror="alert(1)">' },
            { level: "error", message: "outside of the repository", file: "../../etc/passwd", line: 1 },
          ],
          annotationsLeftOut: 1_204,
          summaryBytes: 700,
        }),
        notYet("image", "Build and push the image", "image/build-push"),
      ],
      { state: "failed", durationMs: 46_000 },
    ),
    job("scan", "Scan", "seoul", [notYet("scan", "Wait for the image scan", "harbor/wait-for-scan")], {
      state: "skipped",
      needs: ["build"],
      attempt: 0,
      attempts: [],
    }),
    job("analyze", "Quality", "seoul", [notYet("gate", "Wait for the quality gate", "sonarqube/quality-gate")], {
      state: "skipped",
      needs: ["build"],
      attempt: 0,
      attempts: [],
    }),
  ],
});

const deploySteps = (last: Partial<StepView>): StepView[] => [
  step("app", "Ensure the Argo CD application", "argocd/ensure-app"),
  step("sync", "Sync", "argocd/sync", { outputs: { operation: "synced", revision: COMMIT } }),
  step("wait", "Wait until the pods run", "argocd/wait", last),
];

const heldCd = task("t0cd-held", "cd", "held", {
  title: "Run CD: orders",
  app: "orders",
  headline: "Run CD: orders is held at deploy[tokyo]: an answer is needed.",
  params: { digest: DIGEST, targets: ["seoul", "tokyo"] },
  jobs: [
    commitJob,
    job("deploy[seoul]", "Deploy", "seoul", deploySteps({ outputs: { health: "Healthy", sync: "Synced" } }), {
      needs: ["commit"],
      outputs: { health: "Healthy", revision: COMMIT, url: "http://argocd.seoul.example/applications/orders" },
      effects: [
        {
          key: "uo2z2brixdnhumuzvftj2xsu7l",
          step: "sync",
          effect: "sync",
          what: "sync orders-seoul-dp to 7892cdc",
          state: "done",
          attempt: 1,
          result: { operation: "synced", revision: COMMIT },
        },
      ],
    }),
    job("deploy[tokyo]", "Deploy", "tokyo", deploySteps({ state: "running" }), {
      state: "held",
      needs: ["commit"],
      waiting: {
        code: "held",
        text: "Runner tokyo-1 was lost while the job ran, and the job is not safe to repeat.",
        since: at(60),
      },
    }),
  ],
});

const {
  endedAt: _end,
  durationMs: _took,
  ...runningStep
} = step("wait", "Wait until the pods run", "argocd/wait", {
  state: "running",
  startedAt: at(20),
});
const {
  endedAt: _jobEnd,
  durationMs: _jobTook,
  ...silentJob
} = job("deploy[tokyo]", "Deploy", "tokyo", [step("sync", "Sync", "argocd/sync"), runningStep], {
  state: "running",
  needs: ["commit"],
  notHeardSince: at(45),
  startedAt: at(60),
});
const runningCd = task("t0cd-running", "cd", "running", {
  title: "Run CD: payments",
  app: "payments",
  headline: "Run CD: payments runs at deploy[tokyo]: Wait until the pods run.",
  requestedBy: "lee",
  requestedAt: at(70),
  startedAt: at(68),
  params: { digest: DIGEST },
  jobs: [commitJob, silentJob],
});

const waitingCi = task("t0ci-waiting", "ci", "waiting", {
  title: "Run CI: payments",
  app: "payments",
  headline: "Run CI: payments waits: no runner at tokyo has the label buildah.",
  requestedAt: at(30),
  waiting: {
    code: "no-runner",
    text: "Waiting for a runner with the label `buildah` at tokyo: the 2 runners there do not have the label.",
    since: at(30),
  },
  jobs: [
    job("build", "Build", "tokyo", [notYet("checkout", "Check out the source", "git/checkout")], {
      state: "waiting",
      attempt: 0,
      attempts: [],
      waiting: {
        code: "no-runner",
        text: "Waiting for a runner with the label `buildah` at tokyo: the 2 runners there do not have the label.",
        since: at(30),
      },
    }),
  ],
});

const queuedCi = task("t0ci-queued", "ci", "queued", {
  title: "Run CI: payments, again",
  app: "payments",
  headline: "Run CI: payments is queued. Waiting for task t0ci-waiting, which was requested before.",
  requestedAt: at(20),
  waiting: {
    code: "concurrency",
    text: "Waiting for task t0ci-waiting, which was requested before.",
    since: at(20),
  },
});

const created = task("t0create", "create-app", "succeeded", {
  title: "Create app: orders",
  app: "orders",
  headline: "Create app: orders succeeded after 3.2 s.",
  endedAt: at(500),
  durationMs: 3_200,
  requestedAt: at(504),
  jobs: [
    job("source", "Source repository", "platform", [
      step("repository", "Create the source repository", "git/create-repository"),
    ]),
    job("jira", "Jira project", "platform", [step("project", "Create the Jira project", "jira/create-project")]),
  ],
});

const errored = task("t0create-errored", "create-app", "errored", {
  title: "Create app: search",
  app: "search",
  headline: "Create app: search errored at jira: Create the Jira project after 12 s. Jira does not answer.",
  requestedBy: "lee",
  requestedAt: at(3_700),
  endedAt: at(3_688),
  durationMs: 12_000,
  failedAt: { job: "jira", step: "project" },
  jobs: [
    job(
      "jira",
      "Jira project",
      "platform",
      [
        step("project", "Create the Jira project", "jira/create-project", {
          state: "errored",
          failure: {
            code: "system-unreachable",
            message: "Jira does not answer",
            todo: "Ask whoever runs Jira; then rerun.",
          },
        }),
      ],
      { state: "errored" },
    ),
  ],
});

/** Newest first. */
export const TASKS: readonly TaskView[] = [waitingCi, queuedCi, runningCd, heldCd, failedCi, created, errored];
