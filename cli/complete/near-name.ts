// What somebody may have meant by a name that the portal does not know.

import type { GantryError } from "@gantry/core/errors.ts";
import { nearest } from "@gantry/core/suggest.ts";
import type { Context } from "../table/command.ts";
import { readNames, WITHIN_MS } from "./complete.ts";
import type { Names } from "./decide-names.ts";

/** The nearest name that the caller may see. Undefined for every other error, and where the portal does not answer soon. */
export async function nearName(
  { code, details }: GantryError,
  { portal }: Pick<Context, "portal">,
): Promise<string | undefined> {
  const asked = askedBy(code, details);
  if (asked === undefined) return undefined;
  try {
    const near = nearest(asked.name, await readNames(portal(AbortSignal.timeout(WITHIN_MS)), asked.names));
    return near === asked.name ? undefined : near;
  } catch {
    // It is only a hint: the error itself is what the person needs.
    return undefined;
  }
}

function askedBy(
  code: string,
  { app, pipeline, kind, name }: GantryError["details"],
): { readonly names: Names; readonly name: string } | undefined {
  if (code === "app-unknown" && typeof app === "string") return { names: "apps", name: app };
  if (code === "pipeline-unknown" && typeof pipeline === "string") return { names: "pipelines", name: pipeline };
  if (code === "not-found" && kind === "runner" && typeof name === "string") return { names: "runners", name };
  return undefined;
}
