// How an app changes when a task is requested for it, and when that task ends. Pure.

import { completeRecord } from "@gantry/core/app/app-record.ts";
import type { Build } from "@gantry/core/build/build.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { referencesIn, render } from "@gantry/core/expr/template.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { AppState, Deployment, TaskState } from "@gantry/core/task/model.ts";

export type AppChange = { readonly app: AppState; readonly events: readonly JsonObject[] };

/**
 * The app after the request, or why the request is refused: `app-unknown`, `app-exists`, or `conflict` while the app is
 * being created. Not for pipelines without an app.
 */
export function appRequested(
  pipeline: Pipeline,
  app: AppState | undefined,
  task: { id: string; app: string; by: string; at: number; rerun: boolean; record?: JsonObject },
): AppChange | GantryError {
  if (pipeline.app === "existing") {
    if (!app || app.state === "removed") return new GantryError("app-unknown", { app: task.app });
    if (app.state !== "ready") return notReady(app);
    // The event increases the version, so a change that assumed that no task runs meets a conflict.
    const events = [{ kind: "AppTaskRequested", at: task.at, task: task.id }];
    return { app: { ...app, latest: { ...app.latest, [pipeline.name]: task.id } }, events };
  }
  if (app?.state === "ready" && !task.rerun) return appExists(app);
  if (app?.state === "creating" || app?.state === "undoing") return notReady(app);
  const events = [{ kind: "AppRequested", at: task.at, task: task.id, by: task.by }];
  if (app?.state === "ready") return { app: { ...app, latest: { ...app.latest, [pipeline.name]: task.id } }, events };
  return {
    app: {
      name: task.app,
      state: "creating",
      createdBy: app?.createdBy ?? task.by,
      createdAt: app?.createdAt ?? task.at,
      task: task.id,
      record: task.record ?? app?.record ?? {},
      facts: app?.facts ?? {},
      latest: { ...app?.latest, [pipeline.name]: task.id },
    },
    events,
  };
}

/** Why nothing can be done with an app that is not ready: its creation failed, or it is being created or undone. */
export function notReady({ name, state, task }: AppState): GantryError {
  const what = `App ${name}`;
  if (state === "failed") {
    const todo = "Rerun that task, or undo the creation.";
    return new GantryError("conflict", { what, problem: "was not created", why: `Task ${task} failed.`, todo });
  }
  const problem = `is being ${state === "creating" ? "created" : "undone"} by task ${task}`;
  return new GantryError("conflict", { what, problem, why: "That task has not ended." });
}

/** A ready app has this name. */
export function appExists({ name, task }: AppState): GantryError {
  return new GantryError("app-exists", { app: name, ...(task === "" ? {} : { task, why: `Task ${task} created it` }) });
}

/** The app after its task has ended; undefined when the app does not change. */
export function appAfter(
  app: AppState,
  { state, pipeline }: { readonly state: TaskState; readonly pipeline: Pipeline },
): AppChange | undefined {
  const at = state.endedAt ?? state.requestedAt;
  if (pipeline.undoes) return undone(app, state, at);
  if (pipeline.app === "new") return created(app, state, at);
  const { facts, build, deployed = [] } = state.result ?? {};
  const events: JsonObject[] = [];
  let next = app;
  if (facts) {
    next = { ...next, facts: { ...next.facts, ...facts } };
    events.push({ kind: "AppRemembered", at, task: state.id, facts });
  }
  if (build) {
    // The task's id begins the names of the builds: another app may get the name of this one later.
    const builds = { key: app.builds?.key ?? state.id, last: (app.builds?.last ?? 0) + 1 };
    next = { ...next, builds };
    events.push({ kind: "AppBuilt", at, task: state.id, build: builds.last });
  }
  if (deployed.length > 0) {
    const number = state.build?.number;
    const made = deployed.map(({ target, outcome, commit }): [string, Deployment] => [
      target,
      {
        ...(typeof number === "number" && number > 0 ? { build: number } : {}),
        ...(commit === undefined ? {} : { commit }),
        task: state.id,
        by: state.requestedBy,
        at,
        outcome,
      },
    ]);
    next = { ...next, good: goodAfter(app, made), deployed: { ...next.deployed, ...Object.fromEntries(made) } };
    events.push({ kind: "AppDeployed", at, task: state.id, targets: made.map(([target]) => target) });
  }
  return events.length === 0 ? undefined : { app: next, events };
}

/** So many builds of a target can be gone back to. */
const KEPT_GOOD = 10;

/** An app that an older version stored has only the last deployment of each target. */
function goodAfter({ good, deployed = {} }: AppState, made: readonly [string, Deployment][]): AppState["good"] {
  const isGood = ({ outcome, build }: Deployment): boolean => outcome === "succeeded" && build !== undefined;
  const before = good ?? Object.fromEntries(Object.entries(deployed).map(([target, one]) => [target, [one]]));
  const all = new Map(Object.entries(before).map(([target, list]) => [target, list.filter(isGood)]));
  for (const [target, one] of made.filter(([, deployment]) => isGood(deployment))) {
    const others = (all.get(target) ?? []).filter(({ build }) => build !== one.build);
    all.set(target, [one, ...others].slice(0, KEPT_GOOD));
  }
  return Object.fromEntries(all);
}

/** The build that the end of a task made, with its number; undefined when it made none. */
export function buildAfter(
  app: AppState,
  { id, requestedBy, endedAt, requestedAt, result }: TaskState,
  { origin }: Pick<Pipeline, "origin">,
): Build | undefined {
  if (!result?.build || !app.builds) return undefined;
  return {
    ...result.build,
    number: app.builds.last,
    app: app.name,
    task: id,
    by: requestedBy,
    at: endedAt ?? requestedAt,
    ...(origin === "app" ? { isOwn: true } : {}),
  };
}

function undone(app: AppState, state: TaskState, at: number): AppChange | undefined {
  if (app.state !== "undoing" || app.task !== state.id) return undefined;
  const succeeded = state.outcome === "succeeded";
  const kind = succeeded ? "AppUndone" : "AppUndoFailed";
  return { app: { ...app, state: succeeded ? "removed" : "failed" }, events: [{ kind, at, task: state.id }] };
}

function created(app: AppState, state: TaskState, at: number): AppChange | undefined {
  if (state.outcome !== "succeeded") {
    if (app.state !== "creating") return undefined;
    return { app: { ...app, state: "failed" }, events: [{ kind: "AppCreationFailed", at, task: state.id }] };
  }
  const record = state.outputs.app;
  return {
    app: { ...app, state: "ready", task: state.id, record: isJsonObject(record) ? record : {} },
    events: [{ kind: "AppCreated", at, task: state.id }],
  };
}

/** The app that was created, but has what another app has. */
export function creationRefused({ app, events }: AppChange, reason: string): AppChange {
  const failed = events.map((event) => ({ ...event, kind: "AppCreationFailed", reason }));
  return { app: { ...app, state: "failed" }, events: failed };
}

/** What is known of the record before the task has run: what comes from the parameters alone. */
export function expectedRecord({ outputs }: Pipeline, scope: JsonObject): JsonObject {
  return isJsonObject(outputs.app) ? knownPart(outputs.app, scope) : {};
}

function knownPart(template: JsonObject, scope: JsonObject): JsonObject {
  const known = Object.entries(template).flatMap(([key, value]): [string, JsonValue][] => {
    if (isJsonObject(value)) {
      const part = knownPart(value, scope);
      return Object.keys(part).length === 0 ? [] : [[key, part]];
    }
    const isKnown = referencesIn(value).every(({ variable }) => Object.hasOwn(scope, variable));
    const rendered = isKnown ? tryRender(value, scope) : undefined;
    return rendered === undefined ? [] : [[key, rendered]];
  });
  return Object.fromEntries(known);
}

/** Undefined where it depends on more, such as a secret parameter. */
function tryRender(template: JsonValue, scope: JsonObject): JsonValue | undefined {
  try {
    return render(template, scope);
  } catch (error) {
    if (error instanceof GantryError && error.code === "expression-failed") return undefined;
    throw error;
  }
}

/** The value of `app` in expressions. */
export function appScope(app: AppState | undefined): JsonObject {
  return app ? { ...completeRecord(app.name, app.record), name: app.name, facts: app.facts } : {};
}
