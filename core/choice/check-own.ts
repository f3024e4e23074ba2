// What a pipeline of an app's own repository may not do. Its people do not have the rights of the platform team. Pure.

import type { Problem } from "../errors.ts";
import type { Path } from "../issues.ts";
import type { Job, Pipeline } from "../pipeline/pipeline.ts";
import { placedProblem } from "../pipeline/placed-problem.ts";
import { readSource } from "../pipeline/source.ts";
import { isDeployStep } from "../pipeline/work.ts";
import { actionOf } from "./actions.ts";
import { isAllowed, type OwnRule } from "./own-policy.ts";

/** Names of own pipelines begin with the app, so they never are those of the platform team or of another app. */
export function ownName(app: string, name: string): string {
  return `${app}.${name}`;
}

/** The app whose own pipeline has this name; undefined for a name of the platform team. */
export function appOfOwn(name: string): string | undefined {
  const [app, rest] = name.split(".");
  return rest === undefined ? undefined : app;
}

/** As it is kept: with its name, its author, what it may do, and concurrency groups that are not shared with other apps. */
export function asOwn(app: string, pipeline: Pipeline, { builds }: Pick<OwnRule, "builds">): Pipeline {
  const { concurrency } = pipeline;
  const action = actionOf(pipeline);
  return {
    ...pipeline,
    name: ownName(app, pipeline.name),
    origin: "app",
    ...(builds ? { mayBuild: true } : {}),
    ...(action === undefined ? {} : { action }),
    concurrency: concurrency && { ...concurrency, group: `own/${app}/${String(concurrency.group)}` },
    jobs: pipeline.jobs.map((job) => withOwnGroup(app, job)),
    finally: pipeline.finally.map((job) => withOwnGroup(app, job)),
  };
}

function withOwnGroup(app: string, job: Job): Job {
  const { group } = job.concurrency ?? {};
  if (job.concurrency === undefined || group === undefined) return job;
  return { ...job, concurrency: { ...job.concurrency, group: `own/${app}/${String(group)}` } };
}

/** Whether a pipeline that an app brought is allowed now: the rule may have changed since it was read. */
export function isStillAllowed({ action, mayBuild }: Pick<Pipeline, "action" | "mayBuild">, rule: OwnRule): boolean {
  return isAllowed(rule, action) && (mayBuild !== true || rule.builds);
}

/** Whether it pushes or uses Argo CD. Then people need the right to run CD, which a trigger cannot have. */
export function ownDeploys({ jobs, finally: last }: Pick<Pipeline, "jobs" | "finally">): boolean {
  const steps = [...jobs, ...last].flatMap((job) => job.steps);
  return steps.some(({ action }) => action.kind === "uses" && isDeployStep(action.uses));
}

/** Every mistake, with file, line and column. `pipeline`: as the file says it. */
export function ownProblems(
  { name: file, text }: { readonly name: string; readonly text: string },
  pipeline: Pipeline,
  rule: Pick<OwnRule, "actions" | "builds">,
): readonly Problem[] {
  const { root } = readSource(text);
  if (root === undefined) return [];
  const problem = (path: Path, detail: string): Problem => placedProblem({ root, file }, path, detail, "key");
  const action = actionOf(pipeline) ?? "others";
  const jobs = [...pipeline.jobs.map((job) => [job, "jobs"]), ...pipeline.finally.map((job) => [job, "finally"])] as [
    Job,
    "jobs" | "finally",
  ][];
  return [
    ...(pipeline.app === "existing"
      ? []
      : [problem(["app"], "a pipeline of an app runs for this app: `app: existing`, or leave it out")]),
    ...(isAllowed(rule, actionOf(pipeline))
      ? []
      : [problem(["name"], `the platform team does not let this app have an own pipeline for ${action}`)]),
    ...(pipeline.triggers ?? []).flatMap(({ kind }, at) =>
      kind === "schedule"
        ? [
            problem(
              ["triggers", at, "schedule"],
              "only pipelines of the platform team have schedules: the files of an app are read when something happens to it",
            ),
          ]
        : [],
    ),
    ...(pipeline.triggers === undefined || !ownDeploys(pipeline)
      ? []
      : [
          problem(
            ["triggers"],
            "a pipeline of an app that pushes or uses Argo CD is started by people who may run CD, so it has no triggers",
          ),
        ]),
    ...(pipeline.apps === undefined ? [] : [problem(["apps"], "a pipeline of an app is only for this app")]),
    ...(Object.keys(pipeline.remember).length === 0
      ? []
      : [problem(["remember"], "only pipelines of the platform team keep facts of an app")]),
    ...(pipeline.build === undefined || rule.builds
      ? []
      : [problem(["build"], "the platform team does not let own pipelines of this app make builds")]),
    ...(pipeline.undo === undefined
      ? []
      : [problem(["undo"], "only pipelines of the platform team take back what they created")]),
    ...jobs.flatMap(([job, part]) => [
      ...(job.pipeline === undefined || job.undo
        ? []
        : [problem([part, job.id, "pipeline"], "only pipelines of the platform team run other pipelines")]),
      ...(job.deploys === undefined
        ? []
        : [problem([part, job.id, "deploys"], "only pipelines of the platform team deploy builds")]),
      ...job.steps.flatMap((step, at) =>
        step.scope === undefined
          ? []
          : [problem([part, job.id, "steps", at, "scope"], "only pipelines of the platform team may have a scope")],
      ),
    ]),
  ];
}
