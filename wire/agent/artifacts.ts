// What the jobs of a task have saved, as people see it.

import { z } from "zod";

export const artifactView = z
  .object({
    job: z.string().describe("Key of the job that saved it"),
    name: z.string(),
    attempt: z.int(),
    site: z.string().describe("Where it is kept"),
    files: z.int(),
    bytes: z.int(),
    savedAt: z.string(),
    keptUntil: z.string(),
    state: z.enum(["kept", "expired"]).describe("`expired`: its time is over, and its files are removed"),
  })
  .meta({ id: "Artifact" });
export type ArtifactView = z.infer<typeof artifactView>;

export const artifactFileView = z
  .object({ path: z.string(), size: z.int(), digest: z.string(), executable: z.boolean() })
  .meta({ id: "ArtifactFile" });
export type ArtifactFileView = z.infer<typeof artifactFileView>;

/** Of a part of a file: the size of the whole file. */
export const ARTIFACT_SIZE_HEADER = "gantry-artifact-size";
