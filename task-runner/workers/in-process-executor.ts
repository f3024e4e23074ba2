// Executes jobs in the calling thread, for tests and the simulator.

import { createJobContext, type JobTools } from "../steps/job-context.ts";
import { runJob } from "../steps/run-job.ts";
import { openSiteMaskers } from "../steps/site-masker.ts";
import type { JobExecutor } from "./job-executor.ts";

/** A step that blocks the thread blocks the whole process. */
export function inProcessExecutor(tools: JobTools): JobExecutor {
  const maskerFor = openSiteMaskers();
  return {
    run: async (request, control) => runJob(createJobContext(tools, request, control, await maskerFor(request))),
    close: async () => {},
  };
}
