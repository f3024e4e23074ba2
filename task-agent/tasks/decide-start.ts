// What a request for a task becomes, or why it is refused. Pure.

import { GantryError, type Problem } from "@gantry/core/errors.ts";
import { renderText } from "@gantry/core/expr/template.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { checkParams } from "@gantry/core/pipeline/params.ts";
import type { TaskEventOf } from "@gantry/core/task/events.ts";
import { taskTitle } from "@gantry/core/task/messages.ts";
import type { AppState, TaskState } from "@gantry/core/task/model.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { appRequested, appScope } from "./decide-app.ts";
import type { Definition } from "./definitions.ts";

export type Rerun = { readonly of: TaskState; readonly keep: boolean };

export type StartFacts = {
  readonly definition: Definition;
  readonly wish: StartTask;
  /** Name of the app that the task is for or makes. */
  readonly name: string | undefined;
  /** The app as it is on record. */
  readonly app: AppState | undefined;
  readonly at: number;
  readonly id: string;
  readonly url: string;
  readonly rerun: Rerun | undefined;
};

/** The first event of the task, without its place in the queue of its group, and what happens to the app. */
export type Started = {
  readonly event: TaskEventOf<"TaskRequested">;
  readonly app: AppState | undefined;
  readonly appEvents: readonly JsonObject[];
};

export function decideStart({ definition, wish, name, app, at, id, url, rerun }: StartFacts): Started | GantryError {
  const { pipeline, version } = definition;
  if (pipeline.app !== "none" && name === undefined)
    return new GantryError("bad-request", { problem: "the app is missing" });
  const request = { id, app: name ?? "", by: wish.principal, at, rerun: rerun !== undefined };
  // An app that is not there must be told before parameters whose defaults are read from it.
  const existing = pipeline.app === "existing" ? appRequested(pipeline, app, request) : undefined;
  if (existing instanceof GantryError) return existing;

  const scope = pipeline.app === "new" ? { name: name ?? "" } : appScope(app);
  const checked = checkParams(pipeline.params, wish.params, {
    app: scope,
    task: { id, url, requestedBy: wish.principal },
  });
  const problems = [...checked.problems, ...nameProblems(definition, name, checked.problems)];
  if (problems.length > 0) {
    const problem = problems.map((one) => `${one.pointer ?? ""} ${one.detail}`.trim()).join("; ");
    return new GantryError("bad-params", { pipeline: pipeline.name, problem }, { problems });
  }
  const change = pipeline.app === "new" ? appRequested(pipeline, app, request) : existing;
  if (change instanceof GantryError) return change;
  const group = pipeline.concurrency && renderText(pipeline.concurrency.group, { params: checked.params, app: scope });
  const event: Started["event"] = {
    kind: "TaskRequested",
    at,
    task: id,
    pipeline: pipeline.name,
    definition: version,
    title: taskTitle(pipeline.button, name),
    ...(name === undefined ? {} : { app: name }),
    appScope: scope,
    params: checked.params,
    requestedBy: wish.principal,
    url,
    ...(rerun ? { rerunOf: rerun.of.id, kept: rerun.keep ? keptJobs(rerun.of) : {} } : {}),
    ...(group === undefined ? {} : { group }),
  };
  return { event, app: change?.app, appEvents: change?.events ?? [] };
}

/** Names of apps become parts of addresses, repositories and namespaces, whatever a pipeline's own pattern allows. */
const APP_NAME = /^[a-z][a-z0-9-]{0,62}$/;

export function isAppName(name: string | undefined): name is string {
  return name !== undefined && APP_NAME.test(name);
}

function nameProblems(
  { pipeline }: Definition,
  name: string | undefined,
  known: readonly Problem[],
): readonly Problem[] {
  if (pipeline.app !== "new" || isAppName(name) || known.some((one) => one.pointer === "/name")) return [];
  return [
    { pointer: "/name", detail: "must be lower case letters, digits and hyphens, at most 63, and begin with a letter" },
  ];
}

/** Name of the app that a request is about: given, or among the parameters of the pipeline that makes apps. */
export function appName({ pipeline }: Definition, wish: StartTask): string | undefined {
  if (pipeline.app === "none") return undefined;
  if (pipeline.app === "existing") return wish.app;
  const name = wish.params.name;
  return typeof name === "string" ? name : wish.app;
}

function keptJobs(of: TaskState): NonNullable<Started["event"]["kept"]> {
  const kept = Object.values(of.jobs).filter((job) => job.outcome === "succeeded" && !job.final);
  return Object.fromEntries(
    kept.map((job) => [
      job.key,
      { outputs: job.outputs, steps: job.steps.map((step) => ({ id: step.id, outputs: step.outputs })) },
    ]),
  );
}
