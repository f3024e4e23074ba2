// Whether a change of an app leads around what an environment demands of its builds. Pure.

import { completeRecord } from "@gantry/core/app/app-record.ts";
import { isEqual } from "@gantry/core/app/merge-patch.ts";
import { plainPath } from "@gantry/core/app/places.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";

/** The record of an app, before and after the change. Empty: there is no app. */
export type AppChange = { readonly app: string; readonly before: JsonObject; readonly after: JsonObject };

/**
 * The environment whose demands `after` evades; undefined if there is none. `named`: the environments that demand something.
 * Each place of a target in one of them must stay in it, no target outside of it may newly deploy to the same place or write
 * the same files, and the builds must come from the same repository and release branch. A place is a namespace of a
 * cluster, because several targets and folders can lead to it.
 */
export function evadedEnvironment({ app, before, after }: AppChange, named: readonly string[]): string | undefined {
  const [old, next] = [targetsOf(app, before), targetsOf(app, after)];
  const guarded = old.filter(({ environment }) => isNamed(named, environment));
  const [first] = guarded;
  if (!first) return undefined;
  if (!isEqual(sourceOf(before), sourceOf(after))) return first.environment;
  const isOld = (one: Target): boolean =>
    old.some(({ place, environment }) => place === one.place && environment === one.environment);
  const isMoved = guarded.find(({ place, environment }) => {
    const there = next.filter((one) => one.place === place);
    return there.every((one) => one.environment !== environment) || !there.every(isOld);
  });
  return (isMoved ?? rewritten(old, next, next, guarded))?.environment;
}

/**
 * The same for what another app deploys. `of`: the app whose environment is evaded. A target of the changed app may newly
 * neither deploy to a place nor write a file of another app that is in a different environment, and a file that another app
 * writes does not become one of a place that the changed app has in an environment.
 */
export function evadedWithOther(
  { app, before, after }: AppChange,
  other: { readonly name: string; readonly record: JsonObject },
  named: readonly string[],
): { readonly of: string; readonly environment: string | undefined } | undefined {
  const [old, next, others] = [targetsOf(app, before), targetsOf(app, after), targetsOf(other.name, other.record)];
  const added = next.filter((one) => !old.some((known) => isEqual(known.all, one.all)));
  const reached = others.find(
    (theirs) =>
      isNamed(named, theirs.environment) &&
      added.some(
        (one) => one.environment !== theirs.environment && (one.place === theirs.place || writes(one, theirs)),
      ),
  );
  if (reached) return { of: other.name, environment: reached.environment };
  const guarded = old.filter(({ environment }) => isNamed(named, environment));
  const own = rewritten([...old, ...others], added, others, guarded);
  return own && { of: app, environment: own.environment };
}

type Target = {
  readonly place: string;
  readonly environment: string | undefined;
  /** What Gantry writes for it, and what Argo CD deploys. */
  readonly written: Files;
  readonly deployed: Files;
  readonly all: JsonValue;
};

/** `repository`: with the branch. `at`: the place within the files, if it is only one. */
type Files = { readonly repository: string; readonly paths: readonly string[]; readonly at: string | undefined };

/** A target of `next` at a place of `guarded` whose files one of `writers` writes, which is of no environment or another one. */
function rewritten(
  old: readonly Target[],
  next: readonly Target[],
  writers: readonly Target[],
  guarded: readonly Target[],
): Target | undefined {
  const isKnown = (one: Target): boolean => old.some(({ all }) => isEqual(all, one.all));
  return next.find(
    (one) =>
      guarded.some(({ place, environment }) => place === one.place && environment === one.environment) &&
      writers.some(
        (writer) => writer.environment !== one.environment && !(isKnown(writer) && isKnown(one)) && writes(writer, one),
      ),
  );
}

/** Whether the folders and files overlap. */
function writes({ written }: Target, { deployed }: Target): boolean {
  if (written.repository !== deployed.repository) return false;
  if (written.at !== undefined && deployed.at !== undefined && !isWithin(written.at, deployed.at, "")) return false;
  return written.paths.some((one) => deployed.paths.some((other) => isWithin(one, other, "/")));
}

/** One of the two begins with the other. */
function isWithin(one: string, other: string, separator: string): boolean {
  const [short = "", long = ""] = [one, other].toSorted((a, b) => a.length - b.length);
  return short === "" || short === long || long.startsWith(`${short}${separator}`);
}

function isNamed(named: readonly string[], environment: string | undefined): boolean {
  return environment !== undefined && named.includes(environment);
}

function targetsOf(app: string, record: JsonObject): readonly Target[] {
  const { targets, yaml } = completeRecord(app, record);
  if (!Array.isArray(targets)) return [];
  return (targets as readonly JsonValue[]).filter(isJsonObject).map((target) => {
    const { site, cluster, namespace, environment } = target;
    const files = filesOf(target, isJsonObject(yaml) ? yaml : {});
    return {
      ...files,
      place: JSON.stringify([site, cluster, namespace]),
      environment: typeof environment === "string" ? environment : undefined,
      all: JSON.parse(JSON.stringify([site, cluster, namespace, environment, files])),
    };
  });
}

function filesOf(target: JsonObject, yaml: JsonObject): { readonly written: Files; readonly deployed: Files } {
  const { overlay, files, path, at, application } = target;
  const { system = null, project = null, slug = null, branch = "main", form } = yaml;
  const repository = JSON.stringify([system, project, slug]).toLowerCase() + JSON.stringify(target.branch ?? branch);
  const listed = Array.isArray(files) ? (files as readonly JsonValue[]) : [];
  const paths = [...listed, overlay].filter((one) => typeof one === "string").map(plainPath);
  // One file can hold the values of several targets, and one chart can be deployed with several files.
  const selector = form === "argocd" ? application : at;
  const written = { repository, paths, at: typeof selector === "string" ? selector : undefined };
  const isChart = form === "helm" || form === "argocd";
  const folder = typeof path === "string" && !isChart ? [plainPath(path)] : [];
  return { written, deployed: { ...written, paths: [...paths, ...folder] } };
}

/** Without what only describes it. */
function sourceOf({ source }: JsonObject): JsonValue {
  if (!isJsonObject(source)) return null;
  const { system = null, project = null, slug = null, branch = "main" } = source;
  return [system, project, slug, branch];
}
