// The input and the result of a rule for pipeline files, and the jobs and steps of a file with their places.

import type { Trials } from "../expr/trials.ts";
import type { Typing } from "../expr/typed-check.ts";
import type { Path, PathProblem } from "../issues.ts";
import type { JobFile, PipelineFile, StepFile } from "./file.ts";
import type { Job, Pipeline, StepDescription, StepSpec } from "./pipeline.ts";

export type RuleContext = {
  readonly file: PipelineFile;
  readonly pipeline: Pipeline;
  readonly steps: ReadonlyMap<string, StepDescription>;
  /** Types of expressions, from the types that `params` declares. */
  readonly typing: Typing;
  /** Ids as written in the file, including jobs that are too broken to be checked. */
  readonly jobIds: readonly string[];
  readonly trials: Trials;
  /** This place is in a template, where the file that includes it has put the values of its params. */
  readonly isIncluded: (path: Path) => boolean;
};

/** Checks the whole file and reports every mistake of one kind. */
export type Rule = (context: RuleContext) => readonly PathProblem[];

export function allJobs(pipeline: Pipeline): readonly { readonly job: Job; readonly path: Path }[] {
  return [
    ...pipeline.jobs.map((job) => ({ job, path: ["jobs", job.id] })),
    ...pipeline.finally.map((job) => ({ job, path: ["finally", job.id] })),
  ];
}

export function allSteps(pipeline: Pipeline): readonly { readonly step: StepSpec; readonly path: Path }[] {
  return allJobs(pipeline).flatMap(({ job, path }) =>
    job.steps.map((step, index) => ({ step, path: [...path, "steps", index] })),
  );
}

export function jobFiles(file: PipelineFile): readonly { readonly job: JobFile; readonly path: Path }[] {
  return (["jobs", "finally"] as const).flatMap((part) =>
    Object.entries(file[part] ?? {}).map(([id, job]) => ({ job, path: [part, id] })),
  );
}

export function stepFiles(file: PipelineFile): readonly { readonly step: StepFile; readonly path: Path }[] {
  return jobFiles(file).flatMap(({ job, path }) =>
    (job.steps ?? []).map((step, index) => ({ step, path: [...path, "steps", index] })),
  );
}
