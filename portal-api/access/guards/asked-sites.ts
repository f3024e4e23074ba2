// What the policy asks about a request: the record of its app, and the sites at which its work would run.

import { UNKNOWN_SITE } from "@gantry/core/access/selector.ts";
import { type Verb, verbEntry } from "@gantry/core/access/verbs.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import type { Portal } from "../../portal.ts";
import { sitesOf, sitesOfApp } from "../decide-sites.ts";
import { type AskedOfTask, ifUnknown, type Start, type Who } from "./guard.ts";

export async function recordOf(
  { portal, rights }: Pick<Who, "portal" | "rights">,
  app: string | undefined,
): ReturnType<Portal["facts"]["app"]> {
  return rights.needs.record && app !== undefined ? portal.facts.app(app) : {};
}

/** Of the work that is started, else of the app as it is. Undefined when no rule asks for it. */
export async function sitesOfVerb(
  who: Pick<Who, "portal" | "rights">,
  verb: Verb,
  start: Start,
): Promise<readonly string[] | undefined> {
  if (verbEntry(verb).runs || start.app === undefined) return sitesOfStart(who, verb, start);
  if (!who.rights.needs.sites || !verbEntry(verb).placed) return undefined;
  const known = await who.portal.agent.app(start.app).catch(ifUnknown);
  return known ? sitesOfApp(known.record) : [];
}

/** Undefined when no rule asks for it. */
export async function sitesOfStart(
  { portal, rights }: Pick<Who, "portal" | "rights">,
  verb: Verb,
  { app, pipeline, params }: Start,
): Promise<readonly string[] | undefined> {
  if (!rights.needs.sites || !verbEntry(verb).runs || pipeline === undefined) return undefined;
  const view = await portal.agent.pipeline(pipeline);
  const known = view.app === "existing" && app !== undefined ? await portal.agent.app(app).catch(ifUnknown) : undefined;
  return sitesOf({ pipeline: view, params: params ?? {}, record: known?.record ?? {} });
}

/**
 * Of a job, or of all jobs of a task: jobs that are not there yet run where the pipeline of now would run for the app of now.
 * A rerun may use the newest file, and it always looks up the targets of the app again. `edited`: the parameters that it changes.
 */
export async function sitesOfTask(who: AskedOfTask, job?: string, edited?: JsonObject): Promise<readonly string[]> {
  const isRerun = edited !== undefined;
  const { app, pipeline, params, jobs } = await who.portal.agent.task(who.params.id);
  if (job !== undefined) {
    const asked = jobs.filter(({ key }) => key === job);
    const sites = await sitesOfJobs(who.portal, asked);
    return asked.length > 0 && sites.length === 0 ? [UNKNOWN_SITE] : sites;
  }
  const known = await sitesOfJobs(who.portal, jobs);
  const isOpen = jobs.some(({ site, child }) => site === "" && child === undefined);
  if (!isRerun && !isOpen) return known;
  const now = await sitesOfStart(who, "rerun", { app, pipeline, params: { ...params, ...edited } }).catch(ifUnknown);
  return [...known, ...(now ?? []), ...(isOpen && (isRerun || !now) ? [UNKNOWN_SITE] : [])];
}

/** A job that runs another pipeline is where the jobs of that task are, and theirs. Jobs whose site is not known yet are left out. */
async function sitesOfJobs({ agent }: Pick<Portal, "agent">, jobs: TaskView["jobs"]): Promise<readonly string[]> {
  const sites = new Set<string>();
  const seen = new Set<string>();
  const open = [...jobs];
  for (const { site, child, state } of open) {
    if (child === undefined) {
      if (site !== "") sites.add(site);
    } else if (child.task === undefined) {
      if (state !== "skipped") sites.add(UNKNOWN_SITE);
    } else if (!seen.has(child.task)) {
      seen.add(child.task);
      const view = await agent.task(child.task).catch(ifUnknown);
      if (view === undefined || view.jobs.some((one) => one.site === "" && one.child === undefined))
        sites.add(UNKNOWN_SITE);
      open.push(...(view?.jobs ?? []));
    }
  }
  return [...sites];
}
