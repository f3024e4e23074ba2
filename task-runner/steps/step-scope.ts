// The variables in the expressions of a step: the job's scope, the earlier steps, and only those secrets of the site that
// the template names.

import { GantryError } from "@gantry/core/errors.ts";
import { referencesIn, render } from "@gantry/core/expr/template.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import type { JobContext } from "./job-context.ts";

/** Renders a template that may name secrets. Throws `expression-failed` and `credential-missing`. */
export async function renderWithSecrets(job: JobContext, template: JsonObject, scope: JsonObject): Promise<JsonObject> {
  const secrets: Record<string, string> = {};
  for (const name of secretsNamedIn(template)) secrets[name] = await job.environment.secrets.resolve(name, job.masker);
  const rendered: JsonValue = render(template, { ...scope, secrets });
  if (isJsonObject(rendered)) return rendered;
  throw new GantryError("internal", { problem: "The template of an object did not render to an object." });
}

function secretsNamedIn(template: JsonObject): ReadonlySet<string> {
  const names = referencesIn(template).flatMap(({ variable, path }) =>
    variable === "secrets" ? path.slice(0, 1) : [],
  );
  return new Set(names);
}
