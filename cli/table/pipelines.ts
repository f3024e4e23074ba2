// Commands about pipelines. `lint`, `plan` and `graph` read files and need no portal.

import { command } from "./command.ts";
import { CALLBACK_FLAG, FOLLOW_FLAG, PARAM_FLAG } from "./flags.ts";

const STEPS = {
  steps: { type: "string", value: "FILE", summary: "the step catalogue (default: that of this version)" },
} as const;
const APP = {
  app: {
    type: "string",
    value: "FILE",
    summary: "the app's record, as JSON or YAML: { name, source, targets, facts … }",
  },
} as const;

const WHERE = {
  project: { type: "string", value: "PROJECT", summary: "project of the templates (default: that of params.yaml)" },
  system: { type: "string", value: "NAME", summary: "git host, only if the site platform has several" },
} as const;
const TEMPLATES = "A task at the site platform does it, with the account of that site. Ctrl-C leaves it running.";
const NEWEST = "The exit code is 1 when the newest set is not in force.";

export const PIPELINES = [
  command({
    name: "definitions status",
    summary: "show the set of pipelines in force, and why a newer one is not",
    details: NEWEST,
    portal: true,
    isDefault: true,
    run: async (call) => (await import("../definitions/definitions.ts")).definitionsStatus(call),
  }),
  command({
    name: "definitions sync",
    summary: "read the repository of definitions now, and wait for the result",
    details: `${NEWEST} Ctrl-C leaves its task running.`,
    portal: true,
    run: async (call) => (await import("../definitions/definitions.ts")).syncDefinitions(call),
  }),
  command({
    name: "definitions diff",
    summary: "compare the files of a folder with the set in force; the exit code is 1 when they differ",
    args: ["FOLDER"],
    portal: true,
    run: async (call) => (await import("../definitions/definitions.ts")).diffDefinitions(call),
  }),
  command({
    name: "templates list",
    summary: "read the templates of the git host, and compare them with those that ship",
    details: `${TEMPLATES} The exit code is 1 when a template has a mistake.`,
    flags: { ...WHERE, last: { type: "boolean", summary: "show what was last read, without reading again" } },
    portal: true,
    isDefault: true,
    run: async (call) => (await import("../definitions/templates.ts")).listTemplates(call),
  }),
  command({
    name: "templates push",
    summary: "push templates that ship to the git host: new ones, and newer versions",
    details: `${TEMPLATES} What others have changed there stays, unless --force is given.`,
    args: ["[TEMPLATE…]"],
    flags: { ...WHERE, force: { type: "boolean", summary: "replace what others have changed, with one more commit" } },
    portal: true,
    examples: ["templates push", "templates push java-service java-service-deploy --project TEMPLATES"],
    run: async (call) => (await import("../definitions/templates.ts")).pushTemplates(call),
  }),
  command({
    name: "pipeline list",
    summary: "list the pipelines of the portal",
    portal: true,
    isDefault: true,
    run: async (call) => (await import("../pipeline/portal-pipelines.ts")).listPipelines(call),
  }),
  command({
    name: "pipeline show",
    summary: "show a pipeline of the portal with its parameters and jobs",
    args: ["PIPELINE"],
    portal: true,
    examples: ["pipeline show cd"],
    run: async (call) => (await import("../pipeline/portal-pipelines.ts")).showPipeline(call),
  }),
  command({
    name: "pipeline run",
    summary: "run any pipeline of the portal",
    details:
      "With `--each`, one task runs it once for each value of a parameter, and shows all of them: `gantry task show`, `watch`, `cancel` and `rerun` are about all.",
    args: ["PIPELINE"],
    flags: {
      app: { type: "string", value: "APP", summary: "the app that it runs for" },
      each: {
        type: "string",
        value: "NAME=VALUE,VALUE",
        summary: "run it once for each of these values, in this order",
      },
      "max-parallel": {
        type: "string",
        value: "N",
        summary: "with --each: how many run at the same time (default: all)",
      },
      "stop-on-failure": { type: "boolean", summary: "with --each: after a failure, no other one begins" },
      ...CALLBACK_FLAG,
      ...PARAM_FLAG,
      ...FOLLOW_FLAG,
    },
    portal: true,
    examples: [
      "pipeline run nightly --app orders --param depth=3 --follow",
      "pipeline run patch --each site=seoul,tokyo --max-parallel 1 --stop-on-failure",
    ],
    run: async (call) => (await import("../task/start-task.ts")).runPipeline(call),
  }),
  command({
    name: "pipeline lint",
    summary: "check pipeline files, or a whole folder of definitions, without running them",
    details:
      "Of a folder, its pipelines, roles, rules, sites and settings are checked together, as when the set is read. Prints file:line:column and the message. The exit code is 0 without errors (warnings are allowed), else 2.",
    args: ["FILE…"],
    flags: {
      secrets: { type: "string", value: "NAMES", summary: "warn about other secrets than these (A,B,C)" },
      ...STEPS,
    },
    examples: ["pipeline lint pipelines/*.yaml", "pipeline lint definitions"],
    run: async (call) => (await import("../pipeline/lint.ts")).lint(call),
  }),
  command({
    name: "pipeline plan",
    summary: "show the jobs of a pipeline file in the order in which they run",
    details: "Expressions with unknown values are shown as they are.",
    args: ["FILE"],
    flags: {
      ...PARAM_FLAG,
      ...APP,
      format: { type: "string", values: ["text", "mermaid"], summary: "text (default) or a Mermaid diagram" },
      ...STEPS,
    },
    examples: ["pipeline plan pipelines/cd.yaml --app app.yaml --param targets=[seoul]"],
    run: async (call) => (await import("../pipeline/plan.ts")).plan(call),
  }),
  command({
    name: "trigger list",
    summary: "list what starts pipelines by itself, with the next times of schedules and what each did last",
    args: ["[APP]"],
    portal: true,
    isDefault: true,
    run: async (call) => (await import("../pipeline/triggers.ts")).listTriggers(call),
  }),
  command({
    name: "trigger pause",
    summary: "pause a trigger: it starts nothing until it is resumed",
    args: ["TRIGGER"],
    flags: { reason: { type: "string", value: "TEXT", summary: "why, for the others" } },
    portal: true,
    examples: ['trigger pause orders:nightly:schedule-1 --reason "the database moves"'],
    run: async (call) => (await import("../pipeline/triggers.ts")).pauseTrigger(call),
  }),
  command({
    name: "trigger resume",
    summary: "resume a trigger; times that have passed are not made up for",
    args: ["TRIGGER"],
    portal: true,
    run: async (call) => (await import("../pipeline/triggers.ts")).resumeTrigger(call),
  }),
  command({
    name: "trigger run",
    summary: "start the task of a schedule now",
    args: ["TRIGGER"],
    portal: true,
    run: async (call) => (await import("../pipeline/triggers.ts")).runTrigger(call),
  }),
  command({
    name: "pipeline exec",
    summary: "run a pipeline file on this machine, without a portal",
    details:
      "Scripts really run, in the sandbox and in a folder that is removed afterwards. All jobs run here, whatever their site and labels. Steps that need systems are refused without --config. The exit code is 0 when it succeeded, 1 when it failed, 2 when the file is wrong. Ctrl-C cancels it.",
    args: ["FILE"],
    flags: {
      ...PARAM_FLAG,
      workspace: { type: "string", value: "DIR", summary: "run all jobs in this folder, which stays" },
      config: {
        type: "string",
        value: "FILE",
        summary: "configuration of a runner: its systems, secrets, isolation and limits",
      },
    },
    examples: ["pipeline exec build.yaml --workspace . --param version=1.2.0"],
    run: async (call) => (await import("../pipeline/exec.ts")).exec(call),
  }),
  command({
    name: "pipeline graph",
    summary: "draw the jobs of a pipeline file as a Mermaid diagram",
    args: ["FILE"],
    flags: { ...PARAM_FLAG, ...APP, ...STEPS },
    examples: ["pipeline graph pipelines/ci.yaml > ci.mmd"],
    run: async (call) => (await import("../pipeline/plan.ts")).graph(call),
  }),
  command({
    name: "import",
    summary: "say a pipeline of another tool in the language of Gantry",
    details:
      "Prints the pipeline, and on stderr what could not be carried over, with line and column. The exit code is 1 when there is anything of the kind.",
    args: ["github|gitlab|woodpecker|claiflow|klevr", "FILE"],
    flags: {
      name: { type: "string", value: "NAME", summary: "name of the pipeline (default: that of the file)" },
      site: { type: "string", value: "SITE", summary: "site of its jobs (default: that of the app's builds)" },
      commands: {
        type: "string",
        value: "FILE",
        summary: "for claiflow: what its commands do, by name: { run, shell } or { uses }",
      },
      out: { type: "string", value: "DIR", summary: "write NAME.yaml into this folder; nothing is overwritten" },
    },
    examples: ["import github .github/workflows/test.yml > test.yaml", "import klevr init-tasks.yml --out pipelines"],
    run: async (call) => (await import("../import/import.ts")).importFile(call),
  }),
];
