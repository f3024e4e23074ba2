// The templates that ship with this version of Gantry: folders beside the pipelines.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MANIFEST, readManifest, type TemplateManifest } from "@gantry/core/template/manifest.ts";
import packageFile from "../../package.json" with { type: "json" };
import { type Draft, findTrailer, treeOf, treeOfFolder } from "../commit.ts";

const FOLDER = fileURLToPath(new URL("../../../pipelines/templates/", import.meta.url));

export const GANTRY_VERSION: string = packageFile.version;
/** Names the tree of a commit that Gantry has pushed as a template. */
export const TEMPLATE_TRAILER = "Gantry-Template";

export type ShippedTemplate = { readonly folder: string; readonly manifest: TemplateManifest };

/** By name, sorted. A shipped template with a mistake is a bug. */
export async function shippedTemplates(): Promise<ReadonlyMap<string, ShippedTemplate>> {
  const names = (await readdir(FOLDER)).toSorted();
  const all = names.map(async (name) => {
    const folder = join(FOLDER, name);
    const read = readManifest(await readFile(join(folder, MANIFEST), "utf8"), {
      file: MANIFEST,
      version: GANTRY_VERSION,
    });
    if ("problems" in read) throw new Error(`the shipped template ${name}: ${read.problems[0]?.detail}`);
    return [name, { folder, manifest: read.manifest }] as const;
  });
  return new Map(await Promise.all(all));
}

/**
 * What a branch has, compared with the folder of a shipped template. `same`; `older`: as Gantry has pushed it, and not since
 * changed by others; `changed`: by others; `missing`: nothing is there.
 */
export const TEMPLATE_STATES = ["same", "older", "changed", "missing"] as const;
export type TemplateState = (typeof TEMPLATE_STATES)[number];

/** `draft.base`: the tip of the branch, which the mirror has; undefined: it has no commit. `tree`: of the folder. */
export async function compareTemplate(draft: Draft): Promise<{ readonly state: TemplateState; readonly tree: string }> {
  const tree = await treeOfFolder(draft);
  if (draft.base === undefined) return { state: "missing", tree };
  const { git } = draft.mirror;
  const there = await treeOf(git, draft.base);
  if (there === tree) return { state: "same", tree };
  // A person who amends a commit of Gantry keeps its message, but not its tree.
  return { state: (await findTrailer(git, draft.base, TEMPLATE_TRAILER)) === there ? "older" : "changed", tree };
}
