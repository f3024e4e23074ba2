// Starts the pipelines that come after a task that has ended, and rollbacks. Reads the ends of all tasks in their order; how far it has read is
// stored now and then, and what is read twice starts nothing twice.

import { buildScope } from "@gantry/core/build/build.ts";
import { actionOf } from "@gantry/core/choice/actions.ts";
import { ownName } from "@gantry/core/choice/check-own.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { isFromFork } from "@gantry/core/task/from-fork.ts";
import type { AppState, TaskState } from "@gantry/core/task/model.ts";
import type { TriggerOf } from "@gantry/core/trigger/trigger.ts";
import { MAX_DEPTH } from "@gantry/core/trigger/upstream.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import { listBuilds } from "../builds/build-stream.ts";
import { appStream, taskStream } from "../tasks/task-stream.ts";
import { hasAutomaticRollback, rollBackAfter } from "./automatic-rollback.ts";
import { startTriggered, type TriggerDeps } from "./start-triggered.ts";

export type Upstream = {
  /** Handles the tasks that have ended since the last call. One call after the other. Rejects when the store fails. */
  readonly tick: () => Promise<void>;
};

/** `after`: everything up to this `seq` was handled. Absent: no pipeline came after another. */
const positionStream = defineStream<{ readonly after?: number }>({ prefix: "agent/trigger-position" });

const PAGE = 500;
/** After this many events the position is stored. */
const STORE_EVERY = 50;
/** How many of the newest builds of the app are searched for the one of the task. */
const NEWEST_BUILDS = 20;

export function openUpstream(deps: TriggerDeps): Upstream {
  const { journal } = deps;
  let after: number | undefined;
  let stored: number | undefined;
  let isOpen = false;

  // Without events, so that storing a position is no event to read.
  const store = async (position: number | undefined): Promise<void> => {
    const state = position === undefined ? {} : { after: position };
    await journal.append([positionStream.append("", { expected: 0, state })]);
    stored = position;
  };
  const begin = async (): Promise<number> => {
    if (!isOpen) stored = (await positionStream.load(journal))?.state.after;
    const from = isOpen ? undefined : stored;
    isOpen = true;
    if (from !== undefined) return from;
    const newest = await newestSeq(journal);
    await store(newest);
    return newest;
  };

  return {
    tick: async () => {
      if (!mayFollow(deps)) {
        if (!isOpen) stored = (await positionStream.load(journal))?.state.after;
        isOpen = true;
        // What ends until a pipeline comes after another again is not made up for.
        if (stored !== undefined) await store(undefined);
        after = undefined;
        return;
      }
      after ??= await begin();
      for (;;) {
        const page = await journal.feed({ after, limit: PAGE });
        for (const { stream, event } of page) {
          const id = event.kind === "TaskEnded" ? taskStream.idOf(stream) : undefined;
          if (id !== undefined) await startAfter(deps, id);
        }
        after = page.at(-1)?.seq ?? after;
        if (after - (stored ?? 0) >= STORE_EVERY) await store(after);
        if (page.length < PAGE) return;
      }
    },
  };
}

/** Whether anything may come after a task, a pipeline or a rollback: those of apps are not known without reading each app. */
function mayFollow({ definitions }: TriggerDeps): boolean {
  const isAfter = definitions.list().some(({ pipeline }) => pipeline.triggers?.some(({ kind }) => kind === "upstream"));
  const isRolledBack = hasAutomaticRollback(definitions.environments?.() ?? {});
  return isAfter || isRolledBack || (definitions.own?.() ?? []).length > 0;
}

async function newestSeq(journal: Pick<Journal, "append">): Promise<number> {
  const answer = await journal.append([]);
  if (!answer.ok) throw new Error("an empty batch cannot meet a conflict");
  return answer.seq;
}

/** Starts what comes after one task: for its app, and pipelines without an app. */
async function startAfter(deps: TriggerDeps, id: string): Promise<void> {
  // A task that is archived ended long ago.
  const record = await deps.tasks.read(id);
  // What people outside have caused starts nothing: they choose the outputs of such a task.
  if (record?.state.outcome === undefined || isFromFork(record.state)) return;
  const { state, pipeline: ended } = record;
  const { outcome } = record.state;
  const loaded = state.app === undefined ? undefined : await appStream.load(deps.journal, state.app);
  const depth = depthOf(state) + 1;
  const facts: JsonObject = {
    task: state.id,
    pipeline: state.pipeline,
    outcome,
    outputs: state.outputs,
    build: loaded ? await buildOf(deps, loaded.state, state) : {},
    depth,
  };
  const whyNot = (trigger: TriggerOf<"upstream">, of: Pipeline): string | undefined => {
    // People of an app choose the names of their pipelines. For the platform's, only what is behind the same button is meant.
    const isOwnMeant = of.origin === "app" || actionOf(ended) === trigger.pipeline;
    const isMeant =
      state.pipeline === trigger.pipeline ||
      (isOwnMeant && state.pipeline === ownName(state.app ?? "", trigger.pipeline));
    if (!isMeant) return `It comes after ${trigger.pipeline}, and ${state.pipeline} has ended.`;
    return trigger.outcomes.includes(outcome) ? undefined : `Task ${id} ended as ${outcome}.`;
  };
  const tooDeep = depth > MAX_DEPTH ? { refused: `${MAX_DEPTH} pipelines have started each other already.` } : {};
  const causedBy = [...(state.causedBy ?? []), ...(isTrigger(state) ? [] : [state.requestedBy])];
  const event = { kind: "upstream" as const, facts, causedBy, cause: `upstream ${id}`, whyNot, ...tooDeep };
  if (loaded) await rollBackAfter(deps, state, loaded.state, event);
  if (state.app !== undefined) await startTriggered(deps, state.app, event);
  await startTriggered(deps, undefined, event);
}

/** A person may also have run a schedule, or such a task again. */
function isTrigger({ requestedBy, trigger }: TaskState): boolean {
  return trigger !== undefined && requestedBy === `trigger:${String(trigger.kind)}`;
}

function depthOf({ trigger }: TaskState): number {
  return trigger?.kind === "upstream" && typeof trigger.depth === "number" ? trigger.depth : 0;
}

/** The build that the task has made or deployed; empty if there is none. */
async function buildOf(
  { journal }: TriggerDeps,
  app: AppState,
  { id, result, build = {} }: TaskState,
): Promise<JsonObject> {
  if (!result?.build) return build;
  const { builds } = await listBuilds(journal, app, { limit: NEWEST_BUILDS });
  const made = builds.find(({ task }) => task === id);
  return made === undefined ? build : buildScope(made);
}
