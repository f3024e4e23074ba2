// What a task of the pipeline templates-sync has found. Pure.

import type { JobState, TaskState } from "@gantry/core/task/model.ts";
import { pushedTemplate, type TemplatesView, templateView } from "@gantry/wire/agent/templates.ts";
import type { SiteView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";

export type ReadTemplates = NonNullable<TemplatesView["read"]>;

const listed = z.object({ templates: z.array(templateView), projects: z.array(z.string()) });
const clustersOf = z.object({ clusters: z.array(z.string()) });

/** Undefined when it has not read the templates. Clusters that it could not read are absent. */
export function readBy(task: TaskState): ReadTemplates | undefined {
  const jobs = Object.values(task.jobs);
  const job = jobs.find(({ id, outcome }) => id === "templates" && outcome === "succeeded");
  const read = listed.safeParse(outputOf(job, "list"));
  if (!job || !read.success) return undefined;
  const clusters = jobs.flatMap((one) => {
    const found = one.id === "clusters" ? clustersOf.safeParse(outputOf(one, "list")) : undefined;
    return found?.success ? [{ site: one.site, names: found.data.clusters }] : [];
  });
  const { project } = task.params;
  return {
    at: new Date(job.endedAt ?? task.requestedAt).toISOString(),
    project: typeof project === "string" ? project : "",
    ...read.data,
    clusters,
  };
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
export function offersOf(read: ReadTemplates | undefined): Readonly<Record<string, readonly string[]>> {
  if (!read) return {};
  const usable = read.templates.filter((one) => one.kind === "source" && one.state !== "missing" && !one.problem);
  return {
    template: usable.map(({ name }) => name),
    target: read.clusters.flatMap(({ site, names }) => names.map((name) => `${site}/${name}`)),
    project: read.projects,
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
