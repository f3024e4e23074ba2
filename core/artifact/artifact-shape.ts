// The form of `artifacts:` and `download:` of a job, before normalising. rules-artifacts.ts checks what a form cannot express.

import { z } from "zod";
import { durationShape } from "../pipeline/duration.ts";
import { artifactName } from "./artifact.ts";

const pattern = z.string().min(1).max(300);
export const pathPatterns = z.union([pattern, z.array(pattern).min(1).max(50)], "a path, or a list of paths");

export const artifactShape = z.strictObject({
  paths: pathPatterns.describe("Files and folders below the workspace. * and **; ! excludes"),
  retention: durationShape.optional().describe("How long it is kept, such as 7d. Default: 30d"),
  optional: z.boolean().optional().describe("Without it, the job fails when no file is found"),
  when: z
    .string("an expression, or `always`")
    .max(4_096)
    .optional()
    .describe("An expression, or always. Default: when the job has succeeded so far"),
});
export const artifactsShape = z
  .record(artifactName, z.union([pathPatterns, artifactShape], "a path, a list of paths, or a map with `paths`"))
  .refine((all) => Object.keys(all).length <= 20, "a job saves at most 20 artifacts");

export const downloadShape = z.strictObject({
  job: z.string().min(1).max(63).describe("The job that has saved it; this job needs it"),
  artifact: artifactName.optional().describe("Default: all artifacts of the job"),
  to: z.string().min(1).max(500).optional().describe("Folder below the workspace. Default: the workspace"),
});
export const downloadsShape = z.union(
  [
    z.string().min(1).max(63),
    z
      .array(z.union([z.string().min(1).max(63), downloadShape], "the id of a job, or a map with `job`"))
      .min(1)
      .max(50),
  ],
  "the id of a job, or a list of ids and maps with `job`",
);
export type ArtifactsFile = z.infer<typeof artifactsShape>;
export type DownloadsFile = z.infer<typeof downloadsShape>;
