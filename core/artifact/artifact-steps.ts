// The steps for the artifacts and caches of a job: they have logs, times and outcomes like every other step.

import { formatDuration } from "../pipeline/duration.ts";
import type { Job, Pipeline, StepSpec } from "../pipeline/pipeline.ts";

/**
 * The pipeline with the steps for its artifacts. Caches are restored and artifacts downloaded after the last
 * `git/checkout` of a job, or first where there is none: the lock files of a cache must be there. Both are saved after the last step. Called after the rules, whose places
 * are those of the file.
 */
export function withArtifactSteps(pipeline: Pipeline): Pipeline {
  return { ...pipeline, jobs: pipeline.jobs.map(withSteps), finally: pipeline.finally.map(withSteps) };
}

function withSteps(job: Job): Job {
  const { artifacts = [], download = [], cache = [], steps } = job;
  if (artifacts.length === 0 && download.length === 0 && cache.length === 0) return job;
  const taken = new Set(steps.map(({ id }) => id));
  const checkout = steps.findLastIndex(isCheckout);
  const restores = cache.map(({ name, paths, files, key, fallback }) =>
    addedStep(taken, "cache/restore", `restore-${idOf(name)}`, `Restore the cache ${name}`, {
      with: { name, paths, files, key, fallback },
    }),
  );
  const caches = cache.map(({ name, paths }) =>
    addedStep(taken, "cache/save", `cache-${idOf(name)}`, `Save the cache ${name}`, { with: { name, paths } }),
  );
  const downloads = download.map(({ job: from, artifact, to }) =>
    addedStep(taken, "artifact/download", `download-${from}`, `Download ${artifact ?? "the artifacts"} of ${from}`, {
      with: { job: from, ...(artifact === undefined ? {} : { artifact }), to },
    }),
  );
  const saves = artifacts.map(({ name, paths, retentionMs, optional, when }) =>
    addedStep(taken, "artifact/save", `save-${idOf(name)}`, `Save the artifact ${name}`, {
      with: { name, paths, retention: formatDuration(retentionMs), optional },
      when,
    }),
  );
  return {
    ...job,
    steps: [
      ...steps.slice(0, checkout + 1),
      ...restores,
      ...downloads,
      ...steps.slice(checkout + 1),
      ...saves,
      ...caches,
    ],
  };
}

export function isCheckout({ action }: Pick<StepSpec, "action">): boolean {
  return action.kind === "uses" && action.uses === "git/checkout";
}

function idOf(name: string): string {
  return name.replace(/\./g, "-");
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
