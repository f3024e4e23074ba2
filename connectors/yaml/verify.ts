// Compares a YAML document before and after an edit, node by node: nothing but what the edit means may differ. It looks at
// what is written (text of scalars, quotes, anchors, aliases, tags), not at values, so that it sees what a reader of values
// cannot: a lost anchor, a rounded number, a second key of the same name.

import type { JsonValue } from "@gantry/core/json.ts";
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  type ParsedNode,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { contentOf, isEmpty, parseYaml, type YamlDocument, type YamlFile } from "./document.ts";
import { isJson } from "./reader-differences.ts";

/** What an edit means for a node. */
export type Change =
  /** It has this value. */
  | { readonly kind: "value"; readonly value: JsonValue }
  /** It is a collection, and these entries or items of it change. */
  | {
      readonly kind: "inside";
      readonly changed?: readonly (readonly [key: Pair | number, change: Change])[];
      readonly removed?: readonly Pair[];
      /** New entries by key. */
      readonly added?: readonly (readonly [key: string, value: JsonValue])[];
      /** A new item at the end of a list. */
      readonly appended?: JsonValue;
    };

/** True when `after` is `before` with this change in this document. */
export function isExactly(before: YamlFile, document: YamlDocument, change: Change, after: string): boolean {
  return areExactly(before, new Map([[document, change]]), after);
}

/** Two changes of one node. Undefined when they do not go together. */
export function bothChanges(a: Change, b: Change): Change | undefined {
  if (a.kind === "value" || b.kind === "value") return undefined;
  const changed = new Map(a.changed);
  for (const [key, inner] of b.changed ?? []) {
    const other = changed.get(key);
    const both = other ? bothChanges(other, inner) : inner;
    if (!both) return undefined;
    changed.set(key, both);
  }
  if (a.appended !== undefined || b.appended !== undefined) return undefined;
  const [removed, added] = [
    [...(a.removed ?? []), ...(b.removed ?? [])],
    [...(a.added ?? []), ...(b.added ?? [])],
  ];
  return { kind: "inside", changed: [...changed], removed, added };
}

/** True when `after` is `before` with these changes in these documents. */
export function areExactly(before: YamlFile, changes: ReadonlyMap<YamlDocument, Change>, after: string): boolean {
  if (isJson(before.text) && !isJson(after)) return false;
  let again: YamlFile;
  try {
    again = parseYaml("", after);
  } catch {
    // The edit broke the file: that is a difference.
    return false;
  }
  if (again.documents.length !== before.documents.length) return false;
  return before.documents.every((one, index) => {
    const now = again.documents[index];
    if (!now) return false;
    const same = new Comparison(before, again, now);
    const change = changes.get(one);
    return change ? same.changed(one.contents, now.contents, change) : same.same(one.contents, now.contents);
  });
}

/** Equality of a parsed value, whose integers are BigInt, and a JSON value. */
export function isValue(parsed: unknown, value: JsonValue): boolean {
  if (typeof parsed === "bigint") return typeof value === "number" && String(parsed) === JSON.stringify(value);
  if (parsed === value) return true;
  if (typeof parsed !== "object" || typeof value !== "object" || parsed === null || value === null) return false;
  if (Array.isArray(parsed) !== Array.isArray(value)) return false;
  const [left, right] = [Object.entries(parsed), new Map<string, JsonValue>(Object.entries(value))];
  return (
    left.length === right.size &&
    left.every(([key, one]) => {
      const other = right.get(key);
      return other !== undefined && isValue(one, other);
    })
  );
}

type Node = ParsedNode | null;
type MapPair = Pair<ParsedNode, ParsedNode | null>;

class Comparison {
  readonly #before: YamlFile;
  readonly #file: YamlFile;
  readonly #document: YamlDocument;
  /** By anchored node before: the node that is it now. Anchors come before their aliases. */
  readonly #anchored = new Map<Node, Node>();

  constructor(before: YamlFile, file: YamlFile, document: YamlDocument) {
    this.#before = before;
    this.#file = file;
    this.#document = document;
  }

  same(a: Node, b: Node): boolean {
    this.#note(a, b);
    if (isEmpty(a) && isEmpty(b)) return propertiesOf(a) === propertiesOf(b);
    if (a === null || b === null || propertiesOf(a) !== propertiesOf(b)) return false;
    if (isAlias(a) || isAlias(b)) return isAlias(a) && isAlias(b) && this.#isSameAlias(a, b);
    if (isScalar(a)) {
      const isSameText = isScalar(b) && a.type === b.type && a.source === b.source;
      return isSameText && isOpenBlock(this.#before, a) === isOpenBlock(this.#file, b);
    }
    if (isMap(a)) return isMap(b) && isSameFlow(a, b) && this.#samePairs(a.items, b.items);
    return (
      isSeq(b) &&
      isSameFlow(a, b) &&
      a.items.length === b.items.length &&
      a.items.every((item, index) => this.same(item, b.items[index] ?? null))
    );
  }

  changed(a: Node, b: Node, change: Change): boolean {
    this.#note(a, b);
    if (!isAlias(a) && propertiesOf(a) !== propertiesOf(b)) return false;
    if (change.kind === "value") return isValue(contentOf(this.#file, this.#document, b), change.value);
    if (isMap(b) && (isMap(a) || !isCollectionNode(a))) return this.#entries(isMap(a) ? a.items : [], b.items, change);
    if (isSeq(b) && (isSeq(a) || !isCollectionNode(a))) return this.#items(isSeq(a) ? a.items : [], b.items, change);
    return false;
  }

  #note(a: Node, b: Node): void {
    if (a !== null && !isAlias(a) && a.anchor !== undefined) this.#anchored.set(a, b);
  }

  /** The name alone does not tell: an anchor that is gone lets an earlier one of the same name come through. */
  #isSameAlias(a: Alias.Parsed, b: Alias.Parsed): boolean {
    const target = this.#before.targets.get(a) ?? null;
    return a.source === b.source && this.#anchored.get(target) === this.#file.targets.get(b);
  }

  #entries(a: readonly MapPair[], b: readonly MapPair[], change: Change & { kind: "inside" }): boolean {
    const { changed = [], removed = [], added = [] } = change;
    const rest = [...b];
    const take = (key: string): MapPair | undefined => {
      const at = rest.findIndex((pair) => isScalar(pair.key) && String(pair.key.value) === key);
      return at === -1 ? undefined : rest.splice(at, 1)[0];
    };
    for (const [key, value] of added) {
      const pair = take(key);
      if (!pair || !isValue(contentOf(this.#file, this.#document, pair.value), value)) return false;
    }
    const kept = a.filter((pair) => !removed.includes(pair));
    return (
      kept.length === rest.length &&
      kept.every((pair, index) => {
        const now = rest[index];
        const wanted = changed.find(([key]) => key === pair)?.[1];
        if (!now || !this.same(pair.key, now.key)) return false;
        return wanted ? this.changed(pair.value, now.value, wanted) : this.same(pair.value, now.value);
      })
    );
  }

  #items(a: readonly ParsedNode[], b: readonly ParsedNode[], change: Change & { kind: "inside" }): boolean {
    const { changed = [], appended } = change;
    if (b.length !== a.length + (appended === undefined ? 0 : 1)) return false;
    const last = b.at(-1) ?? null;
    if (appended !== undefined && !isValue(contentOf(this.#file, this.#document, last), appended)) return false;
    return a.every((item, index) => {
      const now = b[index] ?? null;
      const wanted = changed.find(([key]) => key === index)?.[1];
      return wanted ? this.changed(item, now, wanted) : this.same(item, now);
    });
  }

  #samePairs(a: readonly MapPair[], b: readonly MapPair[]): boolean {
    return (
      a.length === b.length &&
      a.every(
        (pair, index) => this.same(pair.key, b[index]?.key ?? null) && this.same(pair.value, b[index]?.value ?? null),
      )
    );
  }
}

function propertiesOf(node: Node): string {
  if (node === null || isAlias(node)) return "";
  return `${node.anchor === undefined ? "" : `&${node.anchor}`} ${node.tag ?? ""}`.trim();
}

/**
 * A block text at the end of a file without a last line end: it ends in a line end for some readers only, and for all of them
 * when something follows. `|-` and `>-` never end in one.
 */
function isOpenBlock({ text }: YamlFile, { type, range }: Scalar.Parsed): boolean {
  if (type !== "BLOCK_LITERAL" && type !== "BLOCK_FOLDED") return false;
  return range[1] >= text.length && !text.endsWith("\n") && !/^[|>]\d?-/.test(text.slice(range[0]));
}

function isSameFlow(a: YAMLMap | YAMLSeq, b: YAMLMap | YAMLSeq): boolean {
  return (a.flow === true) === (b.flow === true);
}

function isCollectionNode(node: Node): boolean {
  return isMap(node) || isSeq(node);
}
