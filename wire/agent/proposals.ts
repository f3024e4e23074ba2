// Proposals of apps to adopt: what Gantry finds when it looks at the repositories of an app and at the Argo CD of each site.

import { appName, appShape } from "@gantry/core/app/app-shape.ts";
import { folderName } from "@gantry/core/proposal/image-fit.ts";
import { z } from "zod";

const { source: sourceShape, title, team, build } = appShape.shape;
const place = sourceShape.omit({ branch: true, url: true, cloneUrl: true }).extend({
  branch: sourceShape.shape.branch.unwrap().optional().describe("Default: the default branch of the repository"),
});
const source = place.extend({ folder: sourceShape.shape.folder.describe("In a monorepo. Default: it is found") });
const yaml = place.extend({
  system: sourceShape.shape.system.optional().describe("Default: the git host of the source"),
  folder: sourceShape.shape.folder.describe("Only this folder of it is looked at"),
});

export const lookForApp = z.strictObject({
  name: appName.optional().describe("Default: made from the name of the source repository, and of its folder"),
  title: title.optional(),
  team: team,
  site: build.shape.site.optional().describe("The site that builds it. Default: one that can"),
  source,
  yaml: yaml.optional().describe("Default: the source repository is searched for files that deploy it"),
});
export type LookForApp = z.output<typeof lookForApp>;

/** Of the task-agent. `sites`: where the caller may have the app; absent: everywhere. */
export const startProposal = lookForApp.extend({
  name: appName,
  principal: z.string().min(1).max(200),
  sites: z.array(z.string()).optional(),
});
export type StartProposal = z.output<typeof startProposal>;

const found = z.object({
  pointer: z.string().describe("A JSON pointer into `app`"),
  from: z.string().describe("Where the value comes from"),
  file: z.string().optional(),
  line: z.int().optional(),
});
const open = z.object({
  pointer: z.string(),
  kind: z
    .enum(["missing", "unclear", "optional"])
    .describe("missing: nothing was found; unclear: `app` has the first of several; optional: it may be added"),
  problem: z.string(),
  options: z
    .array(z.json())
    .describe("Values for the place; a map replaces the fields that it has. `-` in the pointer: to add to the list"),
});

export const appProposal = z
  .object({
    id: z.string().describe("Also the id of the task that looks"),
    state: z.enum(["running", "ready", "failed"]),
    problem: z.string().optional().describe("Why it failed"),
    name: z.string(),
    team: z.string().optional(),
    site: z.string(),
    sites: z
      .array(z.string())
      .optional()
      .describe("Where was looked; only who may adopt the app at all of them gets it. Absent: an older task-agent"),
    source: z.object({ system: z.string(), project: z.string(), slug: z.string() }),
    yaml: z.object({ system: z.string(), project: z.string(), slug: z.string() }).optional(),
    app: z
      .record(z.string(), z.json())
      .optional()
      .describe("When it is ready: `app` for `POST /v1/apps` with `adopt`, without what is missing"),
    found: z.array(found),
    open: z.array(open).describe("What a person has to decide"),
    warnings: z.array(z.string()),
  })
  .meta({ id: "AppProposal" });
export type AppProposal = z.output<typeof appProposal>;

/**
 * The name of the app that is looked for. A folder of a monorepo is an app of its own: `services/api` of `tills` is
 * `tills-api`.
 */
export function nameOfLook({ name, source }: Pick<LookForApp, "name" | "source">): string {
  if (name !== undefined) return name;
  const folder = folderName(source.folder ?? "");
  const isOwn = folder === undefined || folder.toLowerCase() === source.slug.toLowerCase();
  return nameFromSlug(isOwn ? source.slug : `${source.slug}-${folder}`);
}

/** A name that an app may have, made from that of a repository: `Order_Service` is `order-service`. */
function nameFromSlug(slug: string): string {
  const plain = slug
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 63);
  return plain === "" ? "app" : plain;
}
