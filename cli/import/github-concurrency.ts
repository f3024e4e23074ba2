// `concurrency` of GitHub Actions.

import { isJsonObject, type JsonValue } from "@gantry/core/json.ts";
import { Untranslatable } from "./expression.ts";
import type { Path } from "./foreign-file.ts";
import type { Importing, NameTable } from "./github-names.ts";

/** Of a workflow or of a job. Groups of GitHub belong to a repository, so that of an app has its name. */
export function concurrencyOf(
  value: JsonValue | undefined,
  at: Path,
  names: NameTable,
  { note, used, site }: Importing,
): JsonValue | undefined {
  const group = isJsonObject(value) ? value.group : value;
  if (typeof group !== "string" || group === "") return undefined;
  const cancels = isJsonObject(value) ? value["cancel-in-progress"] : false;
  if (typeof cancels === "string")
    note(
      [...at, "cancel-in-progress"],
      "`policy` is no expression: tasks wait for each other; write `cancel-older` to cancel them",
    );
  try {
    const text = names.template(group);
    const isOfApp = used.size > 0 || site === undefined;
    const policy = cancels === true ? "cancel-older" : "queue";
    return { group: isOfApp ? `\${{ app.name }}/${text}` : text, policy };
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    note(at, `\`concurrency\`: ${error.message}`);
    return undefined;
  }
}
