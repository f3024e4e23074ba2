// The request for a task that runs a pipeline once for each value of one of its params.

import { FAN_OUT, type FanOut, fanOutPipeline } from "@gantry/core/child/fan-out.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import type { StartRequest } from "../tasks/decide-start.ts";
import { keepGenerated } from "../tasks/definitions.ts";
import type { StartDeps } from "../tasks/start-task.ts";

/** Stores the definition of the task. Throws `pipeline-unknown`, and `bad-params`. */
export async function fanOutRequest(
  { journal, definitions }: Pick<StartDeps, "journal" | "definitions">,
  request: StartTask,
  fanOut: FanOut,
): Promise<StartRequest> {
  const child = definitions.current(request.pipeline);
  if (!child) throw new GantryError("pipeline-unknown", { pipeline: request.pipeline });
  const pipeline = fanOutPipeline(child.pipeline, fanOut, Object.keys(request.params));
  const definition = await keepGenerated(journal, pipeline);
  const params = { ...request.params, [fanOut.param]: fanOut.values } as StartTask["params"];
  return { ...request, pipeline: FAN_OUT, params, definition };
}
