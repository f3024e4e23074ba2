// Determines at which sites a pipeline would run, as far as a request tells. Pure.

import { UNKNOWN_SITE } from "@gantry/core/access/selector.ts";
import { targetsOf } from "@gantry/core/app/targets.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { isDeployStep } from "@gantry/core/pipeline/work.ts";
import type { PipelineView } from "@gantry/wire/agent/views.ts";

export type SiteFacts = {
  readonly pipeline: Pick<PipelineView, "app" | "params" | "jobs">;
  readonly params: JsonObject;
  /** The record of the app; empty for a new one. */
  readonly record: JsonObject;
};

/**
 * Each place once: a site, or `site/cluster` for a deployment. A job whose site is a name runs there. `app.…` and `params.…` are read; `each.site` means the sites of the
 * targets that the request names. Anything else is `UNKNOWN_SITE`.
 */
export function sitesOf(facts: SiteFacts): readonly string[] {
  // Where the tasks of other pipelines run is decided by the right to run those.
  const placed = facts.pipeline.jobs.filter(({ pipeline }) => pipeline === undefined);
  const sites = [...new Set(placed.flatMap((job) => sitesOfJob(job.site, facts)))];
  return [...sites, ...clustersAt(sites, facts)];
}

/**
 * A pipeline that deploys, but has no parameter for targets, may deploy to every target of the app: all clusters of the sites
 * where it runs count.
 */
function clustersAt(sites: readonly string[], { pipeline, record }: SiteFacts): readonly string[] {
  if (!deploys(pipeline.jobs) || targetParams(pipeline).length > 0) return [];
  return placedTargets(record).flatMap(({ site, place }) => (sites.includes(site) ? [place] : []));
}

/** Whether one of the jobs may change what runs in clusters. */
export function deploys(
  jobs: readonly { readonly steps: readonly { readonly uses?: string | undefined }[] }[],
): boolean {
  return jobs.some(({ steps }) => steps.some(({ uses = "" }) => isDeployStep(uses)));
}

/** The places that an app is built at or deployed to: a site, or `site/cluster`. */
export function sitesOfApp(record: JsonObject): readonly string[] {
  const build = valueAt(record, ["build", "site"]);
  return [
    ...new Set([...placedTargets(record).map(({ place }) => place), ...(typeof build === "string" ? [build] : [])]),
  ];
}

function sitesOfJob(site: JsonValue, facts: SiteFacts): readonly string[] {
  if (typeof site !== "string") return [UNKNOWN_SITE];
  if (!site.includes("${{")) return [site];
  const [, from, path = ""] = /^\$\{\{\s*(app|params|each)\.([\w.]+)\s*\}\}$/.exec(site) ?? [];
  if (from === "app") return [textOr(valueAt(facts.record, path.split(".")))];
  if (from === "params") return [textOr(facts.params[path] ?? defaultOf(facts.pipeline, path))];
  return from === "each" && path === "site" ? sitesOfTargets(facts) : [UNKNOWN_SITE];
}

/** The schemas of the parameters, by name. */
export function paramsIn({ params }: Pick<PipelineView, "params">): JsonObject {
  return isJsonObject(params.properties) ? params.properties : {};
}

/** The parameters that name targets. */
export function targetParams(pipeline: Pick<PipelineView, "params">): readonly string[] {
  const found = Object.entries(paramsIn(pipeline)).filter(([, one]) => isJsonObject(one) && one["x-ui"] === "target");
  return found.map(([name]) => name);
}

function sitesOfTargets({ pipeline, params, record }: SiteFacts): readonly string[] {
  const names = targetParams(pipeline);
  if (names.length === 0) return [UNKNOWN_SITE];
  const targets = placedTargets(record);
  return names.flatMap((name) => {
    const given = params[name] ?? (pipeline.app === "new" ? defaultOf(pipeline, name) : undefined);
    if (given === undefined) return targets.length === 0 ? [UNKNOWN_SITE] : targets.map(({ place }) => place);
    const wanted = (Array.isArray(given) ? (given as readonly JsonValue[]) : [given]).map(String);
    // A new app has no targets yet: its request names them as site/cluster.
    if (pipeline.app === "new") return wanted.flatMap((one) => [one, one.split("/").slice(0, 2).join("/")]);
    return wanted.map((one) => targets.find((target) => target.name === one)?.place ?? UNKNOWN_SITE);
  });
}

/** The site of a target without one is unknown. */
function placedTargets(
  record: JsonObject,
): readonly { readonly name: string; readonly site: string; readonly place: string }[] {
  return targetsOf(record).map(({ name, site = UNKNOWN_SITE, cluster }) => ({
    name,
    site,
    place: site === UNKNOWN_SITE || cluster === undefined ? site : `${site}/${cluster}`,
  }));
}

/** Undefined also for one that the run computes. */
export function defaultOf(pipeline: Pick<PipelineView, "params">, name: string): JsonValue | undefined {
  const value = valueAt(pipeline.params, ["properties", name, "default"]);
  return typeof value === "string" && value.includes("${{") ? undefined : value;
}

function valueAt(root: JsonValue, path: readonly string[]): JsonValue | undefined {
  let at: JsonValue | undefined = root;
  for (const step of path) at = isJsonObject(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  return at;
}

function textOr(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : UNKNOWN_SITE;
}
