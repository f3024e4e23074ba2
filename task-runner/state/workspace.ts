// The folders of a runner. Every attempt has its own, named by its fence, so that cleaning up after one can never touch
// another.
//
//   <data>/journal.jsonl      what the runner remembers
//   <data>/jobs/<attempt>/    workspace, home, tmp, scripts: gone when the attempt is over
//   <data>/logs/<attempt>/    logs on their way to the task-agent: gone when it has them
//   <data>/cache/<site>/      survives jobs; several use it at once

import { join } from "node:path";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import { refFolder } from "../attempts/refs.ts";
import type { Files } from "./files.ts";

export type JobFolders = {
  readonly root: string;
  readonly workspace: string;
  readonly home: string;
  readonly tmp: string;
  /** Scripts and what they answer; outside the workspace, so that no step packs or commits them. */
  readonly scripts: string;
  readonly logs: string;
};

export function jobFolders(data: string, ref: JobRef): JobFolders {
  const root = join(data, "jobs", refFolder(ref));
  const below = (name: string): string => join(root, name);
  return {
    root,
    workspace: below("workspace"),
    home: below("home"),
    tmp: below("tmp"),
    scripts: below("scripts"),
    logs: join(data, "logs", refFolder(ref)),
  };
}

/** Makes the folders of an attempt, empty. */
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

/** Removes the folders of attempts that are over; only those whose logs must still be delivered are kept. */
export async function removeLeftovers(files: Files, data: string, undelivered: readonly JobRef[]): Promise<void> {
  const keep = new Set(undelivered.map(refFolder));
  for (const kind of ["jobs", "logs"]) {
    const folder = join(data, kind);
    await files.makeFolder(folder);
    for (const name of await files.list(folder)) {
      if (kind === "jobs" || !keep.has(name)) await files.remove(join(folder, name));
    }
  }
}
