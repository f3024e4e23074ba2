// The targets of an app as the fleet sees them, and how the application of a target is recognised. Pure.

import { applicationOf, completeRecord } from "../app/app-record.ts";
import { plainFolder, plainRepository } from "../app/same-repository.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import type { ObservedApplication } from "./observed.ts";

export type FleetTarget = {
  readonly app: string;
  readonly team: string | undefined;
  readonly name: string;
  readonly site: string;
  readonly environment: string | undefined;
  readonly cluster: string;
  readonly namespace: string;
  readonly application: string;
  /** Equal texts mean the same application: by its name, and by the folder that it deploys. */
  readonly nameKey: string;
  readonly placeKey: string | undefined;
};

export function fleetTargets(app: string, record: JsonObject): readonly FleetTarget[] {
  const { team, yaml, targets } = completeRecord(app, record);
  const url = isJsonObject(yaml) ? textOf(yaml.url) : undefined;
  if (!Array.isArray(targets)) return [];
  return (targets as readonly JsonValue[]).filter(isJsonObject).map((target): FleetTarget => {
    const site = textOf(target.site) ?? "";
    const application = applicationOf(app, target);
    return {
      app,
      team: textOf(team),
      name: textOf(target.name) ?? "",
      site,
      environment: textOf(target.environment),
      cluster: textOf(target.cluster) ?? "",
      namespace: textOf(target.namespace) ?? app,
      application,
      nameKey: nameKey(site, application),
      placeKey: url === undefined || url === "" ? undefined : placeKey(site, url, textOf(target.path)),
    };
  });
}

/** The keys by which the target of an application is found. */
export function keysOfApplication(
  site: string,
  { name, sources }: Pick<ObservedApplication, "name" | "sources">,
): { readonly name: string; readonly places: readonly string[] } {
  return {
    name: nameKey(site, name),
    places: sources.map(({ repository, path }) => placeKey(site, repository, path)),
  };
}

/** Whether an application of this folder deploys to the target: an overlay may be deployed to several places. */
export function isOfTarget(
  { cluster, into }: Pick<ObservedApplication, "cluster" | "into">,
  target: Pick<FleetTarget, "cluster" | "namespace">,
): boolean {
  return (cluster === undefined || cluster === target.cluster) && (into === undefined || into === target.namespace);
}

function nameKey(site: string, application: string): string {
  return `${site} ${application}`;
}

function placeKey(site: string, repository: string, path: string | undefined): string {
  return `${site} ${plainRepository(repository)} ${plainFolder(path)}`;
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
