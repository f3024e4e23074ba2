// build/find-images: the images that a repository has, so that an app can be proposed. It starts nothing of the repository.

import { join } from "node:path";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { foundImages } from "@gantry/core/proposal/found.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { decidePlan, joined, type Plan, type Wanted } from "./decide-build.ts";
import { copiedBy, decideImages, type Images } from "./decide-images.ts";
import type { Folder } from "./folder.ts";
import { findDockerfiles, readDockerfile, readFolder, readSources } from "./read-sources.ts";
import { path } from "./step-parts.ts";

/** Of the Dockerfiles, their texts are read. */
const MAX_READ = 100;

const input = z.strictObject({
  directory: path.default(".").describe("The checkout, below the workspace."),
  app: z.string().min(1).max(63),
  folder: path.default("").describe("The folder of the app in a monorepo; empty: it is found."),
});

export const findImages = defineStep({
  name: "build/find-images",
  title: "Find the images of a repository",
  input,
  output: foundImages,
  needs: [],
  // It reads files of the workspace, and uses no outside system.
  acts: () => [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 120_000,
  plan: async () => [],
  run: async ({ input: { directory, app, folder }, workspace, log }) => {
    const root = join(workspace, directory);
    const start = joined(folder);
    if (start !== "." && (await readFolder(root, start)) === undefined) {
      const problem = `The repository has no folder ${start}.`;
      throw new GantryError("file-invalid", { file: start, problem }, { problems: [{ detail: problem, file: start }] });
    }
    const { files, isCut } = await findDockerfiles(join(root, start));
    const all = files.map((file) => joined(start, file));
    const folders = await readAround(root, all);
    const copies = await readCopies(root, all);
    const images = decideImages({ app, folder: start === "." ? undefined : start, files: all, folders, copies });
    log(`${counted(all.length, "Dockerfile")}: ${images.images.map(({ file }) => file).join(", ")}`);
    return succeeded({ ...images, images: await withKinds(root, images), leftOut: [...images.leftOut], isCut });
  },
});

/** The folders of these files, and those around them. */
async function readAround(root: string, files: readonly string[]): Promise<Record<string, Folder>> {
  const paths = new Set(["."]);
  for (const file of files) {
    const parts = file.split("/").slice(0, -1);
    for (const at of parts.keys()) paths.add(parts.slice(0, at + 1).join("/"));
  }
  const folders: Record<string, Folder> = {};
  for (const one of paths) {
    const folder = await readFolder(root, one);
    if (folder) folders[one] = folder;
  }
  return folders;
}

/** What each Dockerfile copies. One that cannot be read copies nothing that is known: building it will say why. */
async function readCopies(root: string, files: readonly string[]): Promise<Record<string, readonly string[]>> {
  const copies: Record<string, readonly string[]> = {};
  for (const file of files.slice(0, MAX_READ)) {
    const text = await readDockerfile(root, file);
    if (text !== undefined) copies[file] = copiedBy(text);
  }
  return copies;
}

/** What build/detect would find for each. */
async function withKinds(root: string, { folder, images }: Images): Promise<z.output<typeof foundImages>["images"]> {
  const wanted: readonly Wanted[] = images.map((one) => ({ ...one, repository: one.name }));
  const sources = await readSources(root, folder, wanted);
  const plans: Plan[] = [];
  return images.map((image, at) => {
    const one = wanted[at];
    const plan = one && decidePlan(one, sources, plans);
    if (!plan) return image;
    if ("problem" in plan) return { ...image, ...plan };
    plans.push(plan);
    return { ...image, kind: plan.kind, why: plan.why };
  });
}
