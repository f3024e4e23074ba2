// Checks that the secrets that a pipeline names exist at the sites of its jobs. This happens before the task starts: later,
// other steps may already have made effects. Pure.

import { GantryError, type Problem } from "@gantry/core/errors.ts";
import { referencesIn } from "@gantry/core/expr/template.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { expandJob } from "@gantry/core/pipeline/expand.ts";
import type { Condition, Job, Pipeline, StepSpec } from "@gantry/core/pipeline/pipeline.ts";
import { didYouMean } from "@gantry/core/suggest.ts";

/** The names of the secrets of a site; undefined where nobody knows. */
export type SecretsAt = (site: string) => readonly string[] | undefined;

/** Whether any step names a secret. */
export function namesSecrets(pipeline: Pipeline): boolean {
  const known = naming.get(pipeline);
  if (known !== undefined) return known;
  const names = [...pipeline.jobs, ...pipeline.finally].some((job) =>
    job.steps.some((step) => secretsOf(step).length > 0),
  );
  naming.set(pipeline, names);
  return names;
}

/** A file of 30 steps takes about 0.3 ms, and every press of a button asks. */
const naming = new WeakMap<Pipeline, boolean>();

/**
 * One problem per secret that is missing at the site of a job. Steps and jobs with a condition are not checked, because they
 * may never run, nor jobs whose sites depend on the results of others. `kept`: the keys of jobs that do not run again.
 */
export function secretProblems(
  { jobs, finally: last }: Pipeline,
  scope: JsonObject,
  secretsAt: SecretsAt | undefined,
  kept: readonly string[],
): readonly Problem[] {
  if (secretsAt === undefined) return [];
  const details = [...jobs, ...last].flatMap((job): readonly string[] => {
    if (!isCertain(job.when)) return [];
    const named = job.steps.filter(({ when }) => isCertain(when)).flatMap(secretsOf);
    if (named.length === 0) return [];
    const places = placesOf(job, scope).filter(({ key }) => !kept.includes(key));
    return places.flatMap(({ key, site }) => {
      const known = secretsAt(site);
      if (known === undefined) return [];
      const missing = named.filter((name) => !known.includes(name));
      return missing.map(
        (name) =>
          `the job ${key} needs the secret ${name}, which the site ${site} does not have${didYouMean(name, known)}`,
      );
    });
  });
  return [...new Set(details)].map((detail) => ({ detail }));
}

/** Whether the job or step runs in any case, as far as its own condition goes. */
export function isCertain(when: Condition | undefined): boolean {
  return when === undefined || when === "always";
}

/** `with` of an undo is what a step was given, not a template. */
function secretsOf({ env, action }: StepSpec): readonly string[] {
  return referencesIn([env, action.kind === "uses" ? action.with : {}]).flatMap(({ variable, path: [name] }) =>
    variable === "secrets" && name !== undefined ? [name] : [],
  );
}

function placesOf(job: Job, scope: JsonObject): ReturnType<typeof expandJob> {
  try {
    return expandJob(job, scope);
  } catch (error) {
    // Its sites are not known yet, or the start of the task reports what is wrong with them.
    if (error instanceof GantryError) return [];
    throw error;
  }
}
