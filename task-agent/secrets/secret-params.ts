// Secret parameters of tasks: sealed before anything is stored, opened for the runner that has claimed a job.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { ParamsSchema } from "@gantry/core/pipeline/pipeline.ts";
import { secretParamsOf } from "@gantry/core/pipeline/secret-params.ts";
import type { Seal } from "./seal.ts";

const placeOf = (task: string, param: string): string => `${task}\n${param}`;

/** Throws `secrets-not-kept` when a secret is given and there is no seal. */
export function sealParams(
  seal: Seal | undefined,
  { name, params: schema }: { readonly name: string; readonly params: ParamsSchema },
  params: JsonObject,
  task: string,
): JsonObject {
  return mapSecrets(schema, params, (text, param) => {
    if (!seal) throw new GantryError("secrets-not-kept", { pipeline: name });
    return seal.seal(text, placeOf(task, param));
  });
}

/** For comparing requests: digests instead of secrets. */
export function comparableParams(seal: Seal | undefined, schema: ParamsSchema, params: JsonObject): JsonObject {
  return mapSecrets(schema, params, (text) => (seal ? seal.digest(text) : ""));
}

/** The original parameters, for a rerun. Throws `sealing-key-missing`. */
export function openParams(seal: Seal | undefined, schema: ParamsSchema, params: JsonObject, task: string): JsonObject {
  return mapSecrets(schema, params, (sealed, param) => {
    const text = seal?.open(sealed, placeOf(task, param));
    if (text === undefined) throw new GantryError("sealing-key-missing", { param, task });
    return text;
  });
}

/** The values of some secret parameters; null for one that cannot be opened. Those that were not given are absent. */
export function openSecrets(
  seal: Seal | undefined,
  names: readonly string[],
  params: JsonObject,
  task: string,
): { readonly [name: string]: string | null } {
  return Object.fromEntries(
    names.flatMap((name) => {
      const sealed = params[name];
      return typeof sealed === "string" ? [[name, seal?.open(sealed, placeOf(task, name)) ?? null]] : [];
    }),
  );
}

function mapSecrets(
  schema: ParamsSchema,
  params: JsonObject,
  change: (text: string, param: string) => string,
): JsonObject {
  const changed = secretParamsOf(schema).flatMap((name) => {
    const value = params[name];
    // The schema refuses any other type before anything is stored.
    return typeof value === "string" ? [[name, change(value, name)]] : [];
  });
  return changed.length === 0 ? params : { ...params, ...Object.fromEntries(changed) };
}
