// The blocks of a Markdown text, as GitHub shows it: headings, paragraphs, lists, tables, quotes, code. It is a strict subset
// (docs/decisions/0046-results-of-steps.md): HTML is text, and lines that are only indented are no code.

import { type Inline, parseInline } from "./inline.ts";

export type Item = { readonly isChecked: boolean | undefined; readonly blocks: readonly Block[] };
export type Cell = readonly Inline[];
export type Align = "left" | "center" | "right" | undefined;
export type Block =
  | { readonly kind: "heading"; readonly level: number; readonly inside: readonly Inline[] }
  | { readonly kind: "paragraph"; readonly inside: readonly Inline[] }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "quote"; readonly blocks: readonly Block[] }
  | { readonly kind: "list"; readonly start: number | undefined; readonly items: readonly Item[] }
  | {
      readonly kind: "table";
      readonly align: readonly Align[];
      readonly head: readonly Cell[];
      readonly rows: readonly (readonly Cell[])[];
    }
  | { readonly kind: "rule" };

/** Characters and lines of a text that are shown: a page with more would be slow. */
const MAX_CHARACTERS = 100_000;
const MAX_LINES = 5_000;
/** Deeper lists and quotes are paragraphs. */
const MAX_DEPTH = 6;
const MAX_COLUMNS = 50;

/** Control characters, and marks that could make a text look like another one. */
const IGNORED = /(?![\n\t])\p{Cc}|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

export type Markdown = { readonly blocks: readonly Block[]; readonly isCut: boolean };

export function parseMarkdown(text: string): Markdown {
  const start = text.slice(0, MAX_CHARACTERS);
  const lines = start.replaceAll(/\r\n?/g, "\n").replaceAll(IGNORED, "").replaceAll("\t", "    ").split("\n");
  const isCut = text.length > start.length || lines.length > MAX_LINES;
  return { blocks: parseBlocks(lines.slice(0, MAX_LINES), 0), isCut };
}

/** Reads a block from the first of these lines; undefined when it is of another kind. */
type Reader = (
  lines: readonly string[],
  depth: number,
) => { readonly block: Block; readonly length: number } | undefined;

const READERS: readonly Reader[] = [readCode, readHeading, readRule, readQuote, readList, readTable];

function parseBlocks(lines: readonly string[], depth: number): readonly Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; ) {
    if (isBlank(lines[at])) {
      at += 1;
      continue;
    }
    const found = readBlock(lines, at, depth);
    if (found) {
      blocks.push(found.block);
      at += found.length;
      continue;
    }
    const start = at;
    at += 1;
    while (at < lines.length && !isBlank(lines[at]) && !beginsBlock(lines, at, depth)) at += 1;
    const text = lines.slice(start, at).map((line) => line.trimStart());
    blocks.push({ kind: "paragraph", inside: parseInline(text.join("\n").trimEnd()) });
  }
  return blocks;
}

function readBlock(lines: readonly string[], at: number, depth: number): ReturnType<Reader> {
  // A line that begins none of them needs no copy of the rest.
  if (!beginsBlock(lines, at, depth)) return undefined;
  const rest = lines.slice(at);
  for (const read of READERS) {
    const found = read(rest, depth);
    if (found) return found;
  }
  return undefined;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?: +(.*))?$/;
const RULE = /^ {0,3}(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|(\d{1,9})[.)])( +|$)/;

function beginsBlock(lines: readonly string[], at: number, depth: number): boolean {
  const line = lines[at] ?? "";
  const isNested = depth < MAX_DEPTH && (QUOTE.test(line) || ITEM.test(line));
  if (isNested || FENCE.test(line) || HEADING.test(line) || RULE.test(line)) return true;
  return line.includes("|") && alignsOf(lines[at + 1]) !== undefined;
}

function readCode(lines: readonly string[]): ReturnType<Reader> {
  const [, fence = ""] = FENCE.exec(lines[0] ?? "") ?? [];
  if (fence === "") return undefined;
  const isEnd = (line: string): boolean => {
    const mark = line.trim();
    return mark.length >= fence.length && mark === (fence[0] ?? "").repeat(mark.length);
  };
  const end = lines.findIndex((line, at) => at > 0 && isEnd(line));
  const last = end < 0 ? lines.length : end;
  return { block: { kind: "code", text: lines.slice(1, last).join("\n") }, length: last + 1 };
}

function readHeading([line = ""]: readonly string[]): ReturnType<Reader> {
  const [, marks, text = ""] = HEADING.exec(line) ?? [];
  if (marks === undefined) return undefined;
  const inside = parseInline(text.trimEnd().replace(/(?:^| )#+$/, ""));
  return { block: { kind: "heading", level: marks.length, inside }, length: 1 };
}

function readRule([line = ""]: readonly string[]): ReturnType<Reader> {
  return RULE.test(line) ? { block: { kind: "rule" }, length: 1 } : undefined;
}

function readQuote(lines: readonly string[], depth: number): ReturnType<Reader> {
  if (depth >= MAX_DEPTH || !QUOTE.test(lines[0] ?? "")) return undefined;
  const end = lines.findIndex((line) => !QUOTE.test(line));
  const length = end < 0 ? lines.length : end;
  const inside = lines.slice(0, length).map((line) => line.replace(QUOTE, ""));
  return { block: { kind: "quote", blocks: parseBlocks(inside, depth + 1) }, length };
}

function readList(lines: readonly string[], depth: number): ReturnType<Reader> {
  const first = ITEM.exec(lines[0] ?? "");
  if (depth >= MAX_DEPTH || !first) return undefined;
  const kindOf = (item: RegExpExecArray): string => (item[2] ?? "").slice(-1);
  const items: Item[] = [];
  let at = 0;
  for (;;) {
    const item = ITEM.exec(lines[at] ?? "");
    if (!item || kindOf(item) !== kindOf(first) || RULE.test(lines[at] ?? "")) break;
    const { text, length } = itemLines(lines, at, item);
    items.push(itemOf(text, depth));
    at += length;
  }
  const start = first[3] === undefined ? undefined : Number(first[3]);
  return items.length === 0 ? undefined : { block: { kind: "list", start, items }, length: at };
}

/** The lines of an item without its mark and indentation. */
function itemLines(
  lines: readonly string[],
  start: number,
  item: RegExpExecArray,
): { readonly text: readonly string[]; readonly length: number } {
  const marked = (item[1] ?? "").length + (item[2] ?? "").length;
  const spaces = (item[4] ?? "").length;
  const indent = marked + (spaces >= 1 && spaces <= 4 ? spaces : 1);
  const text = [(lines[start] ?? "").slice(indent)];
  let at = start + 1;
  for (; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    const own = line.length - line.trimStart().length;
    if (isBlank(line)) {
      const next = lines[at + 1] ?? "";
      if (!isBlank(next) && next.length - next.trimStart().length < indent && !ITEM.test(next)) break;
    } else if (own < indent && (isBlank(lines[at - 1]) || ITEM.test(line) || beginsBlock(lines, at, 0))) break;
    text.push(line.slice(Math.min(own, indent)));
  }
  return { text, length: at - start };
}

function itemOf([first = "", ...rest]: readonly string[], depth: number): Item {
  const [box, mark] = /^\[([ xX])\] +/.exec(first) ?? [];
  const isChecked = mark === undefined ? undefined : mark !== " ";
  return { isChecked, blocks: parseBlocks([first.slice(box?.length ?? 0), ...rest], depth + 1) };
}

function readTable(lines: readonly string[]): ReturnType<Reader> {
  const align = (lines[0] ?? "").includes("|") ? alignsOf(lines[1]) : undefined;
  if (align === undefined) return undefined;
  const end = lines.findIndex((line, at) => at > 1 && !line.includes("|"));
  const length = end < 0 ? lines.length : end;
  const cellsIn = (line = ""): readonly Cell[] => cellsOf(line).slice(0, align.length).map(parseInline);
  const rows = lines.slice(2, length).map(cellsIn);
  return { block: { kind: "table", align, head: cellsIn(lines[0]), rows }, length };
}

function cellsOf(line: string): readonly string[] {
  const inner = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/, MAX_COLUMNS).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** Of a line such as `|:--|--:|`; undefined for any other. */
function alignsOf(line: string | undefined): readonly Align[] | undefined {
  if (line === undefined || !/^[\s|:-]+$/.test(line) || !line.includes("-") || !/[|:]/.test(line)) return undefined;
  const cells = cellsOf(line);
  if (!cells.every((cell) => /^:?-+:?$/.test(cell))) return undefined;
  return cells.map((cell) => {
    const [left, right] = [cell.startsWith(":"), cell.endsWith(":")];
    return left && right ? "center" : right ? "right" : left ? "left" : undefined;
  });
}

function isBlank(line: string | undefined): boolean {
  return line === undefined || line.trim() === "";
}
