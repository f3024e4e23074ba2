// Edits of YAML text by position. Every edit is a splice of the text between two offsets: everything else stays byte for
// byte. There is no printing of a document.

import type { JsonValue } from "@gantry/core/json.ts";
import { type CST, isCollection, isScalar, type Pair, type YAMLMap, type YAMLSeq } from "yaml";
import { isEmpty, type YamlDocument } from "./document.ts";
import {
  blockScalar,
  columnOfKeys,
  endOfItem,
  endOfMarks,
  endOfToken,
  hasLineBreak,
  type Item,
  itemsOf,
  type Slot,
  startOfItem,
  startOfLine,
  startOfNextLine,
} from "./layout.ts";
import { isJson } from "./reader-differences.ts";
import { blockLines, flowText, isBlock, jsonText, type Quotes, STEP, scalarText } from "./scalar-text.ts";

/** Replaces the text from `start` to `end` (offsets in UTF-16 units). */
export type Splice = { readonly start: number; readonly end: number; readonly text: string };

/** Undefined: this layout cannot be edited by position. */
export type Splices = readonly Splice[] | undefined;

export function applySplices(text: string, splices: readonly Splice[]): string {
  // Applied from the end, so that offsets stay right. Two edits at the same offset keep their order in the text.
  return splices
    .toReversed()
    .toSorted((a, b) => b.start - a.start || b.end - a.end)
    .reduce((edited, { start, end, text: part }) => edited.slice(0, start) + part + edited.slice(end), text);
}

/** Gives a slot another value. Its anchor, tag and the comments beside it stay. */
export function setSlot(text: string, slot: Slot, value: JsonValue): Splices {
  const { node, item, kind, inFlow } = slot;
  const at = item ? endOfMarks(item) : undefined;
  if (kind === "entry" && !inFlow && isBlock(value)) {
    return at === undefined ? undefined : setBlock(text, slot, at, blockLines(value), indentFor(text, slot, value));
  }
  const inline = inlineText(text, value, node, inFlow);
  if (isEmpty(node)) return insertInline(slot, at, inline);
  const token = node?.srcToken;
  if (!token) return undefined;
  if (token.type === "block-scalar") return replaceBlockScalar(text, token, slot, value, inline);
  const start = token.offset;
  const isBlockCollection = token.type === "block-map" || token.type === "block-seq";
  if (isBlockCollection && kind === "entry" && at !== undefined && hasLineBreak(text, at, start)) {
    return [{ start: at, end: at, text: ` ${inline}` }, linesOf(text, token)];
  }
  const from = startOfToken(token);
  return [{ start: from, end: endOfLast(text, from, endOfToken(token)), text: inline }];
}

/** A new entry at the end of a mapping. */
export function addEntry(text: string, map: YAMLMap.Parsed, key: string, value: JsonValue): Splices {
  if (map.flow === true) return addToFlow(text, map, flowEntry(text, key, value));
  return addLines(text, map, blockLines({ [key]: value }));
}

/** A new item at the end of a list. */
export function addItem(text: string, list: YAMLSeq.Parsed, value: JsonValue): Splices {
  if (list.flow === true) return addToFlow(text, list, inlineText(text, value, undefined, true));
  return addLines(text, list, blockLines([value]));
}

/** The first entry of a document that has only comments, or nothing. */
export function fillDocument(text: string, document: YamlDocument, value: JsonValue): Splices {
  const { contents, range } = document;
  if (!isEmpty(contents) || !isBlock(value)) return undefined;
  const at = contents?.range[2] ?? range[1];
  return [insertLines(text, at, blockLines(value), 0)];
}

/** Another entry in the place of this one. A comment behind it stays. */
export function replaceEntry(text: string, map: YAMLMap.Parsed, pair: Pair, key: string, value: string): Splices {
  const item = pair.srcToken;
  const start = item && startOfItem(item);
  if (!item || start === undefined) return undefined;
  return [
    {
      start,
      end: endOfLast(text, start, endOfItem(item)),
      text: map.flow === true ? flowEntry(text, key, value) : `${key}: ${scalarText(value, undefined, false)}`,
    },
  ];
}

/** Takes an entry out. A comment behind it stays where it was. */
export function removeEntry(text: string, map: YAMLMap.Parsed, pair: Pair): Splices {
  const items = itemsOf(map) ?? [];
  const index = pair.srcToken ? items.indexOf(pair.srcToken) : -1;
  const [before, item, after] = [items[index - 1], items[index], items[index + 1]];
  const start = item && startOfItem(item);
  if (!item || start === undefined) return undefined;
  const end = endOfItem(item);
  const next = after && startOfItem(after);
  if (map.flow === true) return [{ ...placeInFlow(text, map, item, before, after), text: "" }];
  const line = startOfLine(text, start);
  const below = startOfNextLine(text, end);
  const nothingBehind = text.slice(end, below).trim() === "";
  if (text.slice(line, start).trim() === "" && nothingBehind) return [{ start: line, end: below, text: "" }];
  // The first entry of a list item shares its line with the dash: the next entry takes its place.
  if (nothingBehind && next !== undefined && text.slice(end, next).trim() === "")
    return [{ start, end: next, text: "" }];
  return [{ start, end, text: "" }];
}

/** What goes with an entry of a flow mapping: one comma, and the space on that side. Comments stay. */
function placeInFlow(
  text: string,
  map: YAMLMap.Parsed,
  item: Item,
  before: Item | undefined,
  after: Item | undefined,
): { readonly start: number; readonly end: number } {
  const [start, end, next] = [startOfItem(item) ?? 0, endOfItem(item), after && startOfItem(after)];
  const endBefore = before && endOfItem(before);
  if (endBefore !== undefined && !text.slice(endBefore, start).includes("#")) return { start: endBefore, end };
  if (next !== undefined && !text.slice(end, next).includes("#")) return { start, end: next };
  const comma = endOfCommaBehind(map, item);
  // The comma before an entry may end a flow mapping, and one that a comment parts from the entry stays.
  const isOwn = comma !== undefined && !text.slice(end, comma).includes("#");
  return { start, end: isOwn ? comma : end };
}

function endOfCommaBehind(map: YAMLMap.Parsed, item: Item): number | undefined {
  const token = map.srcToken;
  const items = token && "items" in token ? token.items : [];
  const comma = items[items.indexOf(item) + 1]?.start.find(({ type }) => type === "comma");
  return comma && endOfToken(comma);
}

/** `{key: value}` without the braces. */
function flowEntry(text: string, key: string, value: JsonValue): string {
  const name = isJson(text) ? jsonText(key) : scalarText(key, undefined, true);
  return `${name}: ${inlineText(text, value, undefined, true)}`;
}

/** What one line can hold for this value, in the quotes of the old one. */
function inlineText(text: string, value: JsonValue, old: unknown, inFlow: boolean): string {
  if (isJson(text)) return jsonText(value);
  if (typeof value === "object" && value !== null) return flowText(value);
  return scalarText(value as string | number | boolean | null, quotesOf(old), inFlow);
}

function quotesOf(node: unknown): Quotes {
  if (!isScalar(node)) return undefined;
  if (node.type === "QUOTE_DOUBLE") return "double";
  return node.type === "QUOTE_SINGLE" ? "single" : undefined;
}

function insertInline({ item, kind, inFlow }: Slot, at: number | undefined, inline: string): Splices {
  if (!item) return undefined;
  if (at !== undefined) return [{ start: at, end: at, text: ` ${inline}` }];
  // A key in a flow mapping without a colon.
  if (kind !== "entry" || !inFlow || !item.key) return undefined;
  const end = endOfToken(item.key);
  return [{ start: end, end, text: `: ${inline}` }];
}

/** Lines below the key; the old value goes. */
function setBlock(text: string, slot: Slot, at: number, lines: string[], column: number): Splices {
  const { node } = slot;
  const token = isEmpty(node) ? undefined : node?.srcToken;
  if (!token) return [insertLines(text, at, lines, column)];
  if (token.type === "block-scalar") return linesForBlockScalar(text, token, at, lines, column);
  if (isCollection(node) && node.flow !== true) {
    const { start, end } = linesOf(text, token);
    return [{ start, end, text: insertLines(text, start, lines, column).text }];
  }
  if (hasLineBreak(text, at, token.offset)) return undefined;
  const end = endOfToken(token);
  return [{ start: at, end, text: "" }, insertLines(text, end, lines, column)];
}

/** Without the header and the text, and with the comments around the header. */
function linesForBlockScalar(
  text: string,
  token: CST.BlockScalar,
  at: number,
  lines: string[],
  column: number,
): Splices {
  const { header, bodyStart, bodyEnd } = blockScalar(token);
  const isBelow = hasLineBreak(text, at, header.start);
  if (isBelow && text.slice(header.end, bodyStart).trim() === "") {
    const { start, text: fresh } = insertLines(text, startOfLine(text, header.start), lines, column);
    return [{ start, end: bodyEnd, text: fresh }];
  }
  return [
    { start: isBelow ? header.start : at, end: header.end, text: "" },
    { start: bodyStart, end: bodyEnd, text: insertLines(text, bodyStart, lines, column).text },
  ];
}

function indentFor(text: string, { node, column }: Slot, value: JsonValue): number {
  const old = isCollection(node) && node.flow !== true ? columnOfKeys(text, node) : undefined;
  // Only a list may be as far left as the key above it.
  return old !== undefined && (old > column || Array.isArray(value)) ? old : column + STEP;
}

/** The whole lines of a block collection that begins on a line of its own. */
function linesOf(text: string, token: CST.Token): Splice {
  return { start: startOfLine(text, startOfToken(token)), end: startOfNextLine(text, endOfToken(token)), text: "" };
}

function startOfToken(token: CST.Token): number {
  if (token.type !== "block-map" && token.type !== "block-seq") return token.offset;
  const [first] = token.items;
  return (first && startOfItem(first)) ?? token.offset;
}

function replaceBlockScalar(
  text: string,
  token: CST.BlockScalar,
  { column }: Slot,
  value: JsonValue,
  inline: string,
): Splices {
  const { header, bodyStart, bodyEnd } = blockScalar(token);
  const newline = newlineOf(text);
  if (typeof value === "string" && header.text.startsWith("|") && fitsBlock(value)) {
    const indent = /^[ \t]*(?=\S)/m.exec(text.slice(bodyStart, bodyEnd))?.[0] ?? " ".repeat(column + STEP);
    const lines = value.replace(/\n$/, "").split("\n");
    const body = lines.map((line) => (line === "" ? "" : indent + line) + newline).join("");
    return [
      { start: header.start, end: header.end, text: value.endsWith("\n") ? "|" : "|-" },
      { start: bodyStart, end: bodyEnd, text: body },
    ];
  }
  return [
    { start: header.start, end: header.end, text: inline },
    { start: bodyStart, end: bodyEnd, text: "" },
  ];
}

/** Several lines of printable text, which no rule about indentation or line ends changes. */
function fitsBlock(text: string): boolean {
  return /^[^\s].*\n/.test(text) && /[^\n]\n?$/.test(text) && /^[\p{L}\p{N}\p{P}\p{S} \t\n]*$/u.test(text);
}

function addToFlow(text: string, node: YAMLMap.Parsed | YAMLSeq.Parsed, addition: string): Splices {
  const token = node.srcToken;
  if (token?.type !== "flow-collection") return undefined;
  const last = itemsOf(node)?.at(-1);
  if (last) {
    const end = endOfItem(last);
    // A colon without a value needs a space before the comma for readers of YAML 1.1.
    const gap = text[end - 1] === ":" ? " " : "";
    return [{ start: end, end, text: `${gap}, ${addition}` }];
  }
  const start = token.start.offset + token.start.source.length;
  return [{ start, end: start, text: addition }];
}

function addLines(text: string, node: YAMLMap.Parsed | YAMLSeq.Parsed, lines: readonly string[]): Splices {
  const last = itemsOf(node)?.at(-1);
  const column = columnOfKeys(text, node);
  return last && column !== undefined ? [insertLines(text, endOfItem(last), lines, column)] : undefined;
}

/** New lines below the line in which `offset` lies, indented by `column`, with the line ends of the file. */
function insertLines(text: string, offset: number, lines: readonly string[], column: number): Splice {
  const newline = newlineOf(text);
  const block = lines.map((line) => `${" ".repeat(column)}${line}${newline}`).join("");
  const at = startOfNextLine(text, offset);
  const closed = at === 0 || text[at - 1] === "\n" || text.slice(0, at) === "\uFEFF";
  return { start: at, end: at, text: closed ? block : newline + block };
}

/** A block text ends behind its last line end, which must stay where the line stays. Spaces before it are text. */
function endOfLast(text: string, start: number, end: number): number {
  return start + text.slice(start, end).replace(/(?:\r?\n *)+$/, "").length;
}

function newlineOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}
