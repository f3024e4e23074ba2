// The edit of `kustomize/set-image`: one entry of `images:` in a kustomization file gets a new name and digest.

import { isAlias, isMap, isScalar, isSeq, type ParsedNode, visit, type YAMLMap } from "yaml";
import {
  advice,
  contentOf,
  mergedPair,
  pairOf,
  parseYaml,
  scalarOf,
  selectDocument,
  type YamlDocument,
  type YamlFile,
} from "./document.ts";
import { entrySlot } from "./layout.ts";
import { addEntry, addItem, applySplices, removeEntry, replaceEntry, type Splices, setSlot } from "./splice.ts";
import { type Change, isExactly } from "./verify.ts";

export type ImageEdit = {
  readonly image: string;
  readonly newName: string;
  readonly digest: string;
  /** Names of entries that get the same image, so it does not matter if one of them changes what another has made. */
  readonly same?: readonly string[];
};
export type ImageEdited = { readonly text: string; readonly changed: boolean; readonly previous: string | undefined };

/**
 * The file with `newName` and `digest` set for this image, and without its `newTag`; the entry is added when there is
 * none. Not a byte changes elsewhere. `file` is for errors (`file-invalid`). An edit that changes nothing returns the same
 * text.
 */
export function setImage(file: string, text: string, edit: ImageEdit): ImageEdited {
  const parsed = parseYaml(file, text);
  const document = selectDocument(parsed, undefined, "a kustomization file has one");
  const root = document.contents;
  if (!isMap(root)) throw parsed.wrong("it is not a kustomization file");
  const kind = contentOf(parsed, document, pairOf(parsed, root, "kind")?.value ?? null) ?? undefined;
  if (kind !== undefined && kind !== "Kustomization" && kind !== "Component") {
    throw parsed.wrong(`its kind is ${JSON.stringify(kind)}, not Kustomization`);
  }
  const images = pairOf(parsed, root, "images");
  if (!images) refuseMerged(parsed, document, root, "images");
  const entry = findEntry(parsed, document, images?.value ?? null, edit.image);
  const previous = entry && textOf(parsed, document, entry, "digest");
  if (entry && isDone(parsed, document, entry, edit)) return { text, changed: false, previous };
  if (entry && images) refuseShared(parsed, images.value, entry, edit.image);
  if (images) refuseChains(parsed, images.value, entry, edit);
  const { splices, change } = entry ? changeEntry(parsed, entry, edit) : newEntry(parsed, root, edit);
  const whole: Change = entry && images ? changeOfEntry(images, entry, change) : change;
  const edited = splices && applySplices(text, splices);
  if (edited !== undefined && isExactly(parsed, document, whole, edited))
    return { text: edited, changed: true, previous };
  throw parsed.wrong(
    `the entry of ${edit.image} cannot be edited without changing something else of the file; ${advice(parsed)}`,
    (entry ?? images?.value ?? root).range?.[0],
  );
}

type Edit = { readonly splices: Splices; readonly change: Change };
type RootPair = YAMLMap.Parsed["items"][number];

function findEntry(
  file: YamlFile,
  document: YamlDocument,
  images: ParsedNode | null,
  image: string,
): YAMLMap.Parsed | undefined {
  if (images === null || (isScalar(images) && images.value === null)) return undefined;
  const at = images.range?.[0];
  if (isAlias(images)) throw file.wrong(`images is the alias *${images.source}; write the list here`, at);
  if (!isSeq(images)) throw file.wrong("images is not a list", at);
  const found = images.items.filter((item): item is YAMLMap.Parsed => {
    if (isAlias(item))
      throw file.wrong(`an entry of images is the alias *${item.source}; write it here`, item.range?.[0]);
    if (!isMap(item)) throw file.wrong("an entry of images is not a mapping", item.range?.[0]);
    const name = pairOf(file, item, "name");
    if (!name) refuseMerged(file, document, item, "name", image);
    return name !== undefined && contentOf(file, document, name.value) === image;
  });
  const [first, second] = found;
  if (first) refuseMerged(file, document, first, "newTag");
  if (second) throw file.wrong(`images has several entries named ${image}`, second.range?.[0]);
  return first;
}

/** What a merge key `<<` brings is written elsewhere, and may be used elsewhere. Throws for this value, or for any. */
function refuseMerged(file: YamlFile, document: YamlDocument, map: YAMLMap.Parsed, name: string, value?: string): void {
  const merged = mergedPair(file, map, name);
  if (!merged || (value !== undefined && contentOf(file, document, merged.pair.value) !== value)) return;
  throw file.wrong(`${name} comes from the merge key <<; write it here`, merged.at);
}

function textOf(file: YamlFile, document: YamlDocument, entry: YAMLMap.Parsed, key: string): string | undefined {
  const pair = pairOf(file, entry, key);
  const value = pair && contentOf(file, document, pair.value);
  return typeof value === "string" ? value : undefined;
}

function isDone(
  file: YamlFile,
  document: YamlDocument,
  entry: YAMLMap.Parsed,
  { newName, digest }: ImageEdit,
): boolean {
  return (
    pairOf(file, entry, "newTag") === undefined &&
    textOf(file, document, entry, "newName") === newName &&
    textOf(file, document, entry, "digest") === digest
  );
}

/** Another entry may have a value of this one by an alias or a merge key: its image would change too. */
function refuseShared(file: YamlFile, images: ParsedNode | null, entry: YAMLMap.Parsed, image: string): void {
  const values = ["newName", "digest"].map((key) => pairOf(file, entry, key)?.value);
  const shared = new Set<ParsedNode | null | undefined>([entry, ...values]);
  for (const other of isSeq(images) ? images.items : []) {
    visit(other === entry ? null : other, {
      Alias: (_, alias) => {
        if (!shared.has(file.targets.get(alias))) return;
        const name = isMap(other) ? scalarOf(file, other, "name")?.value : undefined;
        const problem = `the entry of ${String(name)} has *${alias.source}, a value of the entry of ${image}, and would change too`;
        throw file.wrong(problem, alias.range?.[0]);
      },
    });
  }
}

/** Kustomize applies the entries one after the other: the new name of one may be the name of a later one. */
function refuseChains(
  file: YamlFile,
  images: ParsedNode | null,
  entry: YAMLMap.Parsed | undefined,
  { image, newName, same }: ImageEdit,
): void {
  const items = isSeq(images) ? images.items : [];
  const own = entry ? items.indexOf(entry) : items.length;
  for (const [index, other] of items.entries()) {
    if (index === own || !isMap(other)) continue;
    const [name, renamed] = ["name", "newName"].map((key) => scalarOf(file, other, key)?.value);
    if (typeof name === "string" && same?.includes(name)) continue;
    if (index < own && renamed === image) {
      const problem = `the entry of ${String(name)} names its image ${image}, so it would change too; give it another newName`;
      throw file.wrong(problem, other.range[0]);
    }
    if (index > own && name === newName)
      throw file.wrong(`this entry would change the image ${newName} again; remove it`, other.range[0]);
  }
}

function changeOfEntry(images: RootPair, entry: YAMLMap.Parsed, change: Change): Change {
  const index = isSeq(images.value) ? images.value.items.indexOf(entry) : -1;
  return { kind: "inside", changed: [[images, { kind: "inside", changed: [[index, change]] }]] };
}

function changeEntry(file: YamlFile, entry: YAMLMap.Parsed, edit: ImageEdit): Edit {
  const { text } = file;
  const [name, digest, tag] = ["newName", "digest", "newTag"].map((key) => pairOf(file, entry, key));
  const splices: Splices[] = [];
  const changed: [RootPair, Change][] = [];
  const added: [string, string][] = [];
  const set = (pair: RootPair, value: string): void => {
    const slot = entrySlot(text, entry, pair);
    splices.push(slot && setSlot(text, slot, value));
    changed.push([pair, { kind: "value", value }]);
  };
  const add = (key: string, value: string): void => {
    splices.push(addEntry(text, entry, key, value));
    added.push([key, value]);
  };
  if (digest) set(digest, edit.digest);
  if (tag && digest) splices.push(removeEntry(text, entry, tag));
  // A comment behind the tag stays, behind the digest that takes its place.
  if (tag && !digest) {
    splices.push(replaceEntry(text, entry, tag, "digest", edit.digest));
    added.push(["digest", edit.digest]);
  }
  if (name) set(name, edit.newName);
  else add("newName", edit.newName);
  if (!tag && !digest) add("digest", edit.digest);
  const change: Change = { kind: "inside", changed, removed: tag ? [tag] : [], added };
  return { splices: all(splices), change };
}

function newEntry(file: YamlFile, root: YAMLMap.Parsed, edit: ImageEdit): Edit {
  const { text } = file;
  const { image, newName, digest } = edit;
  const entry = { name: image, newName, digest };
  const pair = pairOf(file, root, "images");
  if (!pair) {
    const change: Change = { kind: "inside", added: [["images", [entry]]] };
    return { splices: addEntry(text, root, "images", [entry]), change };
  }
  const { value } = pair;
  if (isSeq(value)) {
    const change: Change = { kind: "inside", changed: [[pair, { kind: "inside", appended: entry }]] };
    return { splices: addItem(text, value, entry), change };
  }
  const slot = entrySlot(text, root, pair);
  const change: Change = { kind: "inside", changed: [[pair, { kind: "value", value: [entry] }]] };
  return { splices: slot && setSlot(text, slot, [entry]), change };
}

/** All of them, or nothing when one cannot be done by position. */
function all(splices: readonly Splices[]): Splices {
  const known = splices.filter((one) => one !== undefined);
  return known.length === splices.length ? known.flat() : undefined;
}
