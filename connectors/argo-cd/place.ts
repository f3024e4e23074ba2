// The input of the steps that deploy: an application, and the commit that it is about, always as its hash.

import type { Resource } from "@gantry/core/step/resource.ts";
import { z } from "zod";
import { objectName, system } from "./ensure-steps.ts";

const revision = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, "must be a whole commit hash");
export const placeInput = z.strictObject({ app: objectName, project: objectName, revision, system });
export type PlaceInput = z.output<typeof placeInput>;

export function application({ app, project, system }: PlaceInput, access: "read" | "change"): Resource {
  return { kind: "argocd-application", access, app, project, system };
}
