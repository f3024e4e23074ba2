// How far a step is, as its script tells. A runner repeats the newest with every renewal of its lease, so that nothing depends
// on one of them arriving.

import { GantryError } from "../errors.ts";
import type { StepProgress } from "../log/progress.ts";
import { type Claimant, type Decision, holder, NOTHING } from "./decision.ts";
import type { TaskState } from "./model.ts";

/** A step is told about at most this often, and in long steps after this part of its time so far: at most some hundred times. */
const MIN_PAUSE_MS = 10_000;
const MIN_PART = 0.02;

/** Never refuses: what cannot be recorded now is replaced by the next one. */
export function decideTold(
  state: TaskState,
  claimant: Claimant,
  { step: id, ...told }: StepProgress & { readonly step: string },
  now: number,
): Decision {
  const job = holder(state, claimant);
  if (job instanceof GantryError) return NOTHING;
  const step = job.steps.find((one) => one.id === id);
  if (!job.lease?.started || step?.state !== "running") return NOTHING;
  const last = step.told;
  if (last && last.done === told.done && last.total === told.total && last.text === told.text) return NOTHING;
  const pauseMs = Math.max(MIN_PAUSE_MS, MIN_PART * (now - (step.startedAt ?? now)));
  if (last && now - last.at < pauseMs) return NOTHING;
  return { events: [{ kind: "StepTold", at: now, job: job.key, attempt: job.attempt, step: id, ...told }] };
}
