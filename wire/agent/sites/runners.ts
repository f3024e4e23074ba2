// One runner, as the task-agent shows it to operators, and what they may ask of it: routes of `/agent/v1`. Part of routes.ts.

import { route } from "@gantry/runtime/http/route.ts";
import { z } from "zod";
import { time } from "../deployed-views.ts";
import { runnerAsked, runnerView } from "./views.ts";

const principal = z.string().min(1).max(200);

export const runnerJob = z
  .object({
    task: z.string(),
    job: z.string(),
    attempt: z.int(),
    pipeline: z.string(),
    app: z.string().optional(),
    since: time.describe("When the runner claimed it"),
    step: z
      .object({ id: z.string(), title: z.string(), state: z.enum(["running", "waiting"]), since: time })
      .optional()
      .describe("Absent: no step runs at the moment"),
    lease: z.object({
      mode: z.enum(["strict", "lenient"]),
      renewedAt: time.describe("As far as this task-agent knows"),
      endsAt: time.describe("When the job is given away unless the lease is renewed before"),
    }),
  })
  .meta({ id: "RunnerJob" });
export type RunnerJob = z.infer<typeof runnerJob>;

export const runnerDetail = runnerView
  .extend({
    registeredAt: time.describe("When its process last registered"),
    jobs: z.array(runnerJob).describe("What it runs now, oldest first. The portal shows what the caller may see"),
  })
  .meta({ id: "RunnerDetail" });
export type RunnerDetail = z.infer<typeof runnerDetail>;

export const askReason = z.string().trim().min(1).max(500);
export const askRunnerFor = z.strictObject({
  to: z.enum([...runnerAsked.shape.to.options, "work"]),
  reason: askReason,
  principal,
});

const LINES = 1_000;
/** How long a runner may take to send its log. Longer than the time between two renewals: one that finishes its jobs polls no more. */
export const RUNNER_LOG_MS = 20_000;

export const runnerLog = z
  .object({
    runner: z.string(),
    from: z.enum(["oldest", "latest"]),
    lines: z.array(z.string()).describe("Oldest first. Lines of JSON, as the runner wrote them; secrets are masked"),
    held: z.int().describe("How many lines the runner keeps"),
    dropped: z.int().describe("How many older lines it kept no longer"),
  })
  .meta({ id: "RunnerLog" });
export type RunnerLog = z.infer<typeof runnerLog>;

export const runnerLogQuery = z.strictObject({
  from: runnerLog.shape.from.default("latest").describe("The end of the lines that the runner keeps"),
  lines: z.coerce.number().pipe(z.int().min(1).max(LINES)).default(200),
});
export type RunnerLogQuery = z.output<typeof runnerLogQuery>;

export const RUNNER_ROUTES = {
  runner: route({ method: "GET", path: "/runners/{name}", answer: runnerDetail, errors: ["not-found"] }),
  /** Drains or stops a runner, or (`work`) ends a drain. The answer is the runner afterwards. */
  askRunner: route({
    method: "POST",
    path: "/runners/{name}/ask",
    body: askRunnerFor,
    answer: runnerDetail,
    errors: ["conflict", "not-found", "runner-cannot"],
  }),
  /** The runner's own log, which it sends now. */
  runnerLog: route({
    method: "GET",
    path: "/runners/{name}/log",
    query: runnerLogQuery,
    answer: runnerLog,
    errors: ["conflict", "not-found", "runner-cannot", "runner-silent"],
  }),
};
