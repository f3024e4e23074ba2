// What the aliases of a document stand for. Found in one pass, because `Alias.resolve` of the parser walks the whole document
// for each alias. Pure.

import type { GantryError } from "@gantry/core/errors.ts";
import { type Alias, type Document, isAlias, isMap, isSeq, type ParsedNode } from "yaml";

/** By alias: the node that has the anchor. */
export type Targets = ReadonlyMap<Alias, ParsedNode>;

/** The parser needs time for each pair of an alias and an anchor. */
const MAX_ALIASES = 10_000;
/** Values of a document with its aliases filled in. An alias bomb has many more. */
const MAX_VALUES = 1_000_000;
/** Every walk over a document is recursive. */
const MAX_DEPTH = 500;

/** Throws `file-invalid` for an alias without an anchor or inside its own anchor, an alias bomb, and very deep nesting. */
export function readAliases(
  document: Document.Parsed<ParsedNode>,
  wrong: (detail: string, offset?: number) => GantryError,
): Targets {
  const targets = new Map<Alias, ParsedNode>();
  const anchors = new Map<string, ParsedNode>();
  /** How many values an anchored node holds; missing while the node is being read. */
  const sizes = new Map<ParsedNode, number>();
  const sizeOfAlias = (alias: Alias.Parsed): number => {
    const at = alias.range[0];
    const target = anchors.get(alias.source);
    if (!target) throw wrong(`the alias *${alias.source} has no anchor before it`, at);
    const size = sizes.get(target);
    if (size === undefined) throw wrong(`the alias *${alias.source} is inside the value that has &${alias.source}`, at);
    targets.set(alias, target);
    if (targets.size > MAX_ALIASES) throw wrong(`it has more than ${MAX_ALIASES} aliases`, at);
    return size;
  };
  const sizeOf = (node: ParsedNode | null, depth: number): number => {
    if (node === null) return 1;
    if (isAlias(node)) return sizeOfAlias(node);
    if (depth > MAX_DEPTH) throw wrong(`it is nested more than ${MAX_DEPTH} levels deep`, node.range[0]);
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    const size = childrenOf(node).reduce((sum, child) => sum + sizeOf(child, depth + 1), 1);
    if (size > MAX_VALUES)
      throw wrong(`with its aliases filled in it holds more than ${MAX_VALUES} values`, node.range[0]);
    if (node.anchor !== undefined) sizes.set(node, size);
    return size;
  };
  sizeOf(document.contents, 0);
  return targets;
}

function childrenOf(node: ParsedNode): readonly (ParsedNode | null)[] {
  if (isMap(node)) return node.items.flatMap(({ key, value }) => [key, value]);
  return isSeq(node) ? node.items : [];
}
