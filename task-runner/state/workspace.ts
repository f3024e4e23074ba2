// The folders of a runner. Every attempt has its own folders, named after its fence, so that cleaning up after one attempt
// never touches another.
//
//   <data>/journal.jsonl      the journal of the runner
//   <data>/jobs/<attempt>/    workspace, home, tmp, scripts: removed when the attempt is over
//   <data>/logs/<attempt>/    logs to be uploaded: removed when the task-agent has them
//   <data>/cache/<site>/      survives jobs; several jobs use it at once

import { join } from "node:path";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import { refFolder } from "../attempts/refs.ts";
import type { Files } from "./files.ts";

export type JobFolders = {
  readonly root: string;
  readonly workspace: string;
  readonly home: string;
  readonly tmp: string;
  /** Scripts and their outputs. Outside the workspace, so that no step packs or commits them. */
  readonly scripts: string;
  readonly logs: string;
};

export function jobFolders(data: string, ref: JobRef): JobFolders {
  const root = join(data, "jobs", refFolder(ref));
  const inRoot = (name: string): string => join(root, name);
  return {
    root,
    workspace: inRoot("workspace"),
    home: inRoot("home"),
    tmp: inRoot("tmp"),
    scripts: inRoot("scripts"),
    logs: join(data, "logs", refFolder(ref)),
  };
}

/** Creates the folders of an attempt, empty. */
export async function makeJobFolders(files: Files, folders: JobFolders): Promise<void> {
  await files.remove(folders.root);
  await files.makeFolder(folders.root);
  const { workspace, home, tmp, scripts, logs } = folders;
  await Promise.all([workspace, home, tmp, scripts, logs].map(files.makeFolder));
}

export async function cacheFolder(files: Files, data: string, site: string): Promise<string> {
  const folder = join(data, "cache", site);
  await files.makeFolder(folder);
  return folder;
}

/**
 * Removes the folders of attempts that are over, except the logs of `undelivered` attempts. A folder that cannot be removed
 * is only logged: no job may prevent the runner from starting.
 */
export async function removeLeftovers(
  { files, logger }: { readonly files: Files; readonly logger: Logger },
  data: string,
  undelivered: readonly JobRef[],
): Promise<void> {
  const keep = new Set(undelivered.map(refFolder));
  for (const kind of ["jobs", "logs"]) {
    const folder = join(data, kind);
    await files.makeFolder(folder);
    for (const name of await files.list(folder)) {
      if (kind === "logs" && keep.has(name)) continue;
      const path = join(folder, name);
      await files.remove(path).catch((err: unknown) => logger.error({ err, path }, "a folder cannot be removed"));
    }
  }
}
