// What `gantry app apply` has to do, so that the apps of a file are as the file says. Pure.

import { fieldsOf, recordOf } from "@gantry/core/app/app-record.ts";
import { appShape } from "@gantry/core/app/app-shape.ts";
import { isEqual, patchBetween } from "@gantry/core/app/merge-patch.ts";
import type { AppOfFile } from "@gantry/core/app/read-apps-file.ts";
import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";

export type Planned = {
  readonly app: AppOfFile;
  readonly action: "create" | "change" | "unchanged";
  /** For a change: a merge patch, and the revision that it was decided on. */
  readonly patch: JsonObject;
  readonly revision: string;
  /** The fields that a change changes: `source.branch`. */
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
    const changes = pathsOf(patchBetween(before, after));
    return { app, action: "change", patch: patchBetween(fieldsOf(found.record), after), revision, changes };
  });
}

/** With every default: a record of an older version lacks some. */
function complete(name: string, record: JsonObject): JsonObject {
  const parsed = appShape.safeParse(fieldsOf(record));
  return parsed.success ? fieldsOf(recordOf(name, parsed.data)) : fieldsOf(record);
}

function pathsOf(patch: JsonObject, around = ""): readonly string[] {
  return Object.entries(patch).flatMap(([key, value]) =>
    isJsonObject(value) ? pathsOf(value, `${around}${key}.`) : [`${around}${key}`],
  );
}

/** An app as it stands in apps.yaml; without the addresses and defaults that follow from the rest. */
export function exported({ name, record }: Pick<AppView, "name" | "record">): JsonObject {
  const { targets, ...rest } = fieldsOf(record);
  // Last, so that a person can append to them.
  return { name, ...rest, ...(targets === undefined ? {} : { targets }) };
}
