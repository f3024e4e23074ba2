// What events and views leave out.
//
// The files that `definitions/publish` has handed over are outputs of its step. Who may see a task may not see all pipelines,
// so views and events leave them out. Pure.

import type { JsonObject } from "@gantry/core/json.ts";
import type { Pipeline, StepSpec } from "@gantry/core/pipeline/pipeline.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";

const STEP = "definitions/publish";

/** What people may see of the outputs of a step. */
export function shownOutputs({ action }: Pick<StepSpec, "action">, outputs: JsonObject): JsonObject {
  if (action.kind !== "uses" || action.uses !== STEP) return outputs;
  const { bundle: _, ...shown } = outputs;
  return shown;
}

/**
 * The same for an event: the end of a step, or a rerun that takes over outputs. The defaults of sites are left out as well:
 * who may see a task may not see all sites.
 */
export function shownEvent(pipeline: Pipeline, event: TaskEvent): TaskEvent {
  if (event.kind !== "TaskRequested" || event.siteDefaults === undefined) return withoutBundle(pipeline, event);
  const { siteDefaults: _, ...shown } = event;
  return withoutBundle(pipeline, shown);
}

function withoutBundle(pipeline: Pipeline, event: TaskEvent): TaskEvent {
  const shown = ({ step, outputs }: { step: string; outputs: JsonObject }): JsonObject =>
    [...pipeline.jobs, ...pipeline.finally]
      .flatMap(({ steps }) => steps)
      .filter(({ id }) => id === step)
      .reduce((rest, one) => shownOutputs(one, rest), outputs);
  if (event.kind === "StepEnded" && event.outputs !== undefined)
    return { ...event, outputs: shown({ step: event.step, outputs: event.outputs }) };
  if (event.kind !== "TaskRequested" || event.kept === undefined) return event;
  const kept = Object.entries(event.kept).map(([key, job]) => {
    const steps = job.steps.map((one) => ({ ...one, outputs: shown({ step: one.id, outputs: one.outputs }) }));
    return [key, { ...job, steps }] as const;
  });
  return { ...event, kept: Object.fromEntries(kept) };
}
