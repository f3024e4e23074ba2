// Which images of an app a kustomization uses. An app with several images may have an overlay for each of them: an entry for
// an image that runs elsewhere would have no effect, and would stay in the files of others.

import { posix } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { parse } from "yaml";
import { z } from "zod";
import { isFolderInside, readInside, yamlFilesInside } from "./files.ts";
import type { Image } from "./image-text.ts";
import { entryNamesOf, imageEntries } from "./kustomize-entries.ts";
import type { TextFile } from "./set-images.ts";

const MAX_FILES = 200;
const KUSTOMIZATIONS = ["kustomization.yaml", "kustomization.yml", "Kustomization"] as const;

const patch = z.object({ path: z.string().optional() });
const uses = z.object({
  resources: z.array(z.string()).default([]),
  bases: z.array(z.string()).default([]),
  components: z.array(z.string()).default([]),
  patches: z.array(patch).default([]),
  patchesJson6902: z.array(patch).default([]),
  patchesStrategicMerge: z.array(z.string()).default([]),
  /** What these write is not known here. */
  helmCharts: z.undefined().optional(),
  generators: z.undefined().optional(),
  transformers: z.undefined().optional(),
});

/**
 * Without the images that the kustomizations neither have an entry for nor use, as long as they have or use another one of the
 * app. All of them where that cannot be said: a part is elsewhere, is generated, or cannot be read.
 */
export async function usedImages<I extends Image>(
  root: string,
  kustomizations: readonly TextFile[],
  images: readonly I[],
): Promise<readonly I[]> {
  if (images.length < 2) return images;
  const withEntry = images.filter((image) => kustomizations.some((file) => hasEntry(file, image, images)));
  if (withEntry.length === images.length) return images;
  const texts = await textsOf(root, kustomizations);
  if (texts === undefined) return images;
  const used = images.filter((image) => withEntry.includes(image) || texts.some((text) => names(text, image.name)));
  return used.length === 0 ? images : used;
}

function hasEntry({ name, text }: TextFile, image: Image, all: readonly Image[]): boolean {
  const entries = imageEntries(name, text);
  const own = entryNamesOf(entries, image, all);
  return entries.some((entry) => own.includes(entry.name));
}

/** Whether a container of the text has the image, whatever its tag. */
function names(text: string, image: string): boolean {
  const plain = image.replace(/[.]/g, "\\.");
  return new RegExp(`(?:^|[\\s{,"'-])["']?(?:image|value)["']?:\\s*["']?${plain}(?:[:@"'\\s,}]|$)`, "m").test(text);
}

/** The texts of the kustomizations and of all that they use; undefined when not all of it can be read. */
async function textsOf(root: string, kustomizations: readonly TextFile[]): Promise<readonly string[] | undefined> {
  const texts = new Map(kustomizations.map(({ name, text }) => [name, text]));
  const left = [...texts.keys()];
  for (let file = left.shift(); file !== undefined; file = left.shift()) {
    if (!(KUSTOMIZATIONS as readonly string[]).includes(posix.basename(file))) continue;
    const paths = usedBy(file, texts.get(file) ?? "");
    if (paths === undefined) return undefined;
    for (const path of paths) {
      const found = await fileAt(root, path);
      if (found === undefined || texts.size > MAX_FILES) return undefined;
      if (texts.has(found.name)) continue;
      texts.set(found.name, found.text);
      left.push(found.name);
    }
  }
  return [...texts.values()];
}

/** Paths below the root; undefined when one is elsewhere, or the file says more than is known here. */
function usedBy(file: string, text: string): readonly string[] | undefined {
  const read = uses.safeParse(parsed(text));
  if (!read.success) return undefined;
  const { resources, bases, components, patches, patchesJson6902, patchesStrategicMerge } = read.data;
  const patchFiles = [...patches, ...patchesJson6902].flatMap(({ path }) => (path === undefined ? [] : [path]));
  // A strategic merge patch may stand in the file itself, which is read anyway.
  const merged = patchesStrategicMerge.filter((one) => !one.includes("\n"));
  const paths = [...resources, ...bases, ...components, ...patchFiles, ...merged];
  const isElsewhere = (path: string): boolean => /^[a-z+]+:\/\/|^[^/]*:|^\//i.test(path) || path.includes("?ref=");
  const whole = paths.map((path) => posix.normalize(posix.join(posix.dirname(file), path)));
  return paths.some(isElsewhere) || whole.some((path) => path === ".." || path.startsWith("../")) ? undefined : whole;
}

function parsed(text: string): unknown {
  try {
    return parse(text) ?? {};
  } catch {
    // setImage says what is wrong with a file that it edits; the others are not edited.
    return undefined;
  }
}

/** A folder means its kustomization. Undefined for what is not there or no plain file. */
async function fileAt(root: string, path: string): Promise<TextFile | undefined> {
  try {
    const isFolder = await isFolderInside(root, path);
    const [name] = isFolder ? await yamlFilesInside(root, path, KUSTOMIZATIONS) : [path];
    return name === undefined ? undefined : { name, text: await readInside(root, name) };
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    // It may be made by something else, or lie outside: then nobody knows.
    return undefined;
  }
}
