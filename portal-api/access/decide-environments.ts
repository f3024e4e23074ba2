// Whether a change of an app leads around what an environment demands of its builds. Pure.

import { completeRecord } from "@gantry/core/app/app-record.ts";
import { isEqual } from "@gantry/core/app/merge-patch.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";

/**
 * The environment whose demands `after` evades; undefined if there is none. `named`: the environments that demand something.
 * Each place of a target in one of them must stay in it, no new target may deploy to the same place outside of it, and the
 * builds must come from the same repository and release branch. A place is a namespace of a cluster, because several
 * targets and folders can lead to it.
 */
export function evadedEnvironment(
  app: string,
  before: JsonObject,
  after: JsonObject,
  named: readonly string[],
): string | undefined {
  const [old, next] = [targetsOf(app, before), targetsOf(app, after)];
  const guarded = old.filter(({ environment }) => environment !== undefined && named.includes(environment));
  const [first] = guarded;
  if (!first) return undefined;
  if (!isEqual(sourceOf(before), sourceOf(after))) return first.environment;
  const isOld = (one: Target): boolean =>
    old.some(({ place, environment }) => place === one.place && environment === one.environment);
  return guarded.find(({ place, environment }) => {
    const there = next.filter((one) => one.place === place);
    return there.every((one) => one.environment !== environment) || !there.every(isOld);
  })?.environment;
}

type Target = { readonly place: string; readonly environment: string | undefined };

function targetsOf(app: string, record: JsonObject): readonly Target[] {
  const { targets } = completeRecord(app, record);
  if (!Array.isArray(targets)) return [];
  return (targets as readonly JsonValue[]).filter(isJsonObject).map(({ site, cluster, namespace, environment }) => ({
    place: JSON.stringify([site, cluster, namespace]),
    environment: typeof environment === "string" ? environment : undefined,
  }));
}

/** Without what only describes it. */
function sourceOf({ source }: JsonObject): JsonValue {
  if (!isJsonObject(source)) return null;
  const { system = null, project = null, slug = null, branch = "main" } = source;
  return [system, project, slug, branch];
}
