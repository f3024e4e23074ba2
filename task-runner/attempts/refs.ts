// Names of attempts: a key for maps, the name of a folder, and fields of log lines.

import type { JobRef } from "@gantry/wire/runner/protocol.ts";

/** Two keys are equal exactly when task, job, attempt and fence are equal. */
export function refKey({ task, job, attempt, fence }: JobRef): string {
  return JSON.stringify([task, job, attempt, fence]);
}

/** A folder name that is unique because fences only grow. It contains the job's name for readability. */
export function refFolder({ job, fence }: JobRef): string {
  const name = job.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 40);
  return `${fence}-${name.replace(/^-|-$/g, "") || "job"}`;
}

/** For log lines. */
export function refFields({ task, job, attempt, fence }: JobRef): object {
  return { task, job, attempt, fence };
}
