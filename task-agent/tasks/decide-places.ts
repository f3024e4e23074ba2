// Checks that the places in a request exist. This happens before the task starts: later, its first effect may already have
// been made. Pure.

import { type ClustersAt, clusterProblem } from "@gantry/core/app/known-clusters.ts";
import { listed, siteProblem } from "@gantry/core/app/read-app.ts";
import { targetsOf } from "@gantry/core/app/targets.ts";
import { GantryError, type Problem } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { MAX_EXPANDED } from "@gantry/core/matrix/matrix.ts";
import type { ParamSchema, Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { didYouMean } from "@gantry/core/suggest.ts";

export type PlaceFacts = {
  readonly pipeline: Pipeline;
  readonly params: JsonObject;
  /** The record of the app, as expressions see it. */
  readonly app: JsonObject;
  /** Sites that runners serve; undefined when unknown. */
  readonly sites: readonly string[] | undefined;
  /** The clusters of a site; undefined where nobody knows. */
  readonly clustersAt?: ClustersAt | undefined;
};

/**
 * Params with `ui: target` name a place to deploy to, params with `ui: site` a site. One problem per place that does not
 * exist, with a JSON pointer into the params.
 */
export function placeProblems(facts: PlaceFacts): readonly Problem[] {
  const { pipeline, params } = facts;
  return Object.entries(pipeline.params.properties).flatMap(([name, param]) => {
    const problemOf = checkOf(param, facts);
    const given = params[name];
    if (problemOf === undefined || given === undefined) return [];
    const values = Array.isArray(given) ? (given as readonly JsonValue[]) : undefined;
    if (values?.length === 0) return [{ pointer: `/${name}`, detail: "must name at least one" }];
    return (values ?? [given]).flatMap((value, index, all): Problem[] => {
      const pointer = values === undefined ? `/${name}` : `/${name}/${index}`;
      const detail = all.indexOf(value) < index ? `${String(value)} is named twice` : problemOf(String(value));
      return detail === undefined ? [] : [{ pointer, detail }];
    });
  });
}

/**
 * `body-too-large` if a parameter names more places than a task can have jobs. Checked first: the other checks would be slow
 * and report thousands of problems.
 */
export function tooManyPlaces({ params }: Pipeline, given: JsonObject): GantryError | undefined {
  for (const [name, param] of Object.entries(params.properties)) {
    const value = given[name];
    if (param["x-ui"] !== "target" && param["x-ui"] !== "site") continue;
    if (Array.isArray(value) && value.length > MAX_EXPANDED)
      return new GantryError("body-too-large", { what: `The list ${name}`, limit: MAX_EXPANDED, unit: "places" });
  }
  return undefined;
}

/** The problem with a value; undefined if it is a place. */
type Check = (value: string) => string | undefined;

function checkOf(param: ParamSchema, { pipeline, app, sites, clustersAt }: PlaceFacts): Check | undefined {
  const problemOf = (site: string): string | undefined => (sites === undefined ? undefined : siteProblem(site, sites));
  if (param["x-ui"] === "site") return problemOf;
  if (param["x-ui"] !== "target") return undefined;
  // A new app has no targets yet: its request names them as site/cluster.
  if (pipeline.app !== "existing")
    return (value) => {
      const [site = "", cluster] = value.split("/");
      return problemOf(site) ?? (cluster === undefined ? undefined : clusterProblem(site, cluster, clustersAt));
    };
  const targets = targetsOf(app);
  const names = targets.map(({ name }) => name);
  return (value) => {
    const found = targets.find(({ name }) => name === value);
    if (found) return problemOf(found.site ?? "");
    return `the app has no target ${value}${didYouMean(value, names)}; its targets: ${listed(names)}`;
  };
}
