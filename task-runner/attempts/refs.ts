// Names of attempts: one text that is a key in maps and in the runner's journal, and one that is a folder.

import type { JobRef } from "@gantry/wire/runner/protocol.ts";

/** Equal exactly when task, job, attempt and fence are equal. */
export function refKey({ task, job, attempt, fence }: JobRef): string {
  return JSON.stringify([task, job, attempt, fence]);
}

/** A folder that no other attempt can have: fences only grow. The job's name is there for people. */
export function refFolder({ job, fence }: JobRef): string {
  const name = job.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 40);
  return `${fence}-${name.replace(/^-|-$/g, "") || "job"}`;
}

/** For log lines. */
export function refFields({ task, job, attempt, fence }: JobRef): object {
  return { task, job, attempt, fence };
}
