// The limits of a job of a pull request from a fork, from the specification of the job; see core/step/fork-steps.ts. They come on top of
// those of the app, whoever wrote the pipeline.

import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import { forkStepProblem } from "@gantry/core/step/fork-steps.ts";
import { type Resource, resourceInWords } from "@gantry/core/step/resource.ts";
import type { JobContext, JobStep } from "./job-context.ts";

/** To be called before anything of the step is rendered or run. Throws `fork-refused`. */
export function requireForkStep({ spec, environment }: JobContext, { title, scope, action }: JobStep): void {
  if (!spec.fork) return;
  const uses = action.kind === "run" ? undefined : action.uses;
  const problem =
    action.kind === "undo"
      ? "A pull request from a fork takes nothing back."
      : forkStepProblem({ uses, isSiteWide: scope === "site" });
  if (problem !== undefined) throw refused(title, problem);
  if (environment.isolation.kind === "sandbox") return;
  throw refused(title, `The runner ${environment.config.name} has no sandbox, so scripts could read its secrets.`);
}

/** To be called before a step sees its input. Throws `fork-refused`. */
export function requireForkInput({ spec }: JobContext, { title, action }: JobStep, input: JsonObject): void {
  if (!spec.fork || action.kind !== "uses" || action.uses !== "git/checkout") return;
  const { commit } = spec.fork;
  if (input.ref === commit) return;
  const wanted = `It checks out only the commit that a person has let run, ${commit}: write \`ref: \${{ trigger.commit }}\`.`;
  throw refused(title, wanted);
}

/** To be called with everything that the step names at outside systems. Throws `fork-refused`. */
export function requireForkResources({ spec }: JobContext, { title }: JobStep, resources: readonly Resource[]): void {
  if (!spec.fork) return;
  const other = resources.find((one) => !isSource(spec.scope, one));
  if (other) throw refused(title, `It may read only the source of its app, not ${resourceInWords(other)}.`);
}

/** A pull request from a fork gets no secret. Throws `fork-refused`. */
export function requireNoSecret({ spec }: JobContext, names: readonly string[]): void {
  const [first] = names;
  if (spec.fork && first !== undefined) throw refused(spec.title, `It gets no secret, and the step names ${first}.`);
}

function isSource(scope: JsonObject, resource: Resource): boolean {
  const source = isJsonObject(scope.app) && isJsonObject(scope.app.source) ? scope.app.source : {};
  const { system, project, slug } = source;
  return (
    resource.kind === "repository" &&
    resource.access === "read" &&
    isSame(resource.project, project) &&
    isSame(resource.slug, slug) &&
    (resource.system === undefined || system === undefined || resource.system === system)
  );
}

/** Git hosts ignore the case of names. */
function isSame(one: string, other: unknown): boolean {
  return typeof other === "string" && one.toLowerCase() === other.toLowerCase();
}

function refused(step: string, problem: string): GantryError {
  return new GantryError("fork-refused", { step, problem });
}
