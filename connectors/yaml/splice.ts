// Edits of YAML text that touch nothing but what they change: the text is parsed for positions only, and the new text is
// spliced in. Comments, order, quoting, indentation and blank lines of everything else stay byte for byte.

import { GantryError, type Problem } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  parseDocument,
  type Scalar,
  stringify,
  type YAMLMap,
} from "yaml";

/** Replaces `text` from `start` to `end` (offsets in characters). */
export type Splice = { readonly start: number; readonly end: number; readonly text: string };

export type Parsed = {
  readonly text: string;
  readonly document: Document.Parsed;
  /** An error that names the file and the line of this offset. */
  readonly wrong: (detail: string, offset?: number) => GantryError;
};

/** Parses one file of one document. Throws `file-invalid` with file, line and column for everything else. */
export function parseYaml(file: string, text: string): Parsed {
  const lines = new LineCounter();
  const wrong = (detail: string, offset?: number): GantryError => {
    const at = offset === undefined ? undefined : lines.linePos(offset);
    const problem: Problem = { detail, file, ...(at ? { line: at.line, column: at.col } : {}) };
    const place = at ? `line ${at.line}: ` : "";
    return new GantryError("file-invalid", { file, problem: `${place}${detail}` }, { problems: [problem] });
  };
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  if (!Array.isArray(documents)) throw wrong("the file is empty");
  const [document, second] = documents;
  if (!document) throw wrong("the file is empty");
  const [error] = document.errors;
  if (error) throw wrong(error.message, error.pos[0]);
  if (second) throw wrong("the file holds several documents; only one can be edited", second.range[0]);
  return { text, document, wrong };
}

/** What the document says, with aliases followed at most 100 times (an alias bomb is an error). */
export function contentOf(parsed: Parsed): unknown {
  try {
    return parsed.document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    throw parsed.wrong(error instanceof Error ? error.message : "it cannot be read");
  }
}

/**
 * Applies the splices if the result says exactly what it should; else lets `rewrite` change the document and prints it,
 * which keeps comments and order, but may change indentation (odd layouts only).
 */
export function applySplices(
  parsed: Parsed,
  splices: readonly Splice[] | undefined,
  expected: unknown,
  rewrite: (document: Document) => void,
): string {
  if (splices) {
    const spliced = [...splices]
      .sort((a, b) => b.start - a.start)
      .reduce((text, { start, end, text: part }) => text.slice(0, start) + part + text.slice(end), parsed.text);
    if (says(spliced, expected)) return spliced;
  }
  const copy = parsed.document.clone() as Document;
  rewrite(copy);
  const printed = copy.toString({ lineWidth: 0, flowCollectionPadding: false });
  if (says(printed, expected)) return printed;
  throw parsed.wrong("its layout is one that cannot be edited safely");
}

/** New text for a scalar that is there, in its own quotes. */
export function replaceScalar(scalar: Scalar, value: JsonValue): Splice | undefined {
  if (!scalar.range || scalar.anchor !== undefined || scalar.tag !== undefined) return undefined;
  const [start, end] = scalar.range;
  const text = inline(value, scalar.type);
  return { start, end, text: start === end ? ` ${text}` : text };
}

/** New entries at the end of a block mapping. */
export function appendPairs(
  parsed: Parsed,
  map: YAMLMap,
  pairs: Readonly<Record<string, JsonValue>>,
): Splice | undefined {
  const first = map.items[0]?.key;
  if (map.flow === true || !isScalar(first) || !first.range) return undefined;
  const column = columnOf(parsed.text, first.range[0]);
  return insertLines(parsed.text, endOf(map), stringify(pairs, { lineWidth: 0 }), column);
}

/** New lines below the line in which `offset` lies, indented by `column`. */
export function insertLines(
  text: string,
  offset: number | undefined,
  lines: string,
  column: number,
): Splice | undefined {
  if (offset === undefined) return undefined;
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const block = lines
    .trimEnd()
    .split("\n")
    .map((line) => `${line === "" ? "" : " ".repeat(column)}${line}${newline}`)
    .join("");
  if (offset > 0 && text[offset - 1] === "\n") return { start: offset, end: offset, text: block };
  const lineEnd = text.indexOf("\n", offset);
  if (lineEnd === -1) return { start: text.length, end: text.length, text: newline + block };
  return { start: lineEnd + 1, end: lineEnd + 1, text: block };
}

/** Takes an entry of a block mapping out; a comment behind it stays where it was. */
export function removePair(text: string, pair: Pair): Splice | undefined {
  const key = pair.key;
  if (!isScalar(key) || !key.range || !isScalar(pair.value) || !pair.value.range) return undefined;
  const [start, end] = [key.range[0], pair.value.range[1]];
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const lineEnd = text.indexOf("\n", end);
  const alone = text.slice(lineStart, start).trim() === "" && lineEnd !== -1 && text.slice(end, lineEnd).trim() === "";
  return alone ? { start: lineStart, end: lineEnd + 1, text: "" } : { start, end: skipBlanks(text, end), text: "" };
}

/** Where the last value below this node ends. */
export function endOf(node: unknown): number | undefined {
  if (isCollection(node) && node.flow !== true) {
    const last = node.items.at(-1);
    if (last !== undefined) return endOf(isNodeOf(last) ? last : ((last as Pair).value ?? (last as Pair).key));
  }
  return isScalar(node) || isCollection(node) || isAlias(node) ? (node as Node).range?.[1] : undefined;
}

export function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf("\n", offset - 1) + 1);
}

/** A value on one line. */
function inline(value: JsonValue, quotes: Scalar["type"]): string {
  if (typeof value === "string" && quotes === "QUOTE_DOUBLE") return JSON.stringify(value);
  if (typeof value === "string" && quotes === "QUOTE_SINGLE" && !value.includes("\n")) {
    return `'${value.replaceAll("'", "''")}'`;
  }
  const text = stringify(value, { lineWidth: 0 }).trimEnd();
  return text.includes("\n") ? JSON.stringify(value) : text;
}

function says(text: string, expected: unknown): boolean {
  const again = parseDocument(text);
  return again.errors.length === 0 && same(again.toJS({ maxAliasCount: 100 }), expected);
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return left.length === right.size && left.every(([key, value]) => right.has(key) && same(value, right.get(key)));
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === " " || text[at] === "\t") at += 1;
  return at;
}

function isNodeOf(item: unknown): boolean {
  return isScalar(item) || isMap(item) || isSeq(item) || isAlias(item);
}
