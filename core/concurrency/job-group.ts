// The concurrency group of a job: its name, and what the job does in it. Pure.

import { renderText } from "../expr/template.ts";
import type { JsonObject } from "../json.ts";
import type { Job } from "../pipeline/pipeline.ts";
import { type Decision, isCanceled, NOTHING } from "../task/decision.ts";
import type { TaskEvent } from "../task/events.ts";
import type { JobState, TaskState } from "../task/model.ts";

/** What holds a job that could start otherwise: it has no place in its group. Undefined: nothing. Throws `expression-failed`. */
export function followGroup(
  { app }: Pick<TaskState, "app">,
  job: Job,
  one: JobState,
  { scope, now }: { readonly scope: JsonObject; readonly now: number },
): readonly TaskEvent[] | undefined {
  if (job.concurrency === undefined || one.slot !== undefined) return undefined;
  const { policy, limit = 1 } = job.concurrency;
  const group = nameOf(job, app ?? "", scope);
  if (one.queued?.group === group) return [];
  return [{ kind: "JobQueued", at: now, job: one.key, group, policy, limit }];
}

/** A job that something else holds has no place: others would wait for people or a calendar that are not theirs. */
export function leaveGroup({ key, slot, queued }: JobState, now: number): readonly TaskEvent[] {
  const group = slot ?? queued?.group;
  return group === undefined ? [] : [{ kind: "JobLeftGroup", at: now, job: key, group }];
}

function nameOf({ concurrency, deploys = "" }: Job, app: string, scope: JsonObject): string {
  if (concurrency?.per === "target") return `target/${app}/${renderText(deploys, scope)}`;
  return renderText(concurrency?.group ?? "", scope);
}

/** The job has a place in its group, and starts when a runner takes it. Safe to repeat. */
export function decideAdmit(state: TaskState, { job, group }: { job: string; group: string }, now: number): Decision {
  const one = state.jobs[job];
  if (!one || one.phase === "ended" || one.queued?.group !== group || one.slot !== undefined) return NOTHING;
  return { events: [{ kind: "JobAdmitted", at: now, job, group }] };
}

/** What the job waits for has changed. */
export function decideQueuedText(
  state: TaskState,
  { job, text }: { job: string; text: string },
  now: number,
): Decision {
  const one = state.jobs[job];
  if (!one?.queued || one.phase !== "pending" || one.slot !== undefined || one.waiting?.text === text) return NOTHING;
  return { events: [{ kind: "JobGated", at: now, job, code: "concurrency", text }] };
}

/** The policy `reject`: the group is full. */
export function decideGroupFull(state: TaskState, { job, text }: { job: string; text: string }, now: number): Decision {
  const one = state.jobs[job];
  if (one?.queued?.policy !== "reject" || one.phase !== "pending" || one.slot !== undefined) return NOTHING;
  const failure = { code: "group-busy", message: "Its concurrency group is full (`policy: reject`).", why: text };
  return { events: [{ kind: "JobEnded", at: now, job, outcome: "failed", outputs: {}, failure }] };
}

/** The policy `cancel-older` of a newer job. Safe to repeat. */
export function decideJobSupersede(
  state: TaskState,
  { job, newer }: { job: string; newer: string },
  now: number,
): Decision {
  const one = state.jobs[job];
  if (!one || state.phase === "ended" || one.phase === "ended" || isCanceled(state, one)) return NOTHING;
  const reason = `the newer ${newer} of the same concurrency group replaces it`;
  return { events: [{ kind: "JobCancelRequested", at: now, job, reason }] };
}
