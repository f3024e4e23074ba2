// What the record of an app says of its targets and of its release branch. A record that a pipeline made may lack any of it. Pure.

import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";

export type RecordTarget = {
  readonly name: string;
  readonly site: string | undefined;
  readonly environment: string | undefined;
  /** As Argo CD names it. */
  readonly cluster: string | undefined;
};

export function targetsOf({ targets }: JsonObject): readonly RecordTarget[] {
  if (!Array.isArray(targets)) return [];
  return (targets as readonly JsonValue[]).filter(isJsonObject).map(({ name, site, environment, cluster }) => ({
    name: String(name),
    site: textOf(site),
    environment: textOf(environment),
    cluster: textOf(cluster),
  }));
}

/** The sites where the app is built or runs. */
export function sitesOfRecord(record: JsonObject): readonly string[] {
  const built = isJsonObject(record.build) ? textOf(record.build.site) : undefined;
  const all = [built, ...targetsOf(record).map(({ site }) => site)];
  return [...new Set(all.filter((site) => site !== undefined))];
}

/** Builds are released from this branch. */
export function releaseBranchOf({ source }: JsonObject): string {
  return (isJsonObject(source) ? textOf(source.branch) : undefined) ?? "main";
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
