// Which images of an app a kustomization uses, and what its manifests call them. An app with several images may have an overlay
// for each of them: an entry for an image that runs elsewhere, or under another name, has no effect and stays in the files.

import { GantryError } from "@gantry/core/errors.ts";
import { type Image, rankOf } from "../image-text.ts";
import { isKustomization } from "../read-facts.ts";
import type { TextFile } from "../set-images.ts";
import { entryNamesOf, imageEntries } from "./entries.ts";
import { type Reach, reachOf } from "./reach.ts";

const SHOWN = 10;
/** Keys that end so hold names of objects. */
const NO_LABEL = `(?<!(?:[nN]ame|app|component|instance|namespace|part-of|tier|host)["']?)`;
/** Kustomize takes the name of an entry for a pattern. */
const PATTERN = /[^\w./:@-]/;

/** `entries`: what the manifests call an image that has no entry yet, or only one that they do not use. */
export type Use<I extends Image> = {
  readonly images: readonly I[];
  readonly entries: ReadonlyMap<string, readonly string[]>;
};

/**
 * Which of the images get entries. An image that the kustomizations do not use gets none, as long as another
 * one of the app is there. All get one where that cannot be said: a part is elsewhere, is generated, or cannot be read.
 * Throws `file-invalid` when none of the images is used: an entry would have no effect.
 */
export async function imageUse<I extends Image>(
  root: string,
  kustomizations: readonly TextFile[],
  images: readonly I[],
): Promise<Use<I>> {
  const reach = await reachOf(root, kustomizations);
  if (reach === undefined) return { images, entries: new Map() };
  const looked = images.map((image) => {
    const own = kustomizations.flatMap((file) => ownEntries(file, image, images));
    // An entry that nothing uses may be one that an earlier deployment has left.
    const isUsed = own.some((name) => reach.images.includes(name) || PATTERN.test(name) || isNamed(reach, name));
    const added = isUsed ? [] : namesOf(image, reach).filter((name) => !own.includes(name));
    return { image, isUsed: isUsed || added.length > 0, added };
  });
  const used = looked.flatMap(({ image, isUsed }) => (isUsed ? [image] : []));
  const entries = new Map(looked.map(({ image, added }) => [image.name, added]));
  if (used.length > 0) return { images: used, entries };
  const [file] = kustomizations;
  const known = [...new Set(reach.images)].slice(0, SHOWN).join(", ");
  const named = known === "" ? "they name no image" : `they name ${known}`;
  const wanted = images.map(({ name, repository }) => `${name} or ${repository}`).join(", ");
  const problem = `no manifest that it uses has the image ${wanted}: ${named}. An entry would have no effect; give the image of the app, or that of the manifest, the same name`;
  throw new GantryError("file-invalid", { file: file?.name ?? "", problem });
}

/** As the manifests write the image, without tag and digest. */
function namesOf(image: Image, reach: Reach): readonly string[] {
  const fitting = reach.images.filter((one) => (rankOf(one, image) ?? 3) < 3 || one === image.name);
  if (fitting.length > 0) return fitting;
  return isNamed(reach, image.name) ? [image.name] : [];
}

/** The names of the entries that the image has. */
function ownEntries({ name, text }: TextFile, image: Image, all: readonly Image[]): readonly string[] {
  const entries = imageEntries(name, text);
  const own = entryNamesOf(entries, image, all);
  return entries.flatMap((entry) => (own.includes(entry.name) ? [entry.name] : []));
}

/**
 * Whether a field that the kustomization declares as an image may be this one, whatever its tag: custom resources call the field as they
 * like, but not as a name or a label, which are mostly those of the app. In a kustomization, only its patches count.
 */
function isNamed({ configured }: Reach, image: string): boolean {
  const plain = image.replace(/[.]/g, "\\.");
  return configured.some(({ name, text }) => {
    const key = isKustomization(name) ? `(?:image|value)["']?` : NO_LABEL;
    return new RegExp(`${key}:\\s*["']?${plain}(?:[:@"'\\s,}]|$)`, "m").test(text);
  });
}
