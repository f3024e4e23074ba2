// The edit of `yaml/edit`: one place in a YAML file gets a value.

import type { JsonValue } from "@gantry/core/json.ts";
import { isAlias, isMap, isScalar, isSeq, type ParsedNode, visit, type YAMLMap, type YAMLSeq } from "yaml";
import {
  advice,
  behindAlias,
  contentOf,
  type DocumentSelector,
  isEmpty,
  isMergeKey,
  mergedPair,
  pairOf,
  parseYaml,
  scalarOf,
  selectDocument,
  type YamlDocument,
  type YamlFile,
} from "./document.ts";
import { documentSlot, entrySlot, itemSlot, type Slot } from "./layout.ts";
import { refuseHiddenKey } from "./reader-differences.ts";
import { isAmbiguous, isAmbiguousNumber } from "./scalar-text.ts";
import { addEntry, applySplices, fillDocument, type Splice, type Splices, setSlot } from "./splice.ts";
import { areExactly, bothChanges, type Change, isExactly, isValue } from "./verify.ts";

export type PathPart = string | number | { readonly key: string; readonly value: string };
export type Edited = { readonly text: string; readonly changed: boolean };

/**
 * Reads `spec.template.containers[name=web].image`, `images[0]`, `labels["app.kubernetes.io/name"]`.
 * Undefined when it is none of these.
 */
export function parsePath(path: string): readonly PathPart[] | undefined {
  const parts: PathPart[] = [];
  const pattern = /\.?([A-Za-z0-9_$/-]+)|\[(\d{1,6})\]|\["([^"\]]+)"\]|\[([A-Za-z0-9_-]+)=([^\]]+)\]/y;
  while (pattern.lastIndex < path.length) {
    const [, name, index, quoted, key, value] = pattern.exec(path) ?? [];
    if (name !== undefined) parts.push(name);
    else if (index !== undefined) parts.push(Number(index));
    else if (quoted !== undefined) parts.push(quoted);
    else if (key !== undefined && value !== undefined) parts.push({ key, value });
    else return undefined;
  }
  return parts.length > 0 && !path.startsWith(".") ? parts : undefined;
}

/**
 * The file with `value` at `path`, and not a byte changed elsewhere. Missing mapping keys are added; a list element must
 * exist. When the value is there already the text is returned as it is. `selector` is needed where the file holds several
 * documents. Throws `file-invalid`, with the line where there is one.
 */
export function setPath(
  file: string,
  text: string,
  path: readonly PathPart[],
  value: JsonValue,
  selector?: DocumentSelector,
): Edited {
  return setOne(file, text, { path, value, selector });
}

function setOne(
  file: string,
  text: string,
  { path, value, selector, isSingle }: Partial<PathEdit> & Pick<PathEdit, "path" | "value">,
): Edited {
  const parsed = parseYaml(file, text);
  const document = selectDocument(parsed, selector);
  const place = resolve(parsed, document, path);
  if (place.missing.length === 0 && isThereAlready(parsed, document, place.slot.node, value)) {
    return { text, changed: false };
  }
  if (isSingle) refuseCollection(parsed, place);
  refuseTag(parsed, place, value);
  refuseMergedAway(parsed, document, place, value);
  const { splices, change } = editOf(parsed, document, place, value);
  const edited = splices && applySplices(text, splices);
  if (edited !== undefined && isExactly(parsed, document, change, edited)) return { text: edited, changed: true };
  throw parsed.wrong(
    `this place cannot be edited without changing something else of the file; ${advice(parsed)}`,
    place.slot.node?.range?.[0] ?? place.slot.item?.key?.offset,
  );
}

export type PathEdit = {
  readonly path: readonly PathPart[];
  readonly value: JsonValue;
  readonly selector: DocumentSelector;
  /** A single value stands there, or nothing: a mapping or list is not replaced. */
  readonly isSingle?: boolean;
};

/**
 * The text with all edits, as if by `setPath` one after the other. They are made at once where they go together, because each
 * edit reads the whole file twice. Throws `file-invalid`.
 */
export function setPaths(file: string, text: string, edits: readonly PathEdit[]): string {
  const atOnce = edits.length > 1 ? setAtOnce(file, text, edits) : undefined;
  if (atOnce !== undefined) return atOnce;
  return edits.reduce((before, edit) => setOne(file, before, edit).text, text);
}

function setAtOnce(file: string, text: string, edits: readonly PathEdit[]): string | undefined {
  const parsed = parseYaml(file, text);
  const splices: Splice[] = [];
  const changes = new Map<YamlDocument, Change>();
  for (const { path, value, selector, isSingle } of edits) {
    const document = selectDocument(parsed, selector);
    const place = resolve(parsed, document, path);
    if (place.missing.length === 0 && isThereAlready(parsed, document, place.slot.node, value)) continue;
    if (isSingle) refuseCollection(parsed, place);
    refuseTag(parsed, place, value);
    const edit = editOf(parsed, document, place, value);
    const before = changes.get(document);
    const change = before ? bothChanges(before, edit.change) : edit.change;
    if (!edit.splices || !change) return undefined;
    splices.push(...edit.splices);
    changes.set(document, change);
  }
  const edited = applySplices(text, splices);
  return areExactly(parsed, changes, edited) ? edited : undefined;
}

type Place = {
  readonly slot: Slot;
  /** What a change of the slot's node means for the document. */
  readonly changeOf: (inner: Change) => Change;
  /** Keys of the path that are not there yet. */
  readonly missing: readonly string[];
};

/** Walks down the path as far as it exists. What follows must then be names. */
function resolve(file: YamlFile, document: YamlDocument, path: readonly PathPart[]): Place {
  let slot = documentSlot(document);
  let changeOf: Place["changeOf"] = (inner) => inner;
  for (const [depth, part] of path.entries()) {
    const { node } = slot;
    const outer = changeOf;
    const shown = shownPath(path.slice(0, depth));
    const at = node?.range?.[0] ?? slot.item?.key?.offset;
    if (isAlias(node))
      throw file.wrong(`${shown} is the alias *${node.source}; edit the place that has &${node.source}`, at);
    if (typeof part === "string") {
      if (isNull(node)) return { slot, changeOf, missing: namesOf(file, path.slice(depth), shown, at) };
      if (!isMap(node)) throw file.wrong(`${shown} is not a mapping`, at);
      const pair = pairOf(file, node, part);
      refuseHiddenKey(node, pair?.key, part, file.wrong);
      if (!pair) {
        const missing = namesOf(file, path.slice(depth), shown, at);
        refuseMergedParent(file, node, missing);
        return { slot, changeOf, missing };
      }
      if (isMergeKey(pair.key))
        throw file.wrong("<< is a merge key; edit the place that has the anchor", pair.key.range?.[0]);
      slot = known(file, entrySlot(file.text, node, pair), at);
      changeOf = (inner) => outer({ kind: "inside", changed: [[pair, inner]] });
    } else {
      if (!isSeq(node)) throw file.wrong(`${shown} is not a list`, at);
      const index = indexOf(file, node, part, shown, at);
      slot = known(file, itemSlot(file.text, node, index), at);
      changeOf = (inner) => outer({ kind: "inside", changed: [[index, inner]] });
    }
  }
  return { slot, changeOf, missing: [] };
}

function indexOf(
  file: YamlFile,
  list: YAMLSeq.Parsed,
  part: Exclude<PathPart, string>,
  shown: string,
  at: number | undefined,
): number {
  if (typeof part === "number") {
    if (part >= list.items.length) throw file.wrong(`${shown} has no element ${part}`, at);
    return part;
  }
  const found = list.items.flatMap((item, index) => {
    const map = behindAlias(file, item);
    const value = isMap(map) ? scalarOf(file, map, part.key) : undefined;
    return value && (value.source === part.value || String(value.value) === part.value) ? [index] : [];
  });
  const [index, second] = found;
  if (index === undefined) throw file.wrong(`${shown} has no element with ${part.key} ${part.value}`, at);
  if (second !== undefined) {
    const line = list.items[second]?.range?.[0];
    throw file.wrong(`${shown} has several elements with ${part.key} ${part.value}`, line);
  }
  return index;
}

/** A mapping that is put beside `<<` hides the merged one as a whole: its other keys would be lost. */
function refuseMergedParent(file: YamlFile, map: YAMLMap.Parsed, [first, ...rest]: readonly string[]): void {
  if (first === undefined || rest.length === 0) return;
  const merged = mergedPair(file, map, first);
  if (merged) throw file.wrong(`${first} comes from the merge key <<; edit the place that has the anchor`, merged.at);
}

/** A merge key needs a mapping: with another value, readers of YAML 1.1 refuse the whole file. */
function refuseMergedAway(
  file: YamlFile,
  document: YamlDocument,
  { slot: { node }, missing }: Place,
  value: JsonValue,
): void {
  if (missing.length > 0 || (!isMap(node) && !isSeq(node)) || node.anchor === undefined) return;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  const isIt = (one: unknown): boolean =>
    isAlias(one) && [...file.targets].some(([alias, target]) => alias === one && target === node);
  visit(document.contents, {
    Pair: (_, pair) => {
      if (!isMergeKey(pair.key)) return;
      if (isIt(pair.value) || (isSeq(pair.value) && pair.value.items.some(isIt)))
        throw file.wrong("a merge key << takes its keys from here, so the value must stay a mapping", node.range[0]);
    },
  });
}

function refuseCollection(file: YamlFile, { slot: { node }, missing }: Place): void {
  if (missing.length > 0 || (!isMap(node) && !isSeq(node))) return;
  throw file.wrong(`a ${isMap(node) ? "mapping" : "list"} stands here, not a single value`, node.range[0]);
}

/** What another value under a tag such as `!secret` means is known to the reader of that tag only. */
function refuseTag(file: YamlFile, { slot: { node }, missing }: Place, value: JsonValue): void {
  const adds = missing.length > 0 && isMap(node);
  if (adds || node === null || isAlias(node) || node.tag === undefined) return;
  if (node.tag === "tag:yaml.org,2002:str" && typeof value === "string" && missing.length === 0) return;
  throw file.wrong(
    `the value here has the tag ${node.tag.replace("tag:yaml.org,2002:", "!!")}; edit it by hand`,
    node.range?.[0],
  );
}

function editOf(
  { text }: YamlFile,
  document: YamlDocument,
  { slot, changeOf, missing }: Place,
  value: JsonValue,
): { readonly splices: Splices; readonly change: Change } {
  const { node } = slot;
  const nested = (keys: readonly string[]): JsonValue =>
    keys.reduceRight<JsonValue>((inner, key) => ({ [key]: inner }), value);
  const [first, ...rest] = missing;
  if (first !== undefined && isMap(node)) {
    const change = changeOf({ kind: "inside", added: [[first, nested(rest)]] });
    return { splices: addEntry(text, node, first, nested(rest)), change };
  }
  const change = changeOf({ kind: "value", value: nested(missing) });
  const fills = slot.kind === "document" && isEmpty(node);
  const splices = fills ? fillDocument(text, document, nested(missing)) : setSlot(text, slot, nested(missing));
  return { splices, change };
}

/** What readers of YAML 1.1 take for another value, at any depth, is not there yet. Neither is a text for a number. */
function isThereAlready(file: YamlFile, document: YamlDocument, node: ParsedNode | null, value: JsonValue): boolean {
  if (!isValue(contentOf(file, document, node), value)) return false;
  let isClear = true;
  visit(node, {
    Scalar: (_, { type, tag, value: read, source = "" }) => {
      if (type !== "PLAIN" || tag !== undefined) return;
      isClear &&= typeof read === "string" ? !isAmbiguous(source) : !isAmbiguousNumber(source);
    },
  });
  return isClear;
}

function namesOf(file: YamlFile, path: readonly PathPart[], shown: string, at: number | undefined): string[] {
  return path.map((part, depth) => {
    if (typeof part === "string") return part;
    throw file.wrong(`${depth === 0 ? shown : path.slice(0, depth).join(".")} is not a list`, at);
  });
}

function shownPath(path: readonly PathPart[]): string {
  if (path.length === 0) return "the top";
  return path.map((part) => (typeof part === "object" ? `${part.key}=${part.value}` : String(part))).join(".");
}

function known(file: YamlFile, slot: Slot | undefined, at: number | undefined): Slot {
  if (slot) return slot;
  throw file.wrong("this place cannot be edited by its position; edit it by hand", at);
}

function isNull(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null);
}
