// Rules for pipelines that run pull requests from forks: what the runner would refuse there is a mistake of the file. A job or step
// with a condition may be left out for forks, so only the runner knows.

import { referencesIn } from "../expr/template.ts";
import type { Path, PathProblem } from "../issues.ts";
import type { Job, StepSpec } from "../pipeline/pipeline.ts";
import type { RuleContext } from "../pipeline/rule.ts";
import { forkStepProblem } from "../step/fork-steps.ts";

export function fittingForks({
  pipeline: { jobs, finally: last, triggers = [] },
}: RuleContext): readonly PathProblem[] {
  if (!triggers.some((one) => one.kind === "pull_request" && one.fromForks !== undefined)) return [];
  return [
    ...jobs.flatMap((job) => problemsOf(job, ["jobs", job.id])),
    ...last.flatMap((job) => problemsOf(job, ["finally", job.id])),
  ];
}

function problemsOf({ when, env, steps }: Job, path: Path): readonly PathProblem[] {
  if (!isCertain(when)) return [];
  const ofJob = secretIn([env], [...path, "env"]);
  return [...ofJob, ...steps.flatMap((step, index) => problemsOfStep(step, [...path, "steps", index]))];
}

function problemsOfStep({ when, env, scope, action }: StepSpec, path: Path): readonly PathProblem[] {
  if (!isCertain(when)) return [];
  const uses = action.kind === "uses" ? action.uses : undefined;
  const detail = forkStepProblem({ uses, isSiteWide: scope === "site" });
  if (detail !== undefined) return [problem([...path, scope === "site" ? "scope" : "uses"], `${detail} ${ADVICE}`)];
  return secretIn([env, action.kind === "uses" ? action.with : {}], path);
}

function secretIn(templates: Parameters<typeof referencesIn>[0], path: Path): readonly PathProblem[] {
  if (!referencesIn(templates).some(({ variable }) => variable === "secrets")) return [];
  return [problem(path, `A pull request from a fork gets no secret. ${ADVICE}`)];
}

const ADVICE = "The trigger has `fromForks`: leave this out for forks with a `when`, or give it a pipeline of its own.";

/** A condition of a step or job may be false for forks. */
function isCertain(when: string | undefined): boolean {
  return when === undefined || when === "always";
}

function problem(path: Path, detail: string): PathProblem {
  return { path, detail, on: "key" };
}
