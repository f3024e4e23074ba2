// The templates of create-app, and the clusters of the sites. The task-agent may not talk to outside systems, so a task reads
// them: by a schedule, and on request. It also pushes templates that ship. The last good result is what forms offer and
// checks use. Agents that share a journal share it.

import type { ClustersAt } from "@gantry/core/app/known-clusters.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { SyncTemplates, TemplatesView } from "@gantry/wire/agent/templates.ts";
import { keepDefinition } from "../tasks/definitions.ts";
import type { Definition } from "../tasks/read-definitions.ts";
import { type StartDeps, startTask } from "../tasks/start-task.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import {
  clusterSitesOf,
  clustersView,
  isDue,
  knownClusters,
  offersOf,
  type Readable,
  type ReadState,
  readView,
  settled,
  taskView,
} from "./decide-templates.ts";

export type Templates = {
  readonly view: () => Promise<TemplatesView>;
  /** Reads them, and pushes before if that is asked for. Throws `bad-request` for a push without a project. */
  readonly sync: (request: SyncTemplates) => Promise<TaskRecord>;
  /** What forms offer, by the hint `ui` of a param. */
  readonly offers: () => Promise<Readonly<Record<string, readonly string[]>>>;
  /** The clusters of sites, where they are known and were read recently. */
  readonly knownClusters: () => Promise<ClustersAt>;
  /** The names of the clusters of each site, and when they were read. */
  readonly clusters: () => Promise<readonly ReturnType<typeof clustersView>[]>;
  /** Reads them when that is due, and keeps what an ended task has found. To be called every second, one call after the other. */
  readonly tick: () => Promise<void>;
};

export type TemplatesDeps = StartDeps & {
  /** The pipeline templates-sync. */
  readonly pipeline: Definition;
  /** Names of the templates that ship. */
  readonly shipped: readonly string[];
  readonly sites: () => Promise<readonly Pick<SiteView, "name" | "state" | "systems">[]>;
  /** How often they are read by themselves. */
  readonly everyMs: number;
};

const templatesStream = defineStream<ReadState>({ prefix: "agent/templates-read" });
const MAX_CONFLICTS = 8;
/** Who asks for the tasks that are due. */
const SCHEDULE = "templates";
const PLATFORM = "platform";
const LOOK_EVERY_MS = 10_000;
const NOTHING: Pick<ReadState, "read" | "clusters"> = { clusters: [] };

export function openTemplates(deps: TemplatesDeps): Templates {
  const { tasks } = deps;
  let openedAt: number | undefined;
  let lookedAt = -Infinity;

  /** Throws `conflict` when others kept requesting first. */
  const remember = async (task: TaskRecord, wanted: Readable): Promise<void> => {
    for (let round = 0; round < MAX_CONFLICTS; round += 1) {
      const { version, state } = await load(deps);
      if (await append(deps, version, { ...(state ?? NOTHING), ...requested(task, wanted) }, task.state.requestedBy))
        return;
    }
    throw new GantryError("conflict", { what: "The list of templates" });
  };

  return {
    view: async () => {
      const { state = NOTHING, task } = await load(deps);
      const project = presetProject(deps);
      const read = readView(state);
      return {
        ...(project === undefined ? {} : { project }),
        ...(read ? { read } : {}),
        ...(task ? { task: taskView(task.state) } : {}),
      };
    },
    sync: async (request) => {
      const project = request.project ?? presetProject(deps);
      if (project === undefined && request.push) throw withoutProject();
      const wanted = { project: project ?? "", sites: clusterSitesOf(await deps.sites()) };
      const record = await start(deps, request, wanted, deps.newId());
      await remember(record, wanted);
      return record;
    },
    offers: async () => offersOf((await load(deps)).state ?? NOTHING),
    clusters: async () => ((await load(deps)).state ?? NOTHING).clusters.map(clustersView),
    knownClusters: async () => {
      const { clusters } = (await load(deps)).state ?? NOTHING;
      return knownClusters(clusters, { now: await tasks.now(), everyMs: deps.everyMs });
    },
    tick: async () => {
      const now = await tasks.now();
      openedAt ??= now;
      // To list the sites costs much more than a glance at the time.
      if (now - lookedAt < Math.min(LOOK_EVERY_MS, deps.everyMs)) return;
      lookedAt = now;
      const { version, state, isNew } = await load(deps);
      if (state && isNew && !(await append(deps, version, state, SCHEDULE))) return;
      const sites = await deps.sites();
      const hasGit = sites.some(
        (one) => one.name === PLATFORM && one.state === "online" && one.systems.some(({ kind }) => kind === "git"),
      );
      const project = presetProject(deps) ?? state?.read?.project ?? "";
      const wanted = { project: hasGit ? project : "", sites: clusterSitesOf(sites) };
      if (!isDue(state, wanted, { now, openedAt, everyMs: deps.everyMs })) return;
      const system = state?.read?.project === project ? state.read.system : "";
      // Agents that find it due at the same time start one task.
      const key = `scheduled/${version}/${state?.requestedAt ?? 0}`;
      await remember(await start(deps, { principal: SCHEDULE, system }, wanted, key), wanted);
    },
  };
}

type Loaded = {
  readonly version: number;
  readonly state?: ReadState;
  /** The last task that was requested. */
  readonly task?: TaskRecord;
  /** Whether that task has ended, and the stored state does not say what it has found. */
  readonly isNew: boolean;
};

async function load({ journal, tasks }: TemplatesDeps): Promise<Loaded> {
  const loaded = await templatesStream.load(journal);
  if (!loaded) return { version: 0, isNew: false };
  const { version, state: stored } = loaded;
  const task = await tasks.read(stored.task);
  const state = settled(stored, task?.state);
  return { version, state, ...(task ? { task } : {}), isNew: state.isSettled && !stored.isSettled };
}

/** False after a conflict. */
async function append({ journal }: TemplatesDeps, expected: number, state: ReadState, by: string): Promise<boolean> {
  const events = [{ kind: state.isSettled ? "TemplatesSettled" : "TemplatesRequested", task: state.task, by }];
  return (await journal.append([templatesStream.append("", { expected, events, state })])).ok;
}

function requested({ state }: TaskRecord, { project, sites }: Readable) {
  return { task: state.id, requestedAt: state.requestedAt, isSettled: false, project, sites };
}

async function start(
  deps: TemplatesDeps,
  { principal, system = "", push }: Pick<SyncTemplates, "principal" | "system" | "push">,
  { project, sites }: Readable,
  key: string,
): Promise<TaskRecord> {
  const { pipeline, definitions, shipped } = deps;
  await keepDefinition(deps.journal, pipeline);
  const params = {
    ...{ system, project, force: push?.force ?? false },
    push: push ? [...(push.templates ?? shipped)] : [],
    clusterSites: [...sites],
  };
  return startTask(
    { ...deps, definitions: { ...definitions, current: () => pipeline } },
    { pipeline: pipeline.pipeline.name, params, principal, idempotencyKey: `templates-sync/${key}` },
  );
}

function withoutProject(): GantryError {
  const detail = "project is missing: params.yaml presets no project of the templates for create-app";
  return new GantryError("bad-request", { problem: detail }, { problems: [{ pointer: "/project", detail }] });
}

/** Of the form of create-app. */
function presetProject({ definitions }: Pick<StartDeps, "definitions">): string | undefined {
  const preset = definitions.current("create-app")?.pipeline.params.properties.templates?.default;
  return typeof preset === "string" && !preset.includes("${{") ? preset : undefined;
}
