// When templates and clusters are read, and what a task of the pipeline templates-sync has found. Pure.

import type { ClustersAt } from "@gantry/core/app/known-clusters.ts";
import type { JobState, TaskState } from "@gantry/core/task/model.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import { pushedTemplate, type TemplatesView, templateView } from "@gantry/wire/agent/templates.ts";
import { z } from "zod";

/** What was last read of templates. `at`: store time, ms. */
export type ReadTemplates = Omit<NonNullable<TemplatesView["read"]>, "at" | "clusters"> & {
  readonly at: number;
  readonly system: string;
};

/** The clusters of one site, as a runner of that site has last read them. `at`: store time, ms. */
export type ReadClusters = {
  readonly site: string;
  readonly at: number;
  readonly clusters: readonly { readonly name: string; readonly server: string }[];
  readonly isComplete: boolean;
};

/** As stored. What is read stays until it is read again, also when its task is removed. */
export type ReadState = {
  /** The task that was requested last, and when. Store time, ms. */
  readonly task: string;
  readonly requestedAt: number;
  /** Whether what that task has found is in this state. */
  readonly isSettled: boolean;
  /** What that task was to read. */
  readonly project: string;
  readonly sites: readonly string[];
  readonly read?: ReadTemplates;
  readonly clusters: readonly ReadClusters[];
};

/** What can be read now: an empty `project` for no templates. */
export type Readable = { readonly project: string; readonly sites: readonly string[] };

const listed = z.object({ templates: z.array(templateView), projects: z.array(z.string()) });
/** A runner is trusted for its own site only; what it reports has the form and the limits of names of clusters. */
const listedClusters = z.object({
  clusters: z.array(z.string().regex(/^[^\p{C}\s]{1,253}$/u)).max(500),
  servers: z.array(z.string().max(500)).max(500).default([]),
  isComplete: z.boolean().default(true),
});

const MAX_SITES = 200;
/** What is new is read soon, but not with every runner that signs in. */
const SOON_MS = 60_000;
/** A task that waits for a runner for longer than so many intervals no longer holds up the next one. */
const PATIENCE = 3;
/** After so many intervals without an answer, nobody knows the clusters of a site. At least an hour. */
const FRESH = 4;
const HOUR_MS = 3_600_000;

/** Whether they are to be read now by the schedule. `openedAt`: when this agent started; runners sign in after that. */
export function isDue(
  state: ReadState | undefined,
  { project, sites }: Readable,
  { now, openedAt, everyMs }: { readonly now: number; readonly openedAt: number; readonly everyMs: number },
): boolean {
  if (project === "" && sites.length === 0) return false;
  const soonMs = Math.min(SOON_MS, everyMs);
  if (now - openedAt < soonMs) return false;
  if (!state) return true;
  const ageMs = now - state.requestedAt;
  if (!state.isSettled) return ageMs >= PATIENCE * everyMs;
  const isNew = project !== state.project || sites.some((site) => !state.sites.includes(site));
  return ageMs >= (isNew ? soonMs : everyMs);
}

/** The state with what its task has found. `task`: undefined when it is gone. */
export function settled(state: ReadState, task: TaskState | undefined): ReadState {
  if (state.isSettled) return state;
  if (!task) return { ...state, isSettled: true };
  const read = templatesBy(task) ?? state.read;
  const found = clustersBy(task);
  const others = state.clusters.filter(({ site }) => !found.some((one) => one.site === site));
  return {
    ...state,
    isSettled: task.phase === "ended",
    ...(read ? { read } : {}),
    clusters: [...found, ...others].slice(0, MAX_SITES),
  };
}

/** Undefined when it has not read the templates. */
function templatesBy(task: TaskState): ReadTemplates | undefined {
  const job = Object.values(task.jobs).find(({ id, outcome }) => id === "templates" && outcome === "succeeded");
  const read = listed.safeParse(outputOf(job, "list"));
  if (!job || !read.success) return undefined;
  const text = (name: string): string => {
    const value = task.params[name];
    return typeof value === "string" ? value : "";
  };
  return { at: job.endedAt ?? task.requestedAt, project: text("project"), system: text("system"), ...read.data };
}

/** Sites whose clusters could not be read are absent, and so are those whose account sees none: that proves nothing. */
function clustersBy(task: TaskState): readonly ReadClusters[] {
  return Object.values(task.jobs).flatMap((job): ReadClusters[] => {
    if (job.id !== "clusters" || job.outcome !== "succeeded") return [];
    const found = listedClusters.safeParse(outputOf(job, "list"));
    if (!found.success || found.data.clusters.length === 0) return [];
    const { clusters, servers, isComplete } = found.data;
    const named = clusters.map((name, at) => ({ name, server: servers[at] ?? "" }));
    return [{ site: job.site, at: job.endedAt ?? task.requestedAt, clusters: named, isComplete }];
  });
}

export function readView({ read, clusters }: Pick<ReadState, "read" | "clusters">): TemplatesView["read"] {
  if (!read) return undefined;
  const { at, system: _, ...rest } = read;
  return { at: iso(at), ...rest, clusters: clusters.map(clustersView) };
}

export function clustersView({ site, at, clusters }: ReadClusters) {
  return { site, at: iso(at), names: clusters.map(({ name }) => name) };
}

export function taskView(task: TaskState): NonNullable<TemplatesView["task"]> {
  const pushed = Object.values(task.jobs).flatMap((job) => {
    const found = job.id === "push" ? pushedTemplate.safeParse(outputOf(job, "push")) : undefined;
    return found?.success ? [found.data] : [];
  });
  const { id, outcome, failure } = task;
  if (task.phase !== "ended") return { id, state: "running", pushed };
  if (outcome === "succeeded") return { id, state: "succeeded", pushed };
  const problem = failure ? `${failure.message} ${failure.why ?? ""}`.trim() : `The task ended as ${outcome}.`;
  return { id, state: "failed", problem, pushed };
}

/** What forms offer, by the hint `ui` of a param. */
export function offersOf({
  read,
  clusters,
}: Pick<ReadState, "read" | "clusters">): Readonly<Record<string, readonly string[]>> {
  const usable = (read?.templates ?? []).filter(
    (one) => one.kind === "source" && one.state !== "missing" && !one.problem,
  );
  return {
    template: usable.map(({ name }) => name),
    target: clusters.flatMap((one) => one.clusters.map(({ name }) => `${one.site}/${name}`)),
    project: read?.projects ?? [],
  };
}

/** The lists that are complete and fresh. */
export function knownClusters(
  clusters: readonly ReadClusters[],
  { now, everyMs }: { readonly now: number; readonly everyMs: number },
): ClustersAt {
  const freshMs = Math.max(FRESH * everyMs, HOUR_MS);
  return (site) => {
    const found = clusters.find((one) => one.site === site);
    if (!found?.isComplete || now - found.at > freshMs) return undefined;
    return { clusters: found.clusters, ageMs: Math.max(0, now - found.at) };
  };
}

/** Sites whose clusters can be read now. */
export function clusterSitesOf(sites: readonly Pick<SiteView, "name" | "state" | "systems">[]): readonly string[] {
  const able = sites.filter(
    ({ state, systems }) => state === "online" && systems.some(({ kind }) => kind === "argocd"),
  );
  return able.map(({ name }) => name);
}

function outputOf(job: JobState | undefined, step: string): unknown {
  return job?.steps.find(({ id }) => id === step)?.outputs;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
