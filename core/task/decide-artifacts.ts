// What a job saves, and what it may take of others. A job takes only artifacts of its own task, and of jobs that it needs: so an
// app never reads what another one has saved.

import type { SavedArtifact } from "../artifact/artifact.ts";
import { GantryError } from "../errors.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { type Claimant, type Decision, holder, NOTHING, refuse } from "./decision.ts";
import type { TaskState } from "./model.ts";
import { visibleJobs } from "./scope.ts";

export type Saved = { readonly name: string } & Omit<SavedArtifact, "attempt" | "savedAt" | "site">;

/** `most`: how many one job may save. */
export function decideArtifactSaved(
  state: TaskState,
  claimant: Claimant,
  saved: Saved,
  most: number,
  now: number,
): Decision {
  const job = holder(state, claimant);
  if (job instanceof GantryError) return { refuse: job };
  if (!job.lease?.started) return refuse("bad-request", { problem: "an artifact before start" });
  const known = job.artifacts?.[saved.name];
  if (known?.attempt === job.attempt && known.digest === saved.digest) return NOTHING;
  if (known === undefined && Object.keys(job.artifacts ?? {}).length >= most) {
    const problem = `the job has saved ${most} artifacts, and may not save more`;
    return refuse("artifact-too-large", { artifact: `The artifact ${saved.name}`, problem });
  }
  return {
    events: [{ kind: "ArtifactSaved", at: now, job: job.key, attempt: job.attempt, site: job.site, ...saved }],
  };
}

export type TakenArtifact = { readonly job: string; readonly name: string; readonly saved: SavedArtifact };

/**
 * The artifacts of a job, or of all jobs that its `each` made, that the job with this key may take. Throws `artifact-missing`.
 */
export function artifactsFor(
  pipeline: Pipeline,
  state: TaskState,
  key: string,
  wanted: { readonly job: string; readonly name?: string | undefined },
  now: number,
): readonly TakenArtifact[] {
  const asking = state.jobs[key];
  const what = wanted.name === undefined ? "artifact" : `artifact ${wanted.name}`;
  const missing = (problem: string): GantryError =>
    new GantryError("artifact-missing", { artifact: what, job: wanted.job, problem });
  const from = state.jobs[wanted.job]?.id ?? wanted.job;
  if (asking === undefined || !visibleJobs(pipeline, asking.id).includes(from))
    throw missing(`The job ${asking?.id ?? key} does not need it.`);
  const keys = state.jobs[wanted.job] === undefined ? (state.expanded[from] ?? []) : [wanted.job];
  const found = keys.flatMap((job) =>
    Object.entries(state.jobs[job]?.artifacts ?? {})
      .filter(([name]) => wanted.name === undefined || name === wanted.name)
      .map(([name, saved]): TakenArtifact => ({ job, name, saved })),
  );
  if (found.length === 0 && wanted.name !== undefined) throw missing("The job has not saved it.");
  const over = found.find(({ saved }) => saved.keptUntil <= now);
  if (over) throw missing(`It was kept until ${new Date(over.saved.keptUntil).toISOString()}.`);
  return found;
}
