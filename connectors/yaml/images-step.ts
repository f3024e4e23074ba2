// yaml/set-images: sets the images of an app in the files of its targets, as they are. It changes nothing outside: a later git
// step commits and pushes.

import { join } from "node:path";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { isDigest, isTag, parseReference } from "../oci/reference.ts";
import { isFolderInside, readInside, writeInside, yamlFilesInside } from "./files.ts";
import { imageUse } from "./kustomize/use.ts";
import { FORMS, type Form, type ImageChange, setImages, type TextFile } from "./set-images.ts";
import { directory, files, line, orFailed } from "./step-parts.ts";

const place = z.string().min(1).max(512);
const places = z.union([place.transform((one) => [one]), z.array(place).min(1).max(50)]);
const image = z.strictObject({
  name: line.describe("What the app calls the image; also its container, or its name in a kustomize base."),
  repository: line
    .refine((text) => !text.includes("@") && parseReference(text) !== undefined, "must be host/project/name")
    .describe("host/project/name"),
  digest: z.string().refine(isDigest, "must be a digest: sha256: and 64 hexadecimal digits"),
  tag: z.string().refine(isTag, "must be a tag").optional(),
});
const hasDifferentNames = (all: readonly { readonly name: string }[]): boolean =>
  new Set(all.map(({ name }) => name)).size === all.length;
const target = z.strictObject({
  name: z.string().min(1).max(120).optional().describe("For `imagesAt`."),
  files: files.describe(
    "Files or folders. A folder means its kustomization file, its values.yaml, or all its manifests.",
  ),
  at: z
    .union([places, z.record(z.string(), places)])
    .nullish()
    .describe(
      "Where the image is, when it cannot be found: web.image, Deployment/web. With several images: by their names.",
    ),
  application: z
    .string()
    .min(1)
    .max(253)
    .nullish()
    .describe("Name of the Argo CD application, where a file has several."),
});
/** The file that a folder means. In the other forms it means all of its files. */
const FOLDER_FILES: { readonly [F in Form]?: readonly [string, ...string[]] } = {
  kustomize: ["kustomization.yaml", "kustomization.yml", "Kustomization"],
  helm: ["values.yaml", "values.yml"],
};
const input = z.strictObject({
  form: z.enum(FORMS).default("kustomize"),
  images: z.array(image).min(1).max(50).refine(hasDifferentNames, "names must differ"),
  targets: z.array(target).min(1).max(200),
  imagesAt: z
    .array(
      z.strictObject({
        target: z.string().min(1).max(120),
        images: z.array(image).max(50).refine(hasDifferentNames, "names must differ"),
      }),
    )
    .max(200)
    .default([])
    .describe("For targets whose images have other names than `images`. An empty list means `images`."),
  directory,
});
const change = z.object({ file: z.string(), place: z.string(), image: z.string(), old: z.string(), new: z.string() });

export const yamlSetImages = defineStep({
  name: "yaml/set-images",
  title: "Set the images",
  input,
  output: z.object({ changed: z.boolean(), files: z.array(z.string()), changes: z.array(change) }),
  needs: [],
  // No credentials are used. The push that publishes the files declares the repository.
  acts: () => [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 5 * 60_000,
  plan: async ({ input: given }) =>
    given.targets.flatMap((one) =>
      imagesOf(one, given).map(
        ({ name, repository, digest }) => `set ${name} to ${repository}@${digest} in ${one.files.join(", ")}`,
      ),
    ),
  run: ({ input: given, workspace, log }) =>
    orFailed(async () => {
      const { form, targets, directory: folder } = given;
      const changes: ImageChange[] = [];
      const edited = new Set<string>();
      for (const one of targets) {
        const { files: named, at: where, application } = one;
        const found = await readFiles(
          workspace,
          form,
          named.map((one) => join(folder, one)),
        );
        const all = imagesOf(one, given);
        const { images, entries } =
          form === "kustomize" ? await imageUse(workspace, found, all) : { images: all, entries: undefined };
        for (const { name } of all.filter((image) => !images.includes(image)))
          log(`${named.join(", ")}: ${name} is not used there, so no entry is added`);
        const done = setImages(found, {
          form,
          images,
          entries,
          at: where ?? undefined,
          application: application ?? undefined,
        });
        for (const { name, text } of done.files) {
          await writeInside(workspace, name, text);
          edited.add(name);
        }
        changes.push(...done.changes);
        if (done.changes.length === 0) log(`${named.join(", ")}: unchanged`);
        for (const { file, place: spot, old, new: now } of done.changes)
          log(`${file}: ${spot}: ${old || "none"} → ${now}`);
      }
      return succeeded({ changed: edited.size > 0, files: [...edited], changes });
    }),
});

type Input = z.output<typeof input>;

function imagesOf({ name }: Input["targets"][number], { images, imagesAt }: Input): Input["images"] {
  const own = imagesAt.find(({ target: one }) => one === name)?.images ?? [];
  return own.length === 0 ? images : own;
}

async function readFiles(root: string, form: Form, named: readonly string[]): Promise<readonly TextFile[]> {
  const found = new Map<string, TextFile>();
  for (const path of named) {
    const isFolder = await isFolderInside(root, path);
    const usual = FOLDER_FILES[form];
    const isMany = isFolder && usual === undefined;
    for (const name of isFolder ? await yamlFilesInside(root, path, usual) : [path]) {
      const text = await readInside(root, name);
      // Most files of a folder with manifests have no image, and some are no YAML.
      if (!isMany || /image/i.test(text)) found.set(name, { name, text });
    }
  }
  return [...found.values()];
}
