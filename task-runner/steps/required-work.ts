// Checks that this runner does the kind of work of a step. The task-agent chooses the runner accordingly, but an older one
// does not.

import { GantryError } from "@gantry/core/errors.ts";
import type { Work } from "@gantry/core/pipeline/work.ts";
import type { JobContext } from "./job-context.ts";

/** Throws `work-refused`. */
export function requireWork({ environment, spec }: JobContext, work: Work | undefined): void {
  const { name, runs } = environment.config;
  if (work === undefined || runs.includes(work)) return;
  throw new GantryError("work-refused", { runner: name, runs: runs.join(" and "), work, site: spec.site });
}
