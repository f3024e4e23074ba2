// Rules for jobs with `pipeline`: which keys belong to them, and which need steps.

import type { Path, PathProblem } from "../issues.ts";
import type { JobFile } from "../pipeline/file.ts";
import type { RuleContext } from "../pipeline/rule.ts";

/** What a runner does, which takes no such job. The task of the pipeline has its own. */
export const OF_STEPS = {
  site: true,
  labels: true,
  timeout: true,
  concurrency: true,
  expires: true,
  retry: true,
  mode: true,
  retrySafe: true,
  env: true,
  outputs: true,
  outputTypes: true,
  deploys: true,
  download: true,
  cache: true,
  artifacts: true,
  steps: true,
} as const satisfies { readonly [K in keyof JobFile]?: true };

const OF_PIPELINE = ["params", "wait"] as const;

export function goodChildren({ file }: RuleContext): readonly PathProblem[] {
  return (["jobs", "finally"] as const).flatMap((part) =>
    Object.entries(file[part] ?? {}).flatMap(([id, job]) => wrongKeys(job, [part, id])),
  );
}

function wrongKeys(job: JobFile, path: Path): readonly PathProblem[] {
  const at = (key: string, detail: string): PathProblem => ({ path: [...path, key], detail, on: "key" });
  if (job.pipeline === undefined)
    return OF_PIPELINE.filter((key) => job[key] !== undefined).map((key) => {
      const hint = key === "params" ? "; values for a script are in `env`" : "";
      return at(key, `\`${key}\` belongs to \`pipeline\`${hint}`);
    });
  const keys = Object.keys(OF_STEPS) as (keyof typeof OF_STEPS)[];
  return keys
    .filter((key) => job[key] !== undefined)
    .map((key) => at(key, `a job has \`pipeline\` or \`steps\`: \`${key}\` belongs to the jobs of that pipeline`));
}
