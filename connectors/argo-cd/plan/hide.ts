// What of an object people do not see in a plan: values of Secrets, and what the cluster writes by itself. Pure.

import { isEqual } from "@gantry/core/app/merge-patch.ts";
import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";

const OF_THE_CLUSTER = ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"];
/** Has the whole object in it, in a Secret with its values. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

export function withoutNoise(object: JsonObject): JsonObject {
  const { status: _, ...rest } = object;
  if (!isJsonObject(rest.metadata)) return rest;
  const metadata = without(rest.metadata, OF_THE_CLUSTER);
  const { annotations } = metadata;
  if (!isJsonObject(annotations)) return { ...rest, metadata };
  const shown = without(annotations, [LAST_APPLIED]);
  const others = without(metadata, ["annotations"]);
  return { ...rest, metadata: Object.keys(shown).length === 0 ? others : { ...others, annotations: shown } };
}

function without(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

type Maybe = JsonObject | undefined;

/** Both states; the values of a Secret are replaced by words, which still show which ones differ. */
export function hideSecret(from: Maybe, to: Maybe): readonly [Maybe, Maybe] {
  if ((from ?? to)?.kind !== "Secret") return [from, to];
  return [from && hidden(from, to, "hidden, before"), to && hidden(to, from, "hidden, after")];
}

function hidden(secret: JsonObject, other: Maybe, differs: string): JsonObject {
  const fields = ["data", "stringData"].flatMap((field) => {
    const values = secret[field];
    if (values === undefined) return [];
    const others = other?.[field];
    if (!isJsonObject(values)) return [[field, "hidden"] as const];
    const shown = Object.entries(values).map(([key, value]) => {
      const isSame = isJsonObject(others) && isEqual(others[key], value);
      return [key, isSame || others === undefined ? "hidden" : differs];
    });
    return [[field, Object.fromEntries(shown)] as const];
  });
  return { ...secret, ...Object.fromEntries(fields) };
}
