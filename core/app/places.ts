// The places that an app occupies: what Gantry must never deploy twice. Pure.

import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { applicationOf, completeRecord } from "./app-record.ts";

export type Place = {
  /** The name of the target. */
  readonly target: string;
  /** Equal texts mean the same place. */
  readonly key: string;
  /** The place in words, to use within a sentence. */
  readonly words: string;
};

/**
 * Each target has two: its folder or files in the yaml repository together with its namespace in a cluster of a site, and
 * its Argo CD application. Branches are ignored: two branches would write the same objects in the cluster.
 */
export function placesOf(name: string, record: JsonObject): readonly Place[] {
  const { yaml, targets } = completeRecord(name, record);
  if (!Array.isArray(targets)) return [];
  // An app that is being created has no yaml repository yet.
  const repository = isJsonObject(yaml)
    ? [yaml.system, yaml.project, yaml.slug].map(String).join("/").toLowerCase()
    : undefined;
  return (targets as readonly JsonValue[]).filter(isJsonObject).flatMap((target): Place[] => {
    const { site, cluster, namespace, overlay, files, at } = target;
    const application = applicationOf(name, target);
    const folder = typeof overlay === "string" ? plainPath(overlay) : JSON.stringify([plainFiles(files), at ?? ""]);
    const where = `${String(namespace)} in ${String(cluster)} at ${String(site)}`;
    return [
      ...(repository === undefined
        ? []
        : [
            {
              target: String(target.name),
              key: JSON.stringify(["path", site, cluster, namespace, repository, folder]),
              words: `${repository} ${String(overlay ?? target.path)} to ${where}`,
            },
          ]),
      {
        target: String(target.name),
        key: applicationKey(String(site), application),
        words: `the Argo CD application ${application} at ${String(site)}`,
      },
    ];
  });
}

/** The key of the place that an Argo CD application is. */
export function applicationKey(site: string, application: string): string {
  return JSON.stringify(["application", site, application]);
}

/** A file, or the folder of a kustomization, that CD changes for a target. */
export type Written = {
  readonly target: string;
  /** The number of the target in the record. */
  readonly at: number;
  /** Equal texts mean the same file of the same branch. */
  readonly key: string;
  /** The file in words, to use within a sentence. */
  readonly words: string;
  /** The place in it, if the target names one. Two targets at different places do not write the same. */
  readonly place: string | undefined;
  /** It is a kustomization: whoever writes it deploys all of it. */
  readonly isOverlay: boolean;
  /** The target says that another app writes it, too. */
  readonly isShared: boolean;
};

export function writtenBy(name: string, record: JsonObject): readonly Written[] {
  const { yaml, targets } = completeRecord(name, record);
  if (!Array.isArray(targets) || !isJsonObject(yaml)) return [];
  const repository = [yaml.system, yaml.project, yaml.slug].map(String).join("/");
  return (targets as readonly JsonValue[]).flatMap((target, at): Written[] => {
    if (!isJsonObject(target)) return [];
    const { overlay, files } = target;
    const branch = String(target.branch ?? yaml.branch ?? "main");
    const place = yaml.form === "argocd" ? target.application : target.at;
    const paths = typeof overlay === "string" ? [plainPath(overlay)] : (plainFiles(files) ?? []);
    return (Array.isArray(paths) ? (paths as readonly JsonValue[]) : []).map(String).map((path) => ({
      target: String(target.name),
      at,
      key: JSON.stringify(["writes", repository.toLowerCase(), branch, path]),
      words: `${path === "" ? "the top" : path} of ${repository}`,
      place: typeof place === "string" ? place : undefined,
      isOverlay: typeof overlay === "string",
      isShared: target.shared === true,
    }));
  });
}

/** The same text for every way to write a path inside a repository: `a/./b/` is `a/b`. The repository itself is "". */
export function plainPath(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

/** Each file once, in any order. */
function plainFiles(files: JsonValue | undefined): JsonValue | undefined {
  if (!Array.isArray(files)) return files;
  return [...new Set((files as readonly JsonValue[]).map((one) => plainPath(String(one))))].toSorted();
}
