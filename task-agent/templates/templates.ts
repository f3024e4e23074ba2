// The templates of create-app. The task-agent may not talk to a git host, so a task at the site `platform` reads them, and
// pushes those that ship. The last result is what forms offer.

import { GantryError } from "@gantry/core/errors.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { SyncTemplates, TemplatesView } from "@gantry/wire/agent/templates.ts";
import { keepDefinition } from "../tasks/definitions.ts";
import type { Definition } from "../tasks/read-definitions.ts";
import { type StartDeps, startTask } from "../tasks/start-task.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { offersOf, type ReadTemplates, readBy, taskView } from "./decide-templates.ts";

export type Templates = {
  readonly view: () => Promise<TemplatesView>;
  /** Reads them, and pushes before if that is asked for. Throws `bad-request` without a project. */
  readonly sync: (request: SyncTemplates) => Promise<TaskRecord>;
  /** What forms offer, by the hint `ui` of a param. */
  readonly offers: () => Promise<Readonly<Record<string, readonly string[]>>>;
};

export type TemplatesDeps = StartDeps & {
  /** The pipeline templates-sync. */
  readonly pipeline: Definition;
  /** Names of the templates that ship. */
  readonly shipped: readonly string[];
  /** Sites with an Argo CD and a runner that is online. */
  readonly clusterSites: () => Promise<readonly string[]>;
};

/** `task`: the last one that was requested. `read`: an earlier one that has read the templates. */
type State = { readonly task: string; readonly read?: string };
const templatesStream = defineStream<State>({ prefix: "agent/templates" });
const MAX_CONFLICTS = 8;

export function openTemplates(deps: TemplatesDeps): Templates {
  const { journal, tasks } = deps;

  /** The last task, and the last result. */
  const load = async (): Promise<{ version: number; task?: TaskRecord; by?: string; read?: ReadTemplates }> => {
    const loaded = await templatesStream.load(journal);
    if (!loaded) return { version: 0 };
    const { version, state } = loaded;
    const task = await tasks.read(state.task);
    const now = task && readBy(task.state);
    if (task && now) return { version, task, by: state.task, read: now };
    const earlier = state.read === undefined ? undefined : await tasks.read(state.read);
    const read = earlier && readBy(earlier.state);
    return { version, ...(task ? { task } : {}), ...(read && earlier ? { by: earlier.state.id, read } : {}) };
  };

  return {
    view: async () => {
      const { task, read } = await load();
      const project = presetProject(deps);
      return {
        ...(project === undefined ? {} : { project }),
        ...(read ? { read } : {}),
        ...(task ? { task: taskView(task.state) } : {}),
      };
    },
    sync: async (request) => {
      const record = await start(deps, request);
      for (let round = 0; round < MAX_CONFLICTS; round += 1) {
        const { version, by } = await load();
        const state: State = { task: record.state.id, ...(by === undefined ? {} : { read: by }) };
        const events = [{ kind: "TemplatesRequested", task: state.task, by: request.principal }];
        const { ok } = await journal.append([templatesStream.append("", { expected: version, events, state })]);
        if (ok) return record;
      }
      throw new GantryError("conflict", { what: "The list of templates" });
    },
    offers: async () => offersOf((await load()).read),
  };
}

/** Every request is a task of its own: what is pushed or read may have changed since the one before. */
async function start(deps: TemplatesDeps, request: SyncTemplates): Promise<TaskRecord> {
  const { pipeline, definitions, shipped } = deps;
  const { principal, system = "", push, project = presetProject(deps) } = request;
  if (project === undefined) {
    const detail = "project is missing: params.yaml presets no project of the templates for create-app";
    throw new GantryError("bad-request", { problem: detail }, { problems: [{ pointer: "/project", detail }] });
  }
  await keepDefinition(deps.journal, pipeline);
  const params = {
    ...{ system, project, force: push?.force ?? false },
    push: push ? [...(push.templates ?? shipped)] : [],
    clusterSites: [...(await deps.clusterSites())],
  };
  return startTask(
    { ...deps, definitions: { ...definitions, current: () => pipeline } },
    { pipeline: pipeline.pipeline.name, params, principal, idempotencyKey: `templates-sync/${deps.newId()}` },
  );
}

/** Of the form of create-app. */
function presetProject({ definitions }: Pick<StartDeps, "definitions">): string | undefined {
  const preset = definitions.current("create-app")?.pipeline.params.properties.templates?.default;
  return typeof preset === "string" && !preset.includes("${{") ? preset : undefined;
}
