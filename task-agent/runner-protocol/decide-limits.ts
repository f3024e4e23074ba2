// Whether what a runner reports about an attempt is still of a reasonable size. Pure.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Decision } from "@gantry/core/task/decision.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { SessionRequest } from "@gantry/wire/runner/protocol.ts";
import { type Limits, raise } from "../limits.ts";

/** The decision, or `body-too-large` instead when its events would make the task too large. */
export function withinLimits(limits: Limits, state: TaskState, decision: Decision): Decision {
  if (decision.refuse) return decision;
  for (const event of decision.events) {
    const refuse = problemOf(limits, state, event);
    if (refuse) return { refuse };
  }
  return decision;
}

/** Throws `body-too-large` when a runner says too much about itself. */
export function checkRunnerSize({ runnerBytes }: Limits, { running: _, ...facts }: SessionRequest): void {
  if (bytesOf(facts) > runnerBytes) throw tooLarge("What the runner says about itself", "runnerBytes", runnerBytes);
}

function problemOf(limits: Limits, state: TaskState, event: TaskEvent): GantryError | undefined {
  switch (event.kind) {
    case "StepStarted":
    case "StepWaiting":
    case "StepRetrying":
      return progressProblem(limits, event);
    case "StepEnded":
      return progressProblem(limits, event) ?? outputsProblem(limits, state, event.job, event.outputs);
    case "AttemptEnded":
    case "ReportCameLate":
      return outputsProblem(limits, state, event.job, event.outputs);
    case "EffectBegun":
      return effectsProblem(limits, state, event);
    case "EffectEnded":
      if (bytesOf(event.result) <= limits.effectBytes) return undefined;
      return tooLarge("The result of a change", "effectBytes", limits.effectBytes);
    default:
      return undefined;
  }
}

function progressProblem(
  { progress }: Limits,
  event: { readonly progress: number; readonly job: string },
): GantryError | undefined {
  if (event.progress <= progress) return undefined;
  return tooLarge(`The progress of job ${event.job}`, "progress", progress, "messages");
}

function outputsProblem(
  { outputs: most, outputBytes }: Limits,
  state: TaskState,
  key: string,
  outputs: JsonObject | undefined,
): GantryError | undefined {
  if (!outputs) return undefined;
  if (Object.keys(outputs).length > most)
    return tooLarge(`The list of outputs of job ${key}`, "outputs", most, "names");
  const steps = state.jobs[key]?.steps ?? [];
  const before = steps.reduce((bytes, step) => bytes + bytesOf(step.outputs ?? {}), 0);
  if (before + bytesOf(outputs) <= outputBytes) return undefined;
  return tooLarge(`The outputs of job ${key}`, "outputBytes", outputBytes);
}

function effectsProblem(
  { effects: most }: Limits,
  state: TaskState,
  event: { readonly key: string; readonly job: string },
): GantryError | undefined {
  if (state.effects[event.key]) return undefined;
  const ofJob = Object.values(state.effects).filter(({ job }) => job === event.job).length;
  return ofJob < most ? undefined : tooLarge(`The list of changes of job ${event.job}`, "effects", most, "entries");
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function tooLarge(what: string, name: keyof Limits, limit: number, unit?: string): GantryError {
  return new GantryError("body-too-large", { what, limit, hint: raise(name), ...(unit === undefined ? {} : { unit }) });
}
