// An artifact: files that a job has saved under a name, for later jobs of its task and for people. The content of each file is
// kept under its digest. Pure.

import { z } from "zod";

/** Files of one artifact. */
export const MAX_ARTIFACT_FILES = 5_000;
const MAX_PATH = 1_000;
const MAX_RETENTION_MS = 366 * 86_400_000;
/** What a time that is no retention is told. */
export const RETENTION = "an artifact is kept for more than 0 and at most 366d";
const MAX_PART = 255;

export const artifactName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "a name of an artifact has letters, digits, `.`, `-` and `_`");
export const artifactDigest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be a SHA-256 digest");

/** Whether the text can be the path of a file in an artifact: below the workspace, with `/`, without links to other parts. */
export function isArtifactPath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a line break in a name would forge lines of a log.
  if (path.length > MAX_PATH || /[\u0000-\u001f\u007f\\]/.test(path)) return false;
  return path.split("/").every((part) => part !== "" && part !== "." && part !== ".." && part.length <= MAX_PART);
}

export function isRetention(ms: number): boolean {
  return ms > 0 && ms <= MAX_RETENTION_MS;
}

export const artifactFile = z.object({
  path: z.string().refine(isArtifactPath, "must be a path below the workspace"),
  digest: artifactDigest,
  size: z.int().min(0),
  executable: z.literal(true).optional(),
});
export type ArtifactFile = z.output<typeof artifactFile>;

export const artifactFiles = z
  .array(artifactFile)
  .min(1)
  .max(MAX_ARTIFACT_FILES)
  .refine((files) => new Set(files.map(({ path }) => path)).size === files.length, "a path occurs twice")
  .refine((files) => !hasFileAsFolder(files), "a file is also a folder of another file");

/** By sorting: to look for each folder of each path takes a minute when they are deep. */
function hasFileAsFolder(files: readonly ArtifactFile[]): boolean {
  const sorted = files.map(({ path }) => path).toSorted();
  return sorted.some((path) => {
    const inside = `${path}/`;
    let [from, to] = [0, sorted.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((sorted[middle] ?? "") < inside) from = middle + 1;
      else to = middle;
    }
    return sorted[from]?.startsWith(inside) === true;
  });
}

export function bytesOf(files: readonly Pick<ArtifactFile, "size">[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** What the record of a task keeps of an artifact. The list of its files is kept where their content is. */
export type SavedArtifact = {
  /** The site whose store has it. */
  readonly site: string;
  readonly attempt: number;
  /** Of the list of its files. */
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
  readonly savedAt: number;
  /** When it is removed, ms since 1970. */
  readonly keptUntil: number;
};
