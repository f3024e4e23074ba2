// A file as an output of a script: it is kept as an artifact of the job, and the output says which one.

import { lstat, realpath } from "node:fs/promises";
import { join } from "node:path";
import { artifactName } from "@gantry/core/artifact/artifact.ts";
import type { FileReference } from "@gantry/core/artifact/file-reference.ts";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { StepRun } from "../steps/step-run.ts";
import { addContent } from "./content-folder.ts";

/** As long as an artifact that names no time. */
const KEEP_MS = 30 * 86_400_000;

/**
 * Saves the file as the artifact `<step>.<name>`; a second try of the step replaces it. Call it when nothing of the script runs any more.
 * Throws `outputs-invalid` when there is no such file, and what adding and saving an artifact throw.
 */
export async function saveOutputFile(
  { job, step, signal, log }: StepRun,
  name: string,
  { path, line }: { readonly path: string; readonly line: number },
): Promise<FileReference> {
  const refused = (what: string): GantryError =>
    new GantryError("outputs-invalid", { problem: `Line ${line} of the file GANTRY_OUTPUT ${what}.` });
  const artifact = `${step.id}.${name}`;
  if (!artifactName.safeParse(artifact).success)
    throw refused(
      `needs an artifact named ${artifact}, and this is no name of an artifact: give the step a shorter id`,
    );
  const { workspace } = job.folders;
  const file = join(workspace, path);
  const [inside, real] = await Promise.all([realpath(workspace), realpath(file).catch(orGone)]);
  if (real === undefined) throw refused(`names ${path}, which is not in the workspace`);
  // A script can make a link to what only the runner may read.
  if (real !== join(inside, path)) throw refused(`names ${path}, which is a link or below one`);
  if (!(await lstat(file)).isFile()) throw refused(`names ${path}, which is not a file`);
  const { digest, size, executable } = await addContent(job.environment.content, file, path, {
    mayLink: false,
    room: job.contentRoom,
  });
  const files = [{ path, digest, size, ...(executable ? { executable: true as const } : {}) }];
  await job.artifacts.save({ name: artifact, keepMs: KEEP_MS, files }, signal);
  log.line(`[gantry] Saved the output ${name}, ${path} with ${counted(size, "byte")}, as the artifact ${artifact}.`);
  return { artifact, file: path, size, digest };
}

function orGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT" && error.code !== "ENOTDIR" && error.code !== "ELOOP") throw error;
}
