// Removes an app whose creation failed: undoes what its creation made. Forgetting an app is in ../apps/apps.ts.

import { GantryError } from "@gantry/core/errors.ts";
import type { TaskEventOf } from "@gantry/core/task/events.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import { newTaskId } from "@gantry/core/task/task-id.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { MadeView } from "@gantry/wire/agent/deployments.ts";
import { appScope } from "./decide-app.ts";
import { madeByCreation, type PastTask, undoableSteps, undoCreation } from "./decide-undo.ts";
import { type Definitions, keepGenerated } from "./definitions.ts";
import type { TaskRecord } from "./task-store.ts";
import { appStream, taskStream } from "./task-stream.ts";
import type { Tasks } from "./tasks.ts";

export type RemoveDeps = {
  readonly journal: Journal;
  readonly tasks: Tasks;
  readonly definitions: Definitions;
  readonly portalUrl: string;
  /** A random UUID. */
  readonly newId: () => string;
};

export type MadeDeps = {
  readonly journal: Journal;
  readonly tasks: Pick<Tasks, "read">;
  readonly definitions: Pick<Definitions, "steps">;
};

const MAX_TASKS = 1_000;

/**
 * Starts the task that undoes the creation; the app is forgotten when it succeeds. Returns the running task if there is one.
 * Throws `app-unknown`, and `conflict` if the creation did not fail or created nothing that can be undone.
 */
export async function undoApp(deps: RemoveDeps, name: string, by: string): Promise<TaskRecord> {
  const { journal, tasks, definitions } = deps;
  const running = (await appStream.load(journal, name))?.state;
  const known = running?.state === "undoing" ? await tasks.read(running.task) : undefined;
  if (known) return known;
  const { state: app, version } = await failedApp(journal, name);
  const pipeline = undoCreation(name, await creationsOf(deps, app), undoableSteps(definitions.steps));
  if (!pipeline) {
    const problem = "made nothing that can be taken back";
    throw new GantryError("conflict", { what: `The creation of ${name}`, problem, why: "It can only be forgotten." });
  }
  const at = await tasks.now();
  const id = newTaskId(at, deps.newId());
  const { version: definition } = await keepGenerated(journal, pipeline);
  const event: TaskEventOf<"TaskRequested"> = {
    kind: "TaskRequested",
    at,
    task: id,
    pipeline: pipeline.name,
    definition,
    title: `Undo: ${name}`,
    app: name,
    appScope: appScope(app),
    params: {},
    requestedBy: by,
    url: `${deps.portalUrl}/tasks/${id}`,
  };
  const undoing: AppState = { ...app, state: "undoing", task: id };
  const events = [{ kind: "AppUndoRequested", at, task: id, by }];
  const record = await tasks.create(pipeline, [event], () => [
    appStream.append(name, { expected: version, events, state: undoing }),
  ]);
  if (!record) throw new GantryError("conflict", { what: `App ${name}` });
  return record;
}

/** What `undoApp` would take back, in its order. Throws `app-unknown`, and `conflict` if the creation did not fail. */
export async function undoPlan(deps: MadeDeps, name: string): Promise<readonly MadeView[]> {
  return madeFor(deps, (await failedApp(deps.journal, name)).state);
}

/** What the failed creation of this app made, or may have made, and can take back. Empty for an app whose creation did not fail. */
export async function madeFor(deps: MadeDeps, app: AppState): Promise<readonly MadeView[]> {
  if (app.state !== "failed") return [];
  return madeByCreation(await creationsOf(deps, app), undoableSteps(deps.definitions.steps));
}

async function failedApp(journal: Journal, name: string): Promise<{ state: AppState; version: number }> {
  const loaded = await appStream.load(journal, name);
  if (!loaded || loaded.state.state === "removed") throw new GantryError("app-unknown", { app: name });
  const { state } = loaded.state;
  if (state !== "failed") {
    const problem = { creating: "is being created", undoing: "is being undone", ready: "is ready" }[state];
    const why = "Only a creation that failed can be taken back. An app that is ready can be forgotten.";
    throw new GantryError("conflict", { what: `App ${name}`, problem, why });
  }
  return loaded;
}

/** The tasks that tried to create this app since its name was last free, newest first. */
async function creationsOf({ journal, tasks }: MadeDeps, app: AppState): Promise<readonly PastTask[]> {
  const page = await journal.find({
    index: "tasks-by-app",
    prefix: `${app.name}/`,
    order: "descending",
    limit: MAX_TASKS,
  });
  const states = page.items.map(taskStream.stateOf).filter(({ requestedAt }) => requestedAt >= app.createdAt);
  const records = await Promise.all(states.map(({ id }) => tasks.read(id)));
  return records.filter((record) => record !== undefined).filter(({ pipeline }) => pipeline.app === "new");
}
