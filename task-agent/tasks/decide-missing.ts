// What a task needs and its sites do not have, so that people learn it when they start the task, not when it ends half done. Pure.

import type { Pipeline, StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { JobState } from "@gantry/core/task/model.ts";
import { isCertain } from "./decide-secrets.ts";

export type NeedFacts = {
  readonly pipeline: Pick<Pipeline, "jobs" | "finally">;
  readonly jobs: readonly Pick<JobState, "id" | "site" | "phase">[];
  readonly steps: readonly StepDescription[];
  /** Whether a runner of the site has ever registered. Otherwise nobody knows its systems. */
  readonly hasRunner: (site: string) => boolean;
};

/** A step that needs a system of one of these kinds at the site. */
export type Need = { readonly site: string; readonly wanted: readonly string[]; readonly title: string };

/** A step that is skipped without its system needs nothing, and jobs and steps with a condition may never run. */
export function neededSystems({ pipeline, jobs, steps, hasRunner }: NeedFacts): readonly Need[] {
  const needs = new Map(steps.map((step) => [step.name, step.needs]));
  const all = [...pipeline.jobs, ...pipeline.finally];
  return jobs.flatMap(({ id, site, phase }) => {
    if (phase === "ended" || !hasRunner(site)) return [];
    const job = all.find((one) => one.id === id);
    const certain = isCertain(job?.when) ? (job?.steps.filter(({ when }) => isCertain(when)) ?? []) : [];
    return certain.flatMap(({ title, action, missingSystem }) => {
      const wanted = action.kind === "uses" && missingSystem !== "skip" ? (needs.get(action.uses) ?? []) : [];
      return wanted.length === 0 ? [] : [{ site, wanted, title }];
    });
  });
}

/** Sentences, one per site and kind of system. */
export function missingWarnings(
  needs: readonly Need[],
  systemsAt: (site: string) => readonly { readonly kind: string }[],
): readonly string[] {
  const isMissing = ({ site, wanted }: Need): boolean => !systemsAt(site).some(({ kind }) => wanted.includes(kind));
  const warnings = needs
    .filter(isMissing)
    .map(({ site, wanted, title }) => ({ site, what: wanted.join(" or "), title }));
  const first = new Map(warnings.toReversed().map((one) => [`${one.site}/${one.what}`, one]));
  return [...first.values()]
    .toReversed()
    .map(
      ({ site, what, title }) =>
        `No runner of the site ${site} has a system of the kind ${what}, which the step “${title}” needs: the task will end there with an error. Add it to systems in the configuration of the runners (docs/runner.md), then rerun the task.`,
    );
}
