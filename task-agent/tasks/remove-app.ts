// Removes an app whose creation failed: undoes what its creation made. Forgetting an app is in ../apps/apps.ts.

import { GantryError } from "@gantry/core/errors.ts";
import type { TaskEventOf } from "@gantry/core/task/events.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import { newTaskId } from "@gantry/core/task/task-id.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { appScope } from "./decide-app.ts";
import { type PastTask, undoCreation } from "./decide-undo.ts";
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
  const undoable = new Set(definitions.steps.filter(({ undo }) => undo).map((step) => step.name));
  const pipeline = undoCreation(name, await creationsOf(deps, app), undoable);
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
async function creationsOf({ journal, tasks }: RemoveDeps, app: AppState): Promise<readonly PastTask[]> {
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
