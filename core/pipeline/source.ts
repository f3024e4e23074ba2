// Reads a pipeline file as a tree with source positions. The YAML is untrusted, so everything has a limit, and ambiguous
// YAML is refused (numbers that are not what they look like, tags, duplicate keys, cycles).

import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { JsonValue } from "../json.ts";
import { truncate } from "../truncate.ts";

export type Place = {
  readonly line: number;
  readonly column: number;
  /** Of a template that the file includes: its path. Absent: the file itself. */
  readonly file?: string;
  /** The place that includes the template. */
  readonly from?: Place;
};

export type Source =
  | { readonly kind: "map"; readonly at: Place; readonly entries: ReadonlyMap<string, SourceEntry> }
  | { readonly kind: "list"; readonly at: Place; readonly items: readonly Source[] }
  | {
      readonly kind: "scalar";
      readonly at: Place;
      readonly value: string | number | boolean | null;
      readonly raw: Raw;
    };
export type SourceEntry = { readonly key: Place; readonly value: Source };
/** The characters of a scalar as written in the file, to find a position inside it. */
type Raw = {
  readonly text: string;
  readonly offset: number;
  /** The place of a character of its file. Absent: the scalar is of the file itself. */
  readonly placeOf?: (offset: number) => Place;
};

export type SourceProblem = { readonly at: Place; readonly detail: string };
export type SourceFile = {
  /** Undefined if the YAML cannot be parsed: text after a syntax error could only be guessed. */
  readonly root: Source | undefined;
  readonly problems: readonly SourceProblem[];
  /** The place of a character of the file. */
  readonly placeOf: (offset: number) => Place;
};

const LIMITS = { characters: 262_144, tokens: 60_000, nodes: 20_000, depth: 64, aliases: 200 } as const;
const START: Place = { line: 1, column: 1 };

export function readSource(text: string): SourceFile {
  const lines = new LineCounter();
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return line === 0 ? START : { line, column: col };
  };
  const stop = (detail: string, at = START): SourceFile => ({ root: undefined, problems: [{ at, detail }], placeOf });
  if (text.length > LIMITS.characters) return stop(`the file is larger than ${LIMITS.characters / 1_024} KiB`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that YAML does not allow
  const strange = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/u.exec(text.replace(/^\ufeff/, ""));
  if (strange !== null) return stop("the file holds control characters; it must be text in UTF-8");
  const tooMuch = scan(text);
  if (tooMuch !== undefined) return stop(tooMuch);

  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    strict: true,
    merge: false,
    stringKeys: true,
    // Both are quadratic in the library; duplicates are found below, places are computed once per problem.
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
    logLevel: "error",
  });
  const [error] = document.errors;
  // Later errors mostly follow from the first one.
  if (error !== undefined) {
    const detail = `${sentence(error.code, error.message)}${quotesHint(text, error.pos[0])}`;
    return stop(detail, placeOf(error.pos[0]));
  }
  if (document.contents === null) return stop("the file is empty");
  const reading = { document, text, placeOf, problems: [], open: new Set<Node>(), nodes: 0, aliases: 0 };
  const root = readNode(reading, document.contents, 0);
  return { root, problems: reading.problems, placeOf };
}

/** The value without places. Keys of a map become own properties, whatever their name. */
export function plainValue(source: Source): JsonValue {
  if (source.kind === "scalar") return source.value;
  if (source.kind === "list") return source.items.map(plainValue);
  return Object.fromEntries([...source.entries].map(([key, entry]) => [key, plainValue(entry.value)]));
}

/** The position of a path, or of its longest part that exists. For a path that ends in a key, the position of the key. */
export function placeAt(root: Source, path: readonly (string | number)[], want: "key" | "value" = "value"): Place {
  let at = root.at;
  let node: Source | undefined = root;
  for (const step of path) {
    if (node?.kind === "map") {
      const entry: SourceEntry | undefined = node.entries.get(String(step));
      if (entry === undefined) return at;
      at = want === "key" ? entry.key : entry.value.kind === "scalar" ? entry.value.at : entry.key;
      node = entry.value;
    } else if (node?.kind === "list" && typeof step === "number") {
      node = node.items[step];
      if (node === undefined) return at;
      at = node.at;
    } else return at;
  }
  return at;
}

export function sourceAt(root: Source, path: readonly (string | number)[]): Source | undefined {
  let node: Source | undefined = root;
  for (const step of path) {
    if (node?.kind === "map") node = node.entries.get(String(step))?.value;
    else if (node?.kind === "list" && typeof step === "number") node = node.items[step];
    else return undefined;
  }
  return node;
}

/** A quick check before parsing, whose time and stack grow with depth and size. */
function scan(text: string): string | undefined {
  let tokens = 0;
  let flow = 0;
  let compact = 0;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    if (token === "[" || token === "{") flow += 1;
    else if (token === "]" || token === "}") flow -= 1;
    else if (token === "-" || token === "?") compact += 1;
    else if (token.includes("\n")) compact = 0;
    if (tokens > LIMITS.tokens) return `the file has more than ${LIMITS.tokens} parts`;
    if (flow > LIMITS.depth || compact > LIMITS.depth) return `the file is nested deeper than ${LIMITS.depth}`;
  }
  return undefined;
}

/** Counters and results of reading a document. Aliases are followed, so a node may be read several times. */
type Reading = {
  readonly document: Document;
  readonly text: string;
  readonly placeOf: (offset: number) => Place;
  readonly problems: SourceProblem[];
  /** Nodes that are being read, to find an alias that leads to itself. */
  readonly open: Set<Node>;
  nodes: number;
  aliases: number;
};

function report({ problems }: Reading, at: Place, detail: string): void {
  if (problems.length < 100 && !problems.some((one) => one.detail === detail && one.at.line === at.line))
    problems.push({ at, detail });
}

function nothingAt(at: Place): Source {
  return { kind: "scalar", at, value: null, raw: { text: "", offset: 0 } };
}

function readNode(reading: Reading, node: Node, depth: number): Source {
  const at = reading.placeOf(node.range?.[0] ?? 0);
  reading.nodes += 1;
  if (reading.nodes > LIMITS.nodes) {
    if (reading.nodes === LIMITS.nodes + 1)
      report(reading, at, `the file has more than ${LIMITS.nodes} values, counting aliases`);
    return nothingAt(at);
  }
  if (depth > LIMITS.depth) {
    report(reading, at, `the file is nested deeper than ${LIMITS.depth}`);
    return nothingAt(at);
  }
  if (isAlias(node)) return readAlias(reading, node, at, depth);
  if (node.tag !== undefined) report(reading, at, `the tag ${shortTag(node.tag)} is not allowed`);
  reading.open.add(node);
  const result = readContent(reading, node, at, depth);
  reading.open.delete(node);
  return result;
}

function readContent(reading: Reading, node: Node, at: Place, depth: number): Source {
  if (isMap(node)) return readMap(reading, node, at, depth);
  if (isSeq(node))
    return { kind: "list", at, items: node.items.map((item) => readNode(reading, item as Node, depth + 1)) };
  return isScalar(node) ? readScalar(reading, node, at) : nothingAt(at);
}

function readAlias(reading: Reading, node: Alias, at: Place, depth: number): Source {
  reading.aliases += 1;
  if (reading.aliases > LIMITS.aliases) {
    if (reading.aliases === LIMITS.aliases + 1) report(reading, at, `the file has more than ${LIMITS.aliases} aliases`);
    return nothingAt(at);
  }
  const target = node.resolve(reading.document);
  if (target === undefined) {
    report(reading, at, `there is no anchor &${truncate(node.source, 60)} before this alias`);
    return nothingAt(at);
  }
  if (reading.open.has(target)) {
    report(reading, at, `the alias *${node.source} leads to itself`);
    return nothingAt(at);
  }
  return readNode(reading, target, depth);
}

function readMap(reading: Reading, node: YAMLMap, at: Place, depth: number): Source {
  const entries = new Map<string, SourceEntry>();
  for (const pair of node.items) {
    const key = pair.key as Scalar<unknown>;
    const name = typeof key.value === "string" ? key.value : String(key.value);
    const place = reading.placeOf(key.range?.[0] ?? node.range?.[0] ?? 0);
    if (name === "__proto__") report(reading, place, "`__proto__` is not allowed as a key");
    else if (entries.has(name)) report(reading, place, `the key ${truncate(name, 60)} occurs twice`);
    else {
      const value = pair.value === null ? nothingAt(place) : readNode(reading, pair.value as Node, depth + 1);
      entries.set(name, { key: place, value });
    }
  }
  return { kind: "map", at, entries };
}

function readScalar(reading: Reading, node: Scalar<unknown>, at: Place): Source {
  const [start, end] = node.range ?? [0, 0];
  const raw = { text: reading.text.slice(start, end), offset: start };
  const { value } = node;
  if (typeof value === "number" && node.source !== String(value)) {
    const detail = `${truncate(node.source ?? "", 60)} would be read as the number ${value}; put it in quotes if it is text`;
    report(reading, at, detail);
  }
  if (typeof value === "string" && value.includes("\0"))
    report(reading, at, "a text must not hold a zero byte: no program can be given it");
  if (typeof value === "string" || typeof value === "boolean") return { kind: "scalar", at, value, raw };
  return { kind: "scalar", at, value: typeof value === "number" && Number.isFinite(value) ? value : null, raw };
}

/** Error codes of the YAML library in words. */
const YAML_ERRORS: { readonly [code: string]: string } = {
  BAD_INDENT:
    "the indentation is wrong, or a bracket is not closed; the keys of a map, and the elements of a list, begin in the same column",
  TAB_AS_INDENT: "a tab is used for indentation; use spaces",
  MISSING_CHAR: "a quote, bracket, comma or colon is missing",
  BLOCK_AS_IMPLICIT_KEY: "a map cannot begin here; check the indentation, and put a text that contains `: ` in quotes",
  BLOCK_IN_FLOW: "between brackets, maps and lists must be written with brackets, too",
  UNEXPECTED_TOKEN: "this cannot stand here; put it in quotes if it is text",
  BAD_SCALAR_START: "a text cannot begin with this character; put it in quotes",
  MULTILINE_IMPLICIT_KEY: "a key must be on one line; the colon after it may be missing",
  BAD_DQ_ESCAPE: "this escape sequence is not known; use single quotes, or write the backslash twice",
  COMMENT_SPACE: "a comment needs a space before its #",
  MULTIPLE_ANCHORS: "a value has more than one anchor",
  MULTIPLE_TAGS: "a value has more than one tag",
  BAD_DIRECTIVE: "a line that begins with % is not allowed here",
};

function sentence(code: string, message: string): string {
  if (code === "MULTIPLE_DOCS") return "the file holds more than one document; write each into a file of its own";
  if (code === "RESOURCE_EXHAUSTION") return `the file is nested deeper than ${LIMITS.depth}`;
  if (code === "NON_STRING_KEY") return "a key must be text";
  const words = Object.hasOwn(YAML_ERRORS, code) ? YAML_ERRORS[code] : undefined;
  return `the YAML is not valid: ${words ?? truncate(message.split("\n")[0] ?? "", 200)}`;
}

/** Brackets and quotes of an expression are those of YAML, too, where the text is not in quotes. */
function quotesHint(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1).split("\n", 1);
  return line[0]?.includes("${{")
    ? "; a text with an expression needs quotes around it, of the other kind than those inside"
    : "";
}

function shortTag(tag: string): string {
  return truncate(tag.replace("tag:yaml.org,2002:", "!!"), 60);
}
