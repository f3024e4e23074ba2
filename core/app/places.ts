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
        key: JSON.stringify(["application", site, application]),
        words: `the Argo CD application ${application} at ${String(site)}`,
      },
    ];
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
