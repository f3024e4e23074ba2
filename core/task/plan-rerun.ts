// What a rerun of a task runs again, and what it takes over from that task. Pure; the same rule plans and starts.
//
// A job is taken over when it succeeded and nothing that it could depend on changes: the parameters, its definition, and
// every job that it needs. So nothing is reused that came from something else. What people have approved is not taken over: their
// approval was of the plan of that task, and the app, the pipeline or the day may be another one.

import { isSameJson } from "../json.ts";
import type { Job, Pipeline } from "../pipeline/pipeline.ts";
import type { JobState, KeptJob, TaskState } from "./model.ts";

export type RerunOf = {
  readonly of: TaskState;
  /** The definition that the task ran with. */
  readonly before: Pipeline;
  /** The definition that the rerun has. */
  readonly after: Pipeline;
  /** `job`: a job with all that needs it, by key (`deploy[seoul]`) or id. `edited`: everything, with other parameters. */
  readonly from: "failed" | "all" | "edited" | { readonly job: string };
};

export type PlannedJob = {
  readonly key: string;
  readonly id: string;
  readonly title: string;
  /** `reuse`: its outputs are taken over. `skip`: it was skipped by its condition, and nothing about that changes. */
  readonly does: "run" | "reuse" | "skip";
  /** A clause: "it ended as failed". */
  readonly because: string;
};

/** The jobs of the new definition in their order; a job whose list is not known yet is one entry with its id as the key. */
export function planRerun(rerun: RerunOf): readonly PlannedJob[] {
  const known = new Map<string, readonly PlannedJob[]>();
  const plan = (job: Job): readonly PlannedJob[] => {
    const planned = known.get(job.id) ?? planJob(rerun, job, (id) => plan(find(rerun.after, id)));
    known.set(job.id, planned);
    return planned;
  };
  return [
    ...rerun.after.jobs.flatMap(plan),
    ...rerun.after.finally.map(
      (job): PlannedJob => ({
        key: job.id,
        id: job.id,
        title: job.title,
        does: "run",
        because: "it runs at the end of every task",
      }),
    ),
  ];
}

/** The jobs that are taken over, by key, as the first event of the new task has them. */
export function keptJobs({ of }: Pick<RerunOf, "of">, plan: readonly PlannedJob[]): Record<string, KeptJob> {
  const reused = plan
    .flatMap(({ key, does }) => (does === "reuse" ? [of.jobs[key]] : []))
    .filter((job) => job !== undefined);
  return Object.fromEntries(
    reused.map((job) => [
      job.key,
      {
        outputs: job.outputs,
        steps: job.steps.map((step) => ({ id: step.id, outputs: step.outputs })),
        ...(job.artifacts === undefined ? {} : { artifacts: job.artifacts }),
      },
    ]),
  );
}

function planJob(rerun: RerunOf, job: Job, planOf: (id: string) => readonly PlannedJob[]): readonly PlannedJob[] {
  const { of, from } = rerun;
  const named = (key: string) => ({ key, id: job.id, title: job.title });
  const whole = reasonOfAll(rerun, job) ?? reasonOfNeeds(job, planOf);
  const keys = of.expanded[job.id] ?? [];
  if (keys.length === 0) return [{ ...named(job.id), does: "run", because: whole ?? "it has not run" }];
  return keys.map((key): PlannedJob => {
    const isAsked = typeof from === "object" && (from.job === key || from.job === job.id);
    const because = whole ?? (isAsked ? "it was asked for" : undefined);
    return because === undefined
      ? { ...named(key), ...asItEnded(of.jobs[key]) }
      : { ...named(key), does: "run", because };
  });
}

/** Why all of it runs again, whatever it needs and however it ended. */
function reasonOfAll({ before, after, from }: RerunOf, job: Job): string | undefined {
  if (from === "all") return "all jobs were asked for";
  if (from === "edited") return "the parameters are others";
  if (job.approval) return "people approve it anew in every task";
  const old = before.jobs.find(({ id }) => id === job.id);
  if (before === after || old === undefined) return undefined;
  return isSameJson(old, job) ? undefined : "its definition has changed";
}

function reasonOfNeeds(job: Job, planOf: (id: string) => readonly PlannedJob[]): string | undefined {
  const again = job.needs.flatMap((id) => planOf(id)).find(({ does }) => does === "run");
  return again && `it needs ${again.key}, which runs again`;
}

function asItEnded(job: JobState | undefined): Pick<PlannedJob, "does" | "because"> {
  if (job?.outcome === "succeeded") return { does: "reuse", because: "it succeeded" };
  if (job?.skipped === "condition") return { does: "skip", because: "it was skipped by its condition" };
  return { does: "run", because: job?.outcome === undefined ? "it has not run" : `it ended as ${job.outcome}` };
}

function find({ jobs }: Pipeline, id: string): Job {
  const job = jobs.find((one) => one.id === id);
  if (!job) throw new Error(`there is no job ${id}`);
  return job;
}
