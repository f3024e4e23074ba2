// The edit of `kustomize/set-image`: one entry of `images:` in a kustomization file gets a new name and digest.

import { isJsonObject } from "@gantry/core/json.ts";
import { type Document, isMap, isScalar, isSeq, type Pair, type YAMLMap, type YAMLSeq } from "yaml";
import {
  appendPairs,
  applySplices,
  columnOf,
  contentOf,
  endOf,
  insertLines,
  type Parsed,
  parseYaml,
  removePair,
  replaceScalar,
  type Splice,
} from "./splice.ts";

export type ImageEdit = { readonly image: string; readonly newName: string; readonly digest: string };
export type ImageEdited = { readonly text: string; readonly changed: boolean; readonly previous: string | undefined };

type Entry = Record<string, unknown>;

/**
 * The file with `newName` and `digest` set for this image, and without its `newTag`; the entry is made when there is
 * none. `file` is for errors (`file-invalid`). An edit that changes nothing gives back the same text.
 */
export function setImage(file: string, text: string, edit: ImageEdit): ImageEdited {
  const parsed = parseYaml(file, text);
  const root = parsed.document.contents;
  const value = contentOf(parsed);
  if (!isMap(root) || !isJsonObject(value)) throw parsed.wrong("it is not a kustomization file");
  const { kind } = value;
  if (kind !== undefined && kind !== "Kustomization" && kind !== "Component") {
    throw parsed.wrong(`its kind is ${JSON.stringify(kind)}, not Kustomization`);
  }
  const images = root.get("images", true);
  const entries = entriesOf(parsed, images, edit.image);
  const index = entries.findIndex((one) => one.name === edit.image);
  const before = entries[index];
  const after = entryAfter(before, edit);
  const previous = typeof before?.digest === "string" ? before.digest : undefined;
  if (before && JSON.stringify(before) === JSON.stringify(after)) return { text, changed: false, previous };
  const expected = { ...value, images: before ? entries.with(index, after) : [...entries, after] };
  const splices =
    isSeq(images) && before ? changeEntry(parsed, images.items[index], edit) : addEntry(parsed, root, images, after);
  const rewrite = (document: Document): void => {
    if (!isSeq(document.get("images"))) document.set("images", document.createNode([]));
    const list = document.get("images") as YAMLSeq;
    if (!before) {
      list.add(document.createNode(after));
      return;
    }
    const entry = list.items[index] as YAMLMap;
    entry.delete("newTag");
    entry.set("newName", edit.newName);
    entry.set("digest", edit.digest);
  };
  return { text: applySplices(parsed, splices, expected, rewrite), changed: true, previous };
}

function entriesOf(parsed: Parsed, images: unknown, image: string): Entry[] {
  if (images === undefined || (isScalar(images) && images.value === null)) return [];
  if (!isSeq(images)) throw parsed.wrong("images is not a list", endOf(images));
  const entries = images.items.map((item): Entry => {
    const value: unknown = isMap(item) ? item.toJS(parsed.document) : undefined;
    if (!isJsonObject(value)) throw parsed.wrong("an entry of images is not a mapping", endOf(item));
    return value;
  });
  const [, second] = images.items.filter((_, index) => entries[index]?.name === image);
  if (second) throw parsed.wrong(`images has several entries named ${image}`, endOf(second));
  return entries;
}

function entryAfter(before: Entry | undefined, { image, newName, digest }: ImageEdit): Entry {
  const { newTag: _, ...rest } = before ?? { name: image };
  return { ...rest, newName, digest };
}

function changeEntry(parsed: Parsed, item: unknown, edit: ImageEdit): Splice[] | undefined {
  if (!isMap(item) || item.flow === true) return undefined;
  const pairOf = (name: string): Pair | undefined =>
    item.items.find((one) => isScalar(one.key) && one.key.value === name);
  const [name, digest, tag] = [pairOf("newName"), pairOf("digest"), pairOf("newTag")];
  const missing = {
    ...(name ? {} : { newName: edit.newName }),
    ...(digest || tag ? {} : { digest: edit.digest }),
  };
  return all([
    ...(name ? [setValue(name, edit.newName)] : []),
    ...(digest ? [setValue(digest, edit.digest)] : []),
    ...(tag ? [digest ? removePair(parsed.text, tag) : replacePair(tag, `digest: ${edit.digest}`)] : []),
    ...(Object.keys(missing).length > 0 ? [appendPairs(parsed, item, missing)] : []),
  ]);
}

function addEntry(parsed: Parsed, root: YAMLMap, images: unknown, entry: Entry): Splice[] | undefined {
  const fields = Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, String(value)]));
  if (images === undefined) return all([appendPairs(parsed, root, { images: [fields] })]);
  const range = isSeq(images) && images.flow !== true ? images.range : undefined;
  if (!range) return undefined;
  const lines = Object.entries(fields).map(([key, value], index) => `${index === 0 ? "- " : "  "}${key}: ${value}`);
  return all([insertLines(parsed.text, endOf(images), lines.join("\n"), columnOf(parsed.text, range[0]))]);
}

function setValue(pair: Pair, value: string): Splice | undefined {
  return isScalar(pair.value) ? replaceScalar(pair.value, value) : undefined;
}

function replacePair(pair: Pair, text: string): Splice | undefined {
  if (!isScalar(pair.key) || !pair.key.range || !isScalar(pair.value) || !pair.value.range) return undefined;
  return { start: pair.key.range[0], end: pair.value.range[1], text };
}

/** All of them, or nothing when one cannot be done by splicing. */
function all(splices: readonly (Splice | undefined)[]): Splice[] | undefined {
  const known = splices.filter((one) => one !== undefined);
  return known.length === splices.length ? known : undefined;
}
