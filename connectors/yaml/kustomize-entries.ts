// Which entries of `images:` in a kustomization belong to an image. Pure.

import { isAlias, isMap, isSeq } from "yaml";
import { contentOf, pairOf, parseYaml, type YamlDocument, type YamlFile } from "./document.ts";
import { type Image, rankOf } from "./image-text.ts";

export type ImageEntry = { readonly name: string; readonly newName: string | undefined };

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
    return entry === undefined ? [] : [{ name: entry, newName: textAt(file, document, pairOf(file, item, "newName")) }];
  });
}

function textAt(file: YamlFile, document: YamlDocument, pair: ReturnType<typeof pairOf>): string | undefined {
  const value = pair && contentOf(file, document, pair.value);
  return typeof value === "string" ? value : undefined;
}

/**
 * The names of the entries that get this image: the one with the image's name, and those that the repository is written in,
 * perhaps in another registry. A base may call the image anything. Without any, the image's name: the entry is added.
 */
export function entryNamesOf(entries: readonly ImageEntry[], image: Image, all: readonly Image[]): readonly string[] {
  const others = all.filter((one) => one !== image).map(({ name }) => name);
  const own = entries.filter(({ name, newName }) => {
    if (name === image.name) return true;
    return !others.includes(name) && (rankOf(newName ?? name, image) ?? 3) < 3;
  });
  return own.length === 0 ? [image.name] : [...new Set(own.map(({ name }) => name))];
}
