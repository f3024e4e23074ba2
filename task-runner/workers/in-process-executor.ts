// Executes jobs in the calling thread, for tests and the simulator.

import { createMasker } from "@gantry/core/mask/masker.ts";
import { createJobContext, type JobTools } from "../steps/job-context.ts";
import { runJob } from "../steps/run-job.ts";
import type { JobExecutor } from "./job-executor.ts";

/** A step that blocks the thread blocks the whole process. */
export function inProcessExecutor(tools: JobTools): JobExecutor {
  return {
    run: (request, control) => runJob(createJobContext(tools, request, control, createMasker())),
    close: async () => {},
  };
}
