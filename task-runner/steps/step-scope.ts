// The variables in the expressions of a step: the job's scope, the earlier steps, and only those secrets of the site that
// the template names.

import { asFileReference } from "@gantry/core/artifact/file-reference.ts";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { evaluate } from "@gantry/core/expr/expression.ts";
import { expressionsIn, referencesIn, render } from "@gantry/core/expr/template.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { mayNameSecret } from "./decide-outside.ts";
import { requireNoSecret } from "./fork-limits.ts";
import type { JobContext } from "./job-context.ts";

/**
 * Renders a template that may name secrets. `step`: its title, for errors. Throws `expression-failed`, `credential-missing`, and `bad-input` where an
 * output is used that is a file.
 */
export async function renderWithSecrets(
  job: JobContext,
  template: JsonObject,
  scope: JsonObject,
  step: string,
): Promise<JsonObject> {
  const secrets: Record<string, string> = {};
  const { secrets: known, config } = job.environment;
  requireNoSecret(job, [...secretsNamedIn(template)]);
  for (const name of secretsNamedIn(template)) {
    const { app = "", site } = job.spec;
    // A secret that is not listed is reported as missing by the expression that uses it.
    const source = Object.hasOwn(config.secrets, name) ? config.secrets[name] : undefined;
    if (source && !mayNameSecret(job.spec, source))
      throw new GantryError("secret-not-allowed", { app, secret: name, site });
    secrets[name] = await known.resolve(name, job.masker);
  }
  const params = { ...(scope.params as JsonObject), ...secretParamsFor(job, template) };
  const variables = { ...scope, params, secrets };
  const rendered: JsonValue = render(template, variables);
  requireNoFile(template, variables, step);
  if (isJsonObject(rendered)) return rendered;
  throw new GantryError("internal", { problem: "The template of an object did not render to an object." });
}

/** A program that got the reference would take it for the content. */
function requireNoFile(template: JsonObject, scope: JsonObject, step: string): void {
  for (const source of expressionsIn(template)) {
    const found = asFileReference(evaluate(source, scope));
    if (found === undefined) continue;
    const { artifact, file, size } = found;
    const problem = `${source} is a file of ${counted(size, "byte")} and no text. Where it was made, it is ${file}. In another job, take it with \`download\`: the artifact ${artifact}.`;
    throw new GantryError("bad-input", { step, problem });
  }
}

/** The masker has the values since before the first step. Throws `sealing-key-missing`. */
function secretParamsFor(job: JobContext, template: JsonObject): JsonObject {
  const { spec, ref } = job;
  const { secretParams = {} } = spec;
  const named = referencesIn(template).flatMap(({ variable, path }) => (variable === "params" ? [path[0]] : []));
  const isNamed = (name: string): boolean => named.includes(name) || named.includes(undefined);
  requireNoSecret(job, Object.keys(secretParams).filter(isNamed));
  const lost = Object.keys(secretParams).find((name) => secretParams[name] === null && isNamed(name));
  if (lost !== undefined) throw new GantryError("sealing-key-missing", { param: lost, task: ref.task });
  return secretParams;
}

function secretsNamedIn(template: JsonObject): ReadonlySet<string> {
  const names = referencesIn(template).flatMap(({ variable, path }) =>
    variable === "secrets" ? path.slice(0, 1) : [],
  );
  return new Set(names);
}
