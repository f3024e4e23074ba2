// The messages about artifacts in the runner protocol. A runner saves the list of the files first: the answer says which content
// the site's store lacks. It uploads that by digest and saves the list again. Since this version; an older task-agent never
// sends a job that needs them.

import { artifactDigest, artifactFiles, artifactName } from "@gantry/core/artifact/artifact.ts";
import { z } from "zod";
import { fence, jobRef } from "./protocol.ts";

const id = z.string().min(1).max(200);
const whole = z.coerce.number().pipe(z.int().min(0));

/** The largest part of a file in one request, bytes. */
export const ARTIFACT_CHUNK = 4 * 1_048_576;

export const saveArtifact = z.object({
  session: id,
  ref: jobRef,
  name: artifactName,
  /** From now on. */
  keepMs: z.int().positive(),
  files: artifactFiles,
});
/** Nothing is missing: the artifact is saved. */
export const saveArtifactReply = z.object({ missing: z.array(artifactDigest) });

/** Of a job that the asking job needs, or all jobs that its `each` made. Without `name`: all of its artifacts. */
export const fetchArtifacts = z.object({ session: id, ref: jobRef, job: id, name: artifactName.optional() });
export const fetchArtifactsReply = z.object({
  artifacts: z.array(
    z.object({
      /** Key of the job that saved it. */
      job: id,
      name: artifactName,
      /** Of the list of its files, which is fetched like the content of one. */
      digest: artifactDigest,
    }),
  ),
});
export type FetchedArtifact = z.output<typeof fetchArtifactsReply>["artifacts"][number];

/** The body is the content from `offset` on. */
export const artifactUploadQuery = z.object({
  session: id,
  fence: z.coerce.number().pipe(fence),
  size: whole,
  offset: whole,
});
/** How many bytes the store has; less than was sent: continue from there. */
export const artifactUploadReply = z.object({ ack: z.int() });

/** `file`: the index in the list of its files; absent: the list itself, as JSON. The answer is at most a chunk of the content. */
export const artifactContentQuery = z.object({
  session: id,
  fence: z.coerce.number().pipe(fence),
  /** Key of the job that saved it, and its name. */
  from: id,
  name: artifactName,
  digest: artifactDigest,
  file: whole.optional(),
  offset: whole,
});
