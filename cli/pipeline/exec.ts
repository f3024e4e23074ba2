// `gantry pipeline exec FILE`: runs a pipeline file on this machine, with the code of the task-agent and of the runner.

import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { type TaskView, taskView } from "@gantry/wire/agent/views.ts";
import { readRunnerConfig } from "../installed.ts";
import { EXIT } from "../line/exit-codes.ts";
import { readParams } from "../params.ts";
import { LivePrinter } from "../print/live-printer.ts";
import type { Call } from "../table/command.ts";
import { taskEvents } from "../task/task-events.ts";
import { taskLogs } from "../task/task-logs.ts";
import { taskPath } from "../task/task-of.ts";
import { localCopy, needsSystems, runsOthers } from "./decide-local.ts";
import { line } from "./lint.ts";
import { type LocalInstallation, type LocalOptions, startLocal } from "./local-installation.ts";
import { readArgument, readCatalogue, readPipeline } from "./pipeline-file.ts";

type ExecCall = Call<
  {
    readonly param: readonly string[];
    readonly workspace: string | undefined;
    readonly config: string | undefined;
  },
  readonly [file: string]
>;

const LINES_OF_FAILURE = "40";

/** The exit code: 0 when it succeeded, 1 when it failed, 2 when the file or a parameter is wrong, 130 after Ctrl-C. */
export async function exec(call: ExecCall): Promise<number> {
  const { io, flags } = call;
  const params = readParams(flags.param, io);
  const workspace = flags.workspace === undefined ? undefined : folderOf(flags.workspace);
  const runner = runnerOf(call);
  const prepared = prepare(call, runner.site, flags.config !== undefined);
  if (prepared === undefined) return EXIT.usage;
  // Before anything is made: Ctrl-C would leave it there.
  const signal = io.interruption();
  const local = await startLocal({ text: prepared.text, included: prepared.included, runner, workspace, env: io.env });
  try {
    return signal.aborted ? EXIT.interrupted : await run(call, local, { pipeline: prepared.name, params, signal });
  } finally {
    await local.close();
  }
}

/** The pipeline as it runs here. Undefined when it cannot: why is printed. */
function prepare(
  { io, args: [file] }: ExecCall,
  site: string,
  hasSystems: boolean,
): ({ readonly name: string } & Pick<LocalOptions, "text" | "included">) | undefined {
  const steps = readCatalogue(io);
  const { pipeline, problems, included = new Map<string, string>() } = readPipeline(io, file, steps);
  for (const one of problems) io.stderr(`${line(one)}\n`);
  if (!pipeline) return undefined;
  const others = runsOthers(pipeline);
  for (const one of others) io.stderr(`${one}\n`);
  if (others.length > 0) {
    io.stderr("Run a pipeline that runs others at a portal: gantry pipeline run\n");
    return undefined;
  }
  const lacking = hasSystems ? [] : needsSystems(pipeline, steps);
  for (const one of lacking) io.stderr(`${one}\n`);
  if (lacking.length > 0) {
    io.stderr("Name a configuration of a runner that has these systems: --config runner.yaml\n");
    return undefined;
  }
  const copy = localCopy(
    { name: file, text: readArgument(io, file), includes: (path) => included.get(path) },
    pipeline,
    site,
    steps,
  );
  for (const { detail } of copy.problems) io.stderr(`${file}: ${detail}\n`);
  if (copy.problems.length === 0) return { name: pipeline.name, text: copy.text, included };
  io.stderr("There is no app here. Run a pipeline that reads its app at a portal: gantry ci, gantry pipeline run\n");
  return undefined;
}

/** Without --config, a runner without systems and secrets, whose scripts run in the sandbox. */
function runnerOf({ io, flags }: ExecCall): LocalOptions["runner"] {
  if (flags.config === undefined) return { name: "local", site: "local" };
  readArgument(io, flags.config);
  const {
    agent: _,
    token: __,
    enrol: ___,
    data: ____,
    labels: _____,
    ...config
  } = readRunnerConfig(flags.config, io.env);
  return config;
}

function folderOf(given: string): string {
  const folder = resolve(given);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return folder;
  throw new GantryError("argument-unusable", { argument: `--workspace ${given}`, problem: "It is not a folder." });
}

type Wanted = { readonly pipeline: string; readonly params: object; readonly signal: AbortSignal };

async function run(
  call: ExecCall,
  { portal: open }: LocalInstallation,
  { pipeline, params, signal }: Wanted,
): Promise<number> {
  const { io } = call;
  const portal = open();
  const task = await portal.post("/v1/tasks", { pipeline, params }, taskView, randomUUID());
  const printer = new LivePrinter(io, task);
  const show = async (until: AbortSignal | undefined): Promise<TaskView> => {
    const patience = until && { signal: until, onLost: () => {} };
    for await (const event of taskEvents(open(until), task.id, patience)) printer.show(event);
    return portal.get(taskPath(task.id), taskView);
  };
  try {
    const ended = await show(signal);
    printer.end(ended);
    if (ended.state === "succeeded") return EXIT.ok;
    const flags = { follow: false, failed: true, tail: LINES_OF_FAILURE, grep: undefined };
    await taskLogs({ ...call, json: false, portal: open, flags, args: [task.id, undefined, undefined] });
    return EXIT.failed;
  } catch (error) {
    if (!signal.aborted) throw error;
    io.stderr("\nCanceling. A second Ctrl-C ends it at once.\n");
    await portal.post(`${taskPath(task.id)}/cancel`, {}, taskView);
    for await (const _ of taskEvents(portal, task.id));
    return EXIT.interrupted;
  }
}
