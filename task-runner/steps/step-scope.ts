// The variables in the expressions of a step: the job's scope, the earlier steps, and only those secrets of the site that
// the template names.

import { GantryError } from "@gantry/core/errors.ts";
import { referencesIn, render } from "@gantry/core/expr/template.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { mayNameSecret } from "./decide-outside.ts";
import { requireNoSecret } from "./fork-limits.ts";
import type { JobContext } from "./job-context.ts";

/** Renders a template that may name secrets. Throws `expression-failed` and `credential-missing`. */
export async function renderWithSecrets(job: JobContext, template: JsonObject, scope: JsonObject): Promise<JsonObject> {
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
  const rendered: JsonValue = render(template, { ...scope, params, secrets });
  if (isJsonObject(rendered)) return rendered;
  throw new GantryError("internal", { problem: "The template of an object did not render to an object." });
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
