// What a task needs and its sites do not have, so that people learn it when they start the task, not when it ends half done. Pure.

import type { Pipeline, StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { JobState } from "@gantry/core/task/model.ts";
import { isCertain } from "./decide-secrets.ts";

export type MissingFacts = {
  readonly pipeline: Pick<Pipeline, "jobs" | "finally">;
  readonly jobs: readonly Pick<JobState, "id" | "site" | "phase">[];
  readonly steps: readonly StepDescription[];
  /** Whether a runner of the site has ever registered. Otherwise nobody knows its systems. */
  readonly hasRunner: (site: string) => boolean;
  readonly systemsAt: (site: string) => readonly { readonly kind: string }[];
};

/**
 * Sentences, one per site and kind of system. A step that is skipped without its system lacks nothing, and jobs and steps with a
 * condition may never run.
 */
export function missingWarnings({ pipeline, jobs, steps, hasRunner, systemsAt }: MissingFacts): readonly string[] {
  const needs = new Map(steps.map((step) => [step.name, step.needs]));
  const all = [...pipeline.jobs, ...pipeline.finally];
  const warnings = jobs.flatMap(({ id, site, phase }) => {
    if (phase === "ended" || !hasRunner(site)) return [];
    const kinds = new Set(systemsAt(site).map(({ kind }) => kind));
    const job = all.find((one) => one.id === id);
    const certain = isCertain(job?.when) ? (job?.steps.filter(({ when }) => isCertain(when)) ?? []) : [];
    const lacking = certain.flatMap(({ title, action, missingSystem }) => {
      const wanted = action.kind === "uses" && missingSystem !== "skip" ? (needs.get(action.uses) ?? []) : [];
      return wanted.length === 0 || wanted.some((kind) => kinds.has(kind)) ? [] : [{ title, wanted }];
    });
    return lacking.map(({ title, wanted }) => ({ site, what: wanted.join(" or "), title }));
  });
  const first = new Map(warnings.toReversed().map((one) => [`${one.site}/${one.what}`, one]));
  return [...first.values()]
    .toReversed()
    .map(
      ({ site, what, title }) =>
        `No runner of the site ${site} has a system of the kind ${what}, which the step “${title}” needs: the task will end there with an error. Add it to systems in the configuration of the runners (docs/runner.md), then rerun the task.`,
    );
}
