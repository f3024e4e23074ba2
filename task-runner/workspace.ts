// The folders of a runner. Every attempt has its own, named by its fence, so that cleaning up after one can never touch
// another.
//
//   <data>/journal.jsonl      what the runner remembers
//   <data>/jobs/<attempt>/    workspace, home, tmp, scripts: gone when the attempt is over
//   <data>/logs/<attempt>/    logs on their way to the task-agent: gone when it has them
//   <data>/cache/<site>/      survives jobs; several use it at once

import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { JobRef } from "@gantry/wire/protocol.ts";
import { refFolder } from "./refs.ts";

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
export async function makeJobFolders(folders: JobFolders): Promise<void> {
  await rm(folders.root, { recursive: true, force: true });
  await mkdir(folders.root, { recursive: true, mode: 0o700 });
  const { workspace, home, tmp, scripts, logs } = folders;
  await Promise.all([workspace, home, tmp, scripts].map((folder) => mkdir(folder, { mode: 0o700 })));
  await mkdir(logs, { recursive: true, mode: 0o700 });
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

export async function cacheFolder(data: string, site: string): Promise<string> {
  const folder = join(data, "cache", site);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Removes the folders of attempts that are over; only those whose logs must still be delivered are kept. */
export async function removeLeftovers(data: string, undelivered: readonly JobRef[]): Promise<void> {
  const keep = new Set(undelivered.map(refFolder));
  for (const kind of ["jobs", "logs"]) {
    const folder = join(data, kind);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) {
      if (kind === "jobs" || !keep.has(name)) await removeFolder(join(folder, name));
    }
  }
}
