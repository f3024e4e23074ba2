// The steps that download and save the artifacts of a job: they have logs, times and outcomes like every other step.

import { formatDuration } from "../pipeline/duration.ts";
import type { Job, Pipeline, StepSpec } from "../pipeline/pipeline.ts";

/**
 * The pipeline with the steps for its artifacts. Downloads come after the first `git/checkout` of a job, because that needs an
 * empty folder, or first where there is none. Artifacts are saved after the last step. Called after the rules, whose places
 * are those of the file.
 */
export function withArtifactSteps(pipeline: Pipeline): Pipeline {
  return { ...pipeline, jobs: pipeline.jobs.map(withSteps), finally: pipeline.finally.map(withSteps) };
}

function withSteps(job: Job): Job {
  const { artifacts = [], download = [], steps } = job;
  if (artifacts.length === 0 && download.length === 0) return job;
  const taken = new Set(steps.map(({ id }) => id));
  const checkout = steps.findIndex(({ action }) => action.kind === "uses" && action.uses === "git/checkout");
  const downloads = download.map(({ job: from, artifact, to }) =>
    addedStep(taken, "artifact/download", `download-${from}`, `Download ${artifact ?? "the artifacts"} of ${from}`, {
      with: { job: from, ...(artifact === undefined ? {} : { artifact }), to },
    }),
  );
  const saves = artifacts.map(({ name, paths, retentionMs, optional, when }) =>
    addedStep(taken, "artifact/save", `save-${name.replace(/\./g, "-")}`, `Save the artifact ${name}`, {
      with: { name, paths, retention: formatDuration(retentionMs), optional },
      when,
    }),
  );
  return {
    ...job,
    steps: [...steps.slice(0, checkout + 1), ...downloads, ...steps.slice(checkout + 1), ...saves],
  };
}

function addedStep(
  taken: Set<string>,
  uses: string,
  base: string,
  title: string,
  { with: input, when }: { readonly with: StepInput; readonly when?: string | undefined },
): StepSpec {
  let id = base;
  for (let count = 2; taken.has(id); count += 1) id = `${base}-${count}`;
  taken.add(id);
  return { id, title, when, timeoutMs: undefined, env: {}, action: { kind: "uses", uses, with: input } };
}

type StepInput = Extract<StepSpec["action"], { readonly kind: "uses" }>["with"];
