// Parameters with `secret: true`. Tasks keep them sealed; only the steps that name them get their values.

import { referencesIn } from "../expr/template.ts";
import type { JsonObject } from "../json.ts";
import type { Job, ParamsSchema } from "./pipeline.ts";

/** Replaces the value in views and events. */
export const HIDDEN_PARAM = "(secret: kept, not shown)";

export function secretParamsOf({ properties }: ParamsSchema): readonly string[] {
  return Object.entries(properties).flatMap(([name, { secret }]) => (secret === true ? [name] : []));
}

/** For expressions outside steps, which must not see secrets: they would mistake the sealed text for the value. */
export function withoutSecretParams(schema: ParamsSchema, params: JsonObject): JsonObject {
  const secret = new Set(secretParamsOf(schema));
  if (secret.size === 0) return params;
  return Object.fromEntries(Object.entries(params).filter(([name]) => !secret.has(name)));
}

export function hideSecretParams(schema: ParamsSchema, params: JsonObject): JsonObject {
  const given = secretParamsOf(schema).filter((name) => Object.hasOwn(params, name));
  return given.length === 0 ? params : { ...params, ...Object.fromEntries(given.map((name) => [name, HIDDEN_PARAM])) };
}

/** The secret parameters that steps of this job use. */
export function secretParamsIn(schema: ParamsSchema, { steps }: Pick<Job, "steps">): readonly string[] {
  const secret = secretParamsOf(schema);
  if (secret.length === 0) return [];
  const named = steps
    .flatMap(({ env, action }) => referencesIn([env, action.kind === "uses" ? action.with : {}]))
    .flatMap(({ variable, path }) => (variable === "params" ? [path[0]] : []));
  // `params` as a whole, or a member whose name is computed.
  return named.includes(undefined) ? secret : secret.filter((name) => named.includes(name));
}
