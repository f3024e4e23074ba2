// Which images of an app a kustomization uses, and what its manifests call them. An app with several images may have an overlay
// for each of them: an entry for an image that runs elsewhere, or under another name, has no effect and stays in the files.

import { posix } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { parse } from "yaml";
import { z } from "zod";
import { isFolderInside, readInside, yamlFilesInside } from "./files.ts";
import { type Image, parseImageText, rankOf } from "./image-text.ts";
import { entryNamesOf, imageEntries } from "./kustomize-entries.ts";
import { isKustomization } from "./read-facts.ts";
import type { TextFile } from "./set-images.ts";

const MAX_FILES = 200;
const SHOWN = 10;
/** Keys that end so hold names of objects. */
const NO_LABEL = `(?<!(?:[nN]ame|app|component|instance|namespace|part-of|tier|host)["']?)`;
const KUSTOMIZATIONS = ["kustomization.yaml", "kustomization.yml", "Kustomization"] as const;

const patch = z.object({ path: z.string().optional() });
const uses = z.object({
  /** A component is used by others, whose manifests are not known here. */
  kind: z.literal("Kustomization").optional(),
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

/** `entries`: what the manifests call an image that has no entry yet, or only one that they do not use. */
export type Use<I extends Image> = {
  readonly images: readonly I[];
  readonly entries: ReadonlyMap<string, readonly string[]>;
};

/**
 * Which of the images get entries. An image that the kustomizations neither have an entry for nor use gets none, as long as another
 * one of the app is there. All get one where that cannot be said: a part is elsewhere, is generated, or cannot be read.
 * Throws `file-invalid` when none of the images is used: an entry would have no effect.
 */
export async function imageUse<I extends Image>(
  root: string,
  kustomizations: readonly TextFile[],
  images: readonly I[],
): Promise<Use<I>> {
  const texts = await textsOf(root, kustomizations);
  if (texts === undefined) return { images, entries: new Map() };
  const called = texts.flatMap(imagesIn);
  const looked = images.map((image) => {
    const own = kustomizations.flatMap((file) => ownEntries(file, image, images));
    // An entry that nothing uses may be one that an earlier deployment has left.
    const isUsed = own.some((name) => called.includes(name));
    return { image, own, added: isUsed ? [] : namesOf(image, called, texts).filter((name) => !own.includes(name)) };
  });
  const used = looked.flatMap(({ image, own, added }) => (own.length + added.length > 0 ? [image] : []));
  const entries = new Map(looked.map(({ image, added }) => [image.name, added]));
  if (used.length > 0) return { images: used, entries };
  const [file] = kustomizations;
  const known = [...new Set(called)].slice(0, SHOWN).join(", ");
  const named = known === "" ? "they name no image" : `they name ${known}`;
  const wanted = images.map(({ name, repository }) => `${name} or ${repository}`).join(", ");
  const problem = `no manifest that it uses has the image ${wanted}: ${named}. An entry would have no effect; give the image of the app, or that of the manifest, the same name`;
  throw new GantryError("file-invalid", { file: file?.name ?? "", problem });
}

/** As the manifests write the image, without tag and digest. */
function namesOf(image: Image, called: readonly string[], texts: readonly TextFile[]): readonly string[] {
  const fitting = called.filter((one) => (rankOf(one, image) ?? 3) < 3 || one === image.name);
  if (fitting.length > 0) return [...new Set(fitting)];
  return texts.some((file) => names(file, image.name)) ? [image.name] : [];
}

/** The images of containers, without tag and digest. */
function imagesIn({ text }: TextFile): readonly string[] {
  const found = text.matchAll(/(?:^|[\s{,"'-])["']?image["']?:\s*["']?([^\s"',}]+)/gm);
  return [...found].flatMap(([, written = ""]) => parseImageText(written)?.repository ?? []);
}

/** The names of the entries that the image has. */
function ownEntries({ name, text }: TextFile, image: Image, all: readonly Image[]): readonly string[] {
  const entries = imageEntries(name, text);
  const own = entryNamesOf(entries, image, all);
  return entries.flatMap((entry) => (own.includes(entry.name) ? [entry.name] : []));
}

/**
 * Whether a value of the file is the image, whatever its tag: custom resources call the field as they like, but not as a name or a
 * label, which are mostly those of the app. In a kustomization, only its patches count.
 */
function names({ name, text }: TextFile, image: string): boolean {
  const plain = image.replace(/[.]/g, "\\.");
  const key = isKustomization(name) ? `(?:image|value)["']?` : NO_LABEL;
  return new RegExp(`${key}:\\s*["']?${plain}(?:[:@"'\\s,}]|$)`, "m").test(text);
}

/** The kustomizations and all that they use; undefined when not all of it can be read. */
async function textsOf(root: string, kustomizations: readonly TextFile[]): Promise<readonly TextFile[] | undefined> {
  const texts = new Map(kustomizations.map(({ name, text }) => [name, text]));
  const left = [...texts.keys()];
  for (let file = left.shift(); file !== undefined; file = left.shift()) {
    const isOwn = kustomizations.some(({ name }) => name === file);
    if (!isOwn && !isKustomization(file)) continue;
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
  return [...texts].map(([name, text]) => ({ name, text }));
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
  if (paths.length === 0) return undefined;
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
