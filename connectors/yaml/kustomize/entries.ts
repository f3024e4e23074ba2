// Which entries of `images:` in a kustomization belong to an image. Pure.

import { isAlias, isMap, isSeq } from "yaml";
import { contentOf, pairOf, parseYaml, type YamlDocument, type YamlFile } from "../document.ts";
import { type Image, rankOf } from "../image-text.ts";
import { refusal } from "../places.ts";

export type ImageEntry = {
  readonly name: string;
  readonly newName: string | undefined;
  readonly line: number;
};

/** The entries that can be read; `setImage` reports the others. */
export function imageEntries(name: string, text: string): readonly ImageEntry[] {
  const file = parseYaml(name, text);
  const [document] = file.documents;
  const root = document?.contents;
  const images = isMap(root) ? pairOf(file, root, "images")?.value : undefined;
  if (!document || !isSeq(images)) return [];
  return images.items.flatMap((item) => {
    if (isAlias(item) || !isMap(item)) return [];
    const entry = textAt(file, document, pairOf(file, item, "name"));
    if (entry === undefined) return [];
    const line = file.lineOf(item.range?.[0] ?? 0);
    return [{ name: entry, newName: textAt(file, document, pairOf(file, item, "newName")), line }];
  });
}

function textAt(file: YamlFile, document: YamlDocument, pair: ReturnType<typeof pairOf>): string | undefined {
  const value = pair && contentOf(file, document, pair.value);
  return typeof value === "string" ? value : undefined;
}

/**
 * The names of the entries that get this image: the one with the image's name, and those that the repository is written in,
 * perhaps in another registry. A base may call the image anything. And those of `added`: without
 * any entry, by default the image's name.
 */
export function entryNamesOf(
  entries: readonly ImageEntry[],
  image: Image,
  all: readonly Image[],
  added?: readonly string[],
): readonly string[] {
  const others = all.filter((one) => one !== image).map(({ name }) => name);
  const own = entries.filter(({ name, newName }) => {
    if (name === image.name) return true;
    return !others.includes(name) && (rankOf(newName ?? name, image) ?? 3) < 3;
  });
  if (own.length === 0) return added ?? [image.name];
  return [...new Set([...own.map(({ name }) => name), ...(added ?? [])])];
}

/** Two images of an app may have one repository. Throws `file-invalid` for an entry that both fit: the later one would replace the other. */
export function refuseSharedEntry(file: string, entries: readonly ImageEntry[], images: readonly Image[]): void {
  for (const { name, line } of entries) {
    const fit = images.filter((image) => entryNamesOf(entries, image, images).includes(name));
    const [first, second] = [...new Map(fit.map((image) => [image.digest, image])).values()];
    if (!first || !second) continue;
    const todo =
      "call the entries, and the images of the base, as the app names its images, or give each its own repository";
    const problem = `${first.name} and ${second.name} are both looked for here; ${todo}`;
    throw refusal({ file, line, label: `images[name=${name}]` }, problem);
  }
}
