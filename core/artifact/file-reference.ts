// The value of an output that is a file: which artifact of the job has it. Pure.

import { z } from "zod";
import { artifactDigest, artifactName, isArtifactPath } from "./artifact.ts";

const fileReference = z.strictObject({
  artifact: artifactName,
  /** Its path in the artifact, and in the workspace where it was made. */
  file: z.string().refine(isArtifactPath),
  /** Bytes. */
  size: z.int().min(0),
  digest: artifactDigest,
});
export type FileReference = z.output<typeof fileReference>;

/** Undefined: the value is no reference. */
export function asFileReference(value: unknown): FileReference | undefined {
  return fileReference.safeParse(value).data;
}
