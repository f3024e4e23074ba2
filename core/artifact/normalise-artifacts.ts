// Converts `artifacts:`, `download:` and `cache:` of a job from the form of the file to the form that runs.

import { bareCondition } from "../expr/condition.ts";
import { parseDuration } from "../pipeline/duration.ts";
import type { ArtifactsFile, DownloadsFile } from "./artifact-shape.ts";
import type { ArtifactSpec, CacheSpec, DownloadSpec } from "./artifact-spec.ts";
import type { CachesFile } from "./cache-shape.ts";

const DAY_MS = 86_400_000;
const DEFAULT_RETENTION_MS = 30 * DAY_MS;

export function normaliseArtifacts(file: ArtifactsFile): readonly ArtifactSpec[] {
  return Object.entries(file).map(([name, given]) => {
    const { paths, retention, optional, ...rest } =
      typeof given === "string" || Array.isArray(given) ? { paths: given } : given;
    const when = bareCondition(rest.when);
    return {
      name,
      paths: typeof paths === "string" ? [paths] : paths,
      retentionMs: (retention === undefined ? undefined : parseDuration(retention)) ?? DEFAULT_RETENTION_MS,
      optional: optional ?? false,
      ...(when === undefined ? {} : { when }),
    };
  });
}

export function normaliseDownloads(file: DownloadsFile): readonly DownloadSpec[] {
  return (typeof file === "string" ? [file] : file).map((given) => {
    const { job, artifact, to = "." } = typeof given === "string" ? { job: given } : given;
    return { job, ...(artifact === undefined ? {} : { artifact }), to };
  });
}

export function normaliseCaches(file: CachesFile): readonly CacheSpec[] {
  return Object.entries(file).map(([name, given]) => {
    const {
      paths,
      files = [],
      key = "",
      fallback = [],
    } = typeof given === "string" || Array.isArray(given) ? { paths: given } : given;
    return { name, paths: list(paths), files: list(files), key, fallback: list(fallback) };
  });
}

function list(given: string | readonly string[]): readonly string[] {
  return typeof given === "string" ? [given] : given;
}
