// Every place of a pipeline file that may contain expressions, with the variables that are available there.

import { isCheckout } from "../artifact/artifact-steps.ts";
import type { VARIABLES } from "../expr/environment.ts";
import type { Job, Pipeline, StepSpec, Template } from "./pipeline.ts";

export type Variable = (typeof VARIABLES)[number];

export type TemplatePlace = {
  readonly path: readonly (string | number)[];
  readonly template: Template;
  /** A `when:` is one expression without `${{ }}`. */
  readonly condition: boolean;
  readonly variables: readonly Variable[];
  readonly job: Job | undefined;
  /** The steps that have run when it is evaluated. */
  readonly steps: readonly StepSpec[];
  /** The jobs whose results are available. */
  readonly needs: readonly string[];
};

const TASK: readonly Variable[] = ["params", "app", "build", "task", "trigger"];
const TRIGGER: readonly Variable[] = ["trigger", "app"];
const NEEDS: readonly Variable[] = [...TASK, "needs", "jobs"];
const JOB: readonly Variable[] = [...NEEDS, "each"];
const RUNNING: readonly Variable[] = [...JOB, "site", "defaults", "status"];
/** When it starts, a job has been approved. */
const STARTED: readonly Variable[] = [...RUNNING, "approval"];
const STEP: readonly Variable[] = [...STARTED, "steps"];

export function placesOf(pipeline: Pipeline): readonly TemplatePlace[] {
  const main = pipeline.jobs.map((job) => job.id);
  const all = [...main, ...pipeline.finally.map((job) => job.id)];
  const bare = { condition: false, job: undefined, steps: [], needs: [] };
  const result = { ...bare, needs: all, variables: [...TASK, "jobs", "needs"] as const };
  return [
    ...Object.entries(pipeline.params.properties).flatMap(([name, { default: template }]) =>
      template === undefined
        ? []
        : [{ ...bare, path: ["params", name, "default"], template, variables: ["app", "task"] as const }],
    ),
    ...(pipeline.concurrency === undefined
      ? []
      : [{ ...bare, path: ["concurrency"], template: pipeline.concurrency.group, variables: TASK }]),
    ...(pipeline.concurrency?.same === undefined
      ? []
      : [{ ...bare, path: ["concurrency", "same"], template: pipeline.concurrency.same, variables: TASK }]),
    ...(pipeline.priority === undefined
      ? []
      : [{ ...bare, path: ["priority"], template: pipeline.priority, variables: TASK }]),
    ...(pipeline.callback === undefined
      ? []
      : [{ ...bare, path: ["callback"], template: pipeline.callback.url, variables: TASK }]),
    ...(pipeline.triggers ?? []).flatMap(({ when, params }, index) => {
      const path = ["triggers", index];
      const base = { ...bare, variables: TRIGGER };
      const condition = { ...base, path: [...path, "when"], template: when ?? "", condition: true };
      return [...(when === undefined ? [] : [condition]), ...entries(params, [...path, "params"], base)];
    }),
    ...pipeline.jobs.flatMap((job) => placesOfJob(job, ["jobs", job.id], job.needs)),
    ...pipeline.finally.flatMap((job) => placesOfJob(job, ["finally", job.id], [...main, ...job.needs])),
    ...entries(pipeline.outputs, ["outputs"], result),
    ...entries(pipeline.remember, ["remember"], result),
    ...entries(pipeline.build ?? {}, ["build"], result),
  ];
}

function placesOfJob(job: Job, path: readonly string[], needs: readonly string[]): readonly TemplatePlace[] {
  const base = { condition: false, job, steps: [], needs };
  const one = (key: string, template: Template | undefined, variables: readonly Variable[], condition = false) =>
    template === undefined ? [] : [{ ...base, path: [...path, key], template, variables, condition }];
  return [
    ...one("each", job.each, NEEDS),
    ...one("matrix", job.matrix, []),
    ...one("site", job.site, JOB),
    ...one("labels", job.labels, [...JOB, "defaults"]),
    ...one("deploys", job.deploys, JOB),
    ...one("continueOnError", typeof job.continueOnError === "string" ? job.continueOnError : undefined, JOB),
    ...one("when", job.when, RUNNING, true),
    ...one("environment", job.environment, RUNNING),
    ...one("concurrency", job.concurrency?.group, RUNNING),
    ...entries(job.approval ? { question: job.approval.question } : {}, [...path, "approval"], {
      ...base,
      variables: RUNNING,
    }),
    ...Object.entries(job.approval?.inputs?.properties ?? {}).flatMap(([name, { default: template }]) =>
      template === undefined
        ? []
        : [{ ...base, path: [...path, "approval", "inputs", name, "default"], template, variables: RUNNING }],
    ),
    ...(job.artifacts ?? []).flatMap(({ name, when }) =>
      when === undefined
        ? []
        : [
            {
              ...base,
              path: [...path, "artifacts", name, "when"],
              template: when,
              variables: STEP,
              condition: true,
              steps: job.steps,
            },
          ],
    ),
    ...(job.cache ?? []).flatMap(({ name, key, fallback }) =>
      entries({ key, fallback }, [...path, "cache", name], {
        ...base,
        variables: STEP,
        steps: job.steps.slice(0, job.steps.findLastIndex(isCheckout) + 1),
      }),
    ),
    ...entries(job.params ?? {}, [...path, "params"], { ...base, variables: STARTED }),
    ...entries(job.env, [...path, "env"], { ...base, variables: STARTED }),
    ...job.steps.flatMap((step, index) =>
      placesOfStep(step, [...path, "steps", index], { ...base, steps: job.steps.slice(0, index) }),
    ),
    ...entries(job.outputs, [...path, "outputs"], { ...base, variables: STEP, steps: job.steps }),
  ];
}

function placesOfStep(
  step: StepSpec,
  path: readonly (string | number)[],
  base: Omit<TemplatePlace, "path" | "template" | "variables">,
): readonly TemplatePlace[] {
  const withSecrets = { ...base, variables: [...STEP, "secrets"] as const };
  return [
    ...(step.when === undefined
      ? []
      : [{ ...base, path: [...path, "when"], template: step.when, variables: STEP, condition: true }]),
    ...entries(step.env, [...path, "env"], withSecrets),
    ...(step.action.kind === "uses" ? entries(step.action.with, [...path, "with"], withSecrets) : []),
  ];
}

function entries(
  templates: { readonly [name: string]: Template },
  path: readonly (string | number)[],
  base: Omit<TemplatePlace, "path" | "template">,
): readonly TemplatePlace[] {
  return Object.entries(templates).map(([name, template]) => ({ ...base, path: [...path, name], template }));
}
