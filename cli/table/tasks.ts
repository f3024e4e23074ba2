// Commands about tasks.

import { OUTCOMES } from "@gantry/core/task/states.ts";
import { command } from "./command.ts";
import { FOLLOW_FLAG, PARAM_FLAG } from "./flags.ts";

const NEWEST = "Without TASK it is the newest task that you may see.";

export const TASKS = [
  command({
    name: "task list",
    summary: "list tasks, newest first",
    flags: {
      state: { type: "string", values: ["open", ...OUTCOMES], value: "STATE", summary: "only tasks in this state" },
      app: { type: "string", value: "APP", summary: "only tasks of this app" },
      pipeline: { type: "string", value: "NAME", summary: "only tasks of this pipeline" },
      limit: { type: "string", value: "N", summary: "the most to list (default 20)" },
    },
    portal: true,
    isDefault: true,
    examples: ["task list --state open", "task list --app orders --json"],
    run: async (call) => (await import("../task/list-tasks.ts")).listTasks(call),
  }),
  command({
    name: "task show",
    summary: "show a task with its jobs and what failed",
    details: NEWEST,
    args: ["[TASK]"],
    portal: true,
    run: async (call) => (await import("../task/show-task.ts")).showTask(call),
  }),
  command({
    name: "task watch",
    summary: "follow a task until it ends",
    details: `${NEWEST} Ctrl-C ends the command; the task continues. The exit code is 0 when the task succeeded, else 1.`,
    args: ["[TASK]"],
    portal: true,
    run: async (call) => (await import("../task/follow-task.ts")).watchTask(call),
  }),
  command({
    name: "task logs",
    summary: "print the logs of a task",
    details: `${NEWEST} Without JOB all jobs are printed.`,
    args: ["[TASK]", "[JOB]", "[STEP]"],
    flags: {
      follow: { type: "boolean", short: "f", summary: "print what is written until the task ends" },
      failed: { type: "boolean", summary: "only steps that did not succeed" },
      tail: { type: "string", value: "N", summary: "only the last lines of each step" },
      grep: { type: "string", value: "TEXT", summary: "only lines with this text, ignoring case" },
    },
    portal: true,
    examples: ["task logs --failed", "task logs t0example build unit --tail 50", "task logs --follow"],
    run: async (call) => (await import("../task/task-logs.ts")).taskLogs(call),
  }),
  command({
    name: "task summary",
    summary: "print the summaries that the steps of a task wrote",
    details: `${NEWEST} They are Markdown, as the scripts wrote it to the file that GANTRY_STEP_SUMMARY names.`,
    args: ["[TASK]", "[JOB]", "[STEP]"],
    portal: true,
    examples: ["task summary", "task summary t0example build unit > report.md"],
    run: async (call) => (await import("../task/summaries.ts")).showSummaries(call),
  }),
  command({
    name: "task artifacts",
    summary: "list what the jobs of a task have saved, or download it",
    details: `${NEWEST} With ARTIFACT (\`job/name\`, or the name alone) its files are listed, and with \`--to\` written to a folder.`,
    args: ["[TASK]", "[ARTIFACT]"],
    flags: {
      to: { type: "string", value: "FOLDER", summary: "write the files of the artifact there; existing files stay" },
    },
    portal: true,
    examples: ["task artifacts t0example", "task artifacts t0example build/dist --to out"],
    run: async (call) => (await import("../task/artifacts.ts")).taskArtifacts(call),
  }),
  command({
    name: "task cancel",
    summary: "cancel a task",
    details: "Running jobs are asked to stop; `finally` jobs still run.",
    args: ["TASK"],
    flags: { reason: { type: "string", value: "TEXT", summary: "why, for everybody who looks at the task" } },
    portal: true,
    run: async (call) => (await import("../task/change-task.ts")).cancelTask(call),
  }),
  command({
    name: "task rerun",
    summary: "run the jobs that did not succeed again, as a new task",
    details:
      "A job is reused when it succeeded and everything that it could depend on is the same. With `--param`, every job runs again with the parameters of the task and these.",
    args: ["TASK"],
    flags: {
      all: { type: "boolean", summary: "run every job again" },
      job: {
        type: "string",
        value: "JOB",
        summary: "run this job and all that needs it again, and what did not succeed",
      },
      ...PARAM_FLAG,
      plan: { type: "boolean", summary: "only show what would run and what would be reused" },
      newest: {
        type: "boolean",
        summary: "with the pipeline file in force now (default: the one that the task ran with)",
      },
      ...FOLLOW_FLAG,
    },
    portal: true,
    run: async (call) => (await import("../task/change-task.ts")).rerunTask(call),
  }),
  command({
    name: "task resolve",
    summary: "decide how a held job continues",
    details:
      "`run-again` runs it once more, `mark-done` takes it as done without having observed it, `fail` ends it as failed.",
    args: ["TASK", "JOB", "run-again|mark-done|fail"],
    flags: { reason: { type: "string", value: "TEXT", summary: "why, for the audit log" } },
    portal: true,
    examples: ["task resolve t0example 'deploy[seoul]' run-again --reason 'nothing was deployed'"],
    run: async (call) => (await import("../task/change-task.ts")).resolveTask(call),
  }),
  command({
    name: "task approvals",
    summary: "list what waits for an approval",
    details: "With TASK only what this task asks.",
    args: ["[TASK]"],
    flags: { mine: { type: "boolean", summary: "only what you may answer" } },
    portal: true,
    run: async (call) => (await import("../task/approvals.ts")).listApprovals(call),
  }),
  command({
    name: "task approve",
    summary: "approve what a job of a task waits for",
    details: "Prints what you approve. Without JOB, the task must ask for only one approval.",
    args: ["TASK", "[JOB]"],
    flags: {
      reason: { type: "string", value: "TEXT", summary: "why, for everybody who looks at the task" },
      input: { type: "string", multiple: true, value: "NAME=VALUE", summary: "an answer that the job asks for" },
      plan: {
        type: "string",
        value: "DIGEST",
        summary: "only what has this digest (default: what is asked for now)",
      },
    },
    portal: true,
    examples: ["task approve t0example 'deploy[seoul]' --reason 'the load test passed'"],
    run: async (call) => (await import("../task/approvals.ts")).approveJob(call),
  }),
  command({
    name: "task reject",
    summary: "reject what a job of a task waits for: the job fails",
    args: ["TASK", "[JOB]"],
    flags: { reason: { type: "string", required: true, value: "TEXT", summary: "why" } },
    portal: true,
    examples: ["task reject t0example --reason 'the load test is still running'"],
    run: async (call) => (await import("../task/approvals.ts")).rejectJob(call),
  }),
  command({
    name: "task override",
    summary: "let a job go against the policy of its environments",
    details: "It needs the verb override-policy. The reason is kept in the task and in the audit log.",
    args: ["TASK", "JOB"],
    flags: { reason: { type: "string", required: true, value: "TEXT", summary: "why" } },
    portal: true,
    run: async (call) => (await import("../task/approvals.ts")).overrideJob(call),
  }),
  command({
    name: "inbox",
    summary: "list the messages of your inbox, newest first",
    flags: { limit: { type: "string", value: "N", summary: "the most to list (default 20)" } },
    portal: true,
    run: async (call) => (await import("../task/inbox.ts")).inbox(call),
  }),
];
