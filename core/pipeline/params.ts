// The parameters of a task: defaults filled in, then checked against the pipeline's schema.

import { GantryError, type Problem } from "../errors.ts";
import { render } from "../expr/template.ts";
import { placeAround, withSubject } from "../issues.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { MIN_SECRET_LENGTH } from "../mask/masker.ts";
import { checkSchema } from "./json-schema.ts";
import type { ParamsSchema } from "./pipeline.ts";
import { secretParamsOf } from "./secret-params.ts";

export type CheckedParams = {
  /** With defaults; a parameter that is neither given nor has a default is absent. */
  readonly params: JsonObject;
  /** Each with a JSON pointer into the params. */
  readonly problems: readonly Problem[];
};

/**
 * Given values are data and are never searched for expressions. Defaults are templates over `scope` (app, task). If one
 * cannot be rendered, this is a problem of its parameter, because a value must then be given.
 */
export function checkParams(schema: ParamsSchema, given: JsonObject, scope: JsonObject): CheckedParams {
  const problems: Problem[] = [];
  const defaults: [string, JsonValue][] = [];
  const failed = new Set<string>();
  for (const [name, param] of Object.entries(schema.properties)) {
    if (param.default === undefined || Object.hasOwn(given, name)) continue;
    try {
      defaults.push([name, render(param.default, scope)]);
    } catch (error) {
      if (!(error instanceof GantryError)) throw error;
      failed.add(name);
      const source = typeof param.default === "string" ? ` ${param.default}` : "";
      const detail = `${name} must be given: its default${source} has no value yet (${String(error.details.problem ?? error.message)})`;
      problems.push({ pointer: pointer([name]), detail });
    }
  }
  const params = Object.fromEntries([...Object.entries(given), ...defaults]);
  const { required } = schema;
  const plain = { ...schema, required: required.filter((name) => !failed.has(name)) };
  for (const { path, detail, missing } of checkSchema(plain, params)) {
    problems.push({ pointer: pointer(missing === undefined ? path : [...path, missing]), detail });
  }
  for (const name of secretParamsOf(schema)) {
    const value = params[name];
    if (typeof value !== "string" || value.length >= MIN_SECRET_LENGTH) continue;
    const detail = `it must have at least ${MIN_SECRET_LENGTH} characters: a shorter secret cannot be masked in logs`;
    problems.push({ pointer: pointer([name]), detail });
  }
  return { params, problems };
}

/** In a sentence that names the parameter: `who must be text, not a number`, `image: element 1 of ports must be at most 65535`. */
export function paramProblemInWords({ pointer: at = "", detail }: Problem): string {
  const path = at
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  const around = placeAround(path);
  return `${around === "" ? "" : `${around}: `}${withSubject(path, detail)}`;
}

/** RFC 6901. */
function pointer(path: readonly (string | number)[]): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
