// Positions in YAML text, read from the tokens of the parser: where an entry begins, where its last value ends, in which
// column its keys are. All offsets are in UTF-16 units, as strings count.

import type { CST, Document, ParsedNode, YAMLMap, YAMLSeq } from "yaml";

type Token = CST.Token;
export type Item = CST.CollectionItem;

/** The place of a value: an entry of a mapping, an item of a list, or the whole document. */
export type Slot = {
  readonly kind: "entry" | "item" | "document";
  readonly node: ParsedNode | null;
  /** Undefined for the whole document. */
  readonly item: Item | undefined;
  readonly inFlow: boolean;
  /** Column of the keys or dashes around it. */
  readonly column: number;
};

export function documentSlot(document: Document.Parsed<ParsedNode>): Slot {
  return { kind: "document", node: document.contents, item: undefined, inFlow: false, column: 0 };
}

/** The slot of an entry of this mapping. Undefined when the parser kept no tokens of it. */
export function entrySlot(text: string, map: YAMLMap.Parsed, pair: YAMLMap.Parsed["items"][number]): Slot | undefined {
  const { srcToken: item } = pair;
  if (!item) return undefined;
  return { kind: "entry", node: pair.value, item, inFlow: map.flow === true, column: columnOfKeys(text, map) ?? 0 };
}

export function itemSlot(text: string, list: YAMLSeq.Parsed, index: number): Slot | undefined {
  const item = itemsOf(list)?.[index];
  if (!item) return undefined;
  const node = list.items[index] ?? null;
  return { kind: "item", node, item, inFlow: list.flow === true, column: columnOfKeys(text, list) ?? 0 };
}

/** The column of the keys of a block mapping, or of the dashes of a block list. */
export function columnOfKeys(text: string, node: YAMLMap.Parsed | YAMLSeq.Parsed): number | undefined {
  const [first] = itemsOf(node) ?? [];
  const start = first && startOfItem(first);
  return start === undefined ? undefined : columnOf(text, start);
}

/** The entries or items with content; comments behind the last one are no item. */
export function itemsOf(node: YAMLMap.Parsed | YAMLSeq.Parsed): readonly Item[] | undefined {
  const token = node.srcToken;
  if (!token || !("items" in token)) return undefined;
  return token.items.filter((item) => startOfItem(item) !== undefined);
}

/** Where the first token of an item is that is neither space, comment, line end nor comma. */
export function startOfItem({ start, key, sep, value }: Item): number | undefined {
  const mark = start.find(isMark) ?? (key ? key : sep?.find(isMark)) ?? value;
  return mark?.offset;
}

/** Where an item ends: behind its value, or behind its colon, dash, anchor or tag when it has none. */
export function endOfItem(item: Item): number {
  const { start, key, sep, value } = item;
  if (value && !isNothing(value)) return endOfToken(value);
  const mark = sep?.findLast(isMark);
  if (mark) return endOfToken(mark);
  if (key) return endOfToken(key);
  const last = start.findLast(isMark);
  return last ? endOfToken(last) : (value?.offset ?? 0);
}

/** Where a new value goes that has nothing to replace: behind the colon or dash, and behind an anchor and a tag. */
export function endOfMarks({ start, key, sep }: Item): number | undefined {
  const mark = (sep ?? start).findLast(isMark);
  return key && sep && !sep.some(({ type }) => type === "map-value-ind") ? undefined : mark && endOfToken(mark);
}

/** Where the value of a token ends; blank lines and comments behind it do not count. */
export function endOfToken(token: Token): number {
  switch (token.type) {
    case "block-map":
    case "block-seq": {
      const last = token.items.findLast((item) => startOfItem(item) !== undefined);
      return last ? endOfItem(last) : token.offset;
    }
    case "flow-collection": {
      const close = token.end.find(({ type }) => type === "flow-map-end" || type === "flow-seq-end");
      return close ? close.offset + close.source.length : token.offset;
    }
    case "block-scalar":
      return blockScalar(token).bodyEnd;
    case "document":
      return token.offset;
    default:
      return token.offset + token.source.length;
  }
}

export type BlockScalarLayout = {
  readonly header: { readonly start: number; readonly end: number; readonly text: string };
  /** From the line below the header to behind the last line with text, or with `+` behind the blank lines too. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
  /** Columns of indentation of its lines. Spaces behind them are text. */
  readonly indent: number;
};

/** The parts of a `|` or `>` text. */
export function blockScalar(token: CST.BlockScalar): BlockScalarLayout {
  const header = token.props.find(({ type }) => type === "block-scalar-header");
  const text = header && "source" in header ? header.source : "";
  const start = header?.offset ?? token.offset;
  const last = token.props.at(-1);
  const bodyStart = last && "source" in last ? last.offset + last.source.length : token.offset;
  const indicator = /\d/.exec(text)?.[0];
  const [first = ""] = /^ *(?=[^ \r\n])/m.exec(token.source) ?? [];
  const indent = indicator === undefined ? first.length : Math.max(token.indent, 0) + Number(indicator);
  const body = text.includes("+") ? token.source.length : lengthWithoutBlankLines(token.source, indent);
  return { header: { start, end: start + text.length, text }, bodyStart, bodyEnd: bodyStart + body, indent };
}

/** A line of spaces is blank up to the indentation of the text. */
function lengthWithoutBlankLines(source: string, indent: number): number {
  let end = source.length;
  while (end > 0) {
    const start = end < 2 ? 0 : source.lastIndexOf("\n", end - 2) + 1;
    const line = source.slice(start, end).replace(/\r?\n$/, "");
    if (line.length > indent || /[^ ]/.test(line)) return end;
    end = start;
  }
  return source.length;
}

export function isNothing(token: Token): boolean {
  return token.type === "scalar" && token.source === "";
}

export function columnOf(text: string, offset: number): number {
  return offset - startOfLine(text, offset);
}

/** A byte order mark takes no column. */
export function startOfLine(text: string, offset: number): number {
  const start = offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
  return start === 0 && text.startsWith("\uFEFF") ? 1 : start;
}

/** Behind the line end of the line in which `offset` lies; the length of the text when that line has none. */
export function startOfNextLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === "\n") return offset;
  const end = text.indexOf("\n", offset);
  return end === -1 ? text.length : end + 1;
}

export function hasLineBreak(text: string, start: number, end: number): boolean {
  return text.slice(start, end).includes("\n");
}

function isMark({ type }: CST.SourceToken): boolean {
  return type !== "space" && type !== "comment" && type !== "newline" && type !== "comma";
}
