// What `gantry app apply` has to do, so that the apps of a file are as the file says. Pure.

import { fieldsOf, recordOf } from "@gantry/core/app/app-record.ts";
import { appShape } from "@gantry/core/app/app-shape.ts";
import { isEqual, patchBetween } from "@gantry/core/app/merge-patch.ts";
import type { AppOfFile } from "@gantry/core/app/read-apps-file.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";

export type Planned = {
  readonly app: AppOfFile;
  readonly action: "create" | "change" | "unchanged";
  /** For a change: a merge patch, and the revision that it was decided on. */
  readonly patch: JsonObject;
  readonly revision: string;
  /** The fields that a change changes: `source.branch`, `targets[seoul].overlay`, `targets[tokyo] added`. */
  readonly changes: readonly string[];
};

/** `known`: the apps that the portal has. One that is not ready is created: the portal says why that cannot be. */
export function decidePlan(apps: readonly AppOfFile[], known: ReadonlyMap<string, AppView>): readonly Planned[] {
  return apps.map((app): Planned => {
    const found = known.get(app.name);
    if (found?.state !== "ready") return { app, action: "create", patch: {}, revision: "", changes: [] };
    const before = complete(app.name, found.record);
    const after = fieldsOf(recordOf(app.name, app.fields));
    const revision = found.revision ?? "";
    if (isEqual(before, after)) return { app, action: "unchanged", patch: {}, revision, changes: [] };
    const changes = pathsOf(patchBetween(before, after), { before, after });
    return { app, action: "change", patch: patchBetween(fieldsOf(found.record), after), revision, changes };
  });
}

/** With every default: a record of an older version lacks some. */
function complete(name: string, record: JsonObject): JsonObject {
  const parsed = appShape.safeParse(fieldsOf(record));
  return parsed.success ? fieldsOf(recordOf(name, parsed.data)) : fieldsOf(record);
}

type Both = { readonly before: JsonObject; readonly after: JsonObject };

function pathsOf(patch: JsonObject, { before, after }: Both, around = ""): readonly string[] {
  return Object.entries(patch).flatMap(([key, value]) => {
    const path = `${around}${key}`;
    const [was, is] = [before[key], after[key]];
    if (isJsonObject(value) && isJsonObject(was) && isJsonObject(is))
      return pathsOf(value, { before: was, after: is }, `${path}.`);
    const named = { before: byName(was), after: byName(is) };
    const paths = named.before && named.after ? pathsInList(path, { before: named.before, after: named.after }) : [];
    return paths.length > 0 ? paths : [path];
  });
}

/** Empty when only the order has changed. */
function pathsInList(path: string, { before, after }: Both): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    if (isJsonObject(was) && isJsonObject(is))
      return pathsOf(patchBetween(was, is), { before: was, after: is }, `${path}[${name}].`);
    return [`${path}[${name}] ${was === undefined ? "added" : "removed"}`];
  });
}

/** The items of a list by their names; undefined if it is no list of named things. */
function byName(list: JsonValue | undefined): JsonObject | undefined {
  if (!Array.isArray(list)) return undefined;
  const items = (list as readonly JsonValue[]).filter(isJsonObject);
  const named = items.flatMap((item): [string, JsonObject][] =>
    typeof item.name === "string" ? [[item.name, item]] : [],
  );
  return named.length === list.length ? Object.fromEntries(named) : undefined;
}

/** An app as it stands in apps.yaml; without the addresses and defaults that follow from the rest. */
export function exported({ name, record }: Pick<AppView, "name" | "record">): JsonObject {
  const { targets, ...rest } = fieldsOf(record);
  // Last, so that a person can append to them.
  return { name, ...rest, ...(targets === undefined ? {} : { targets }) };
}
