// Reads a YAML file for an edit: its documents with their positions, and errors that name file and line. A file may hold
// several documents; a selector says which one an edit means.

import { GantryError, type Problem } from "@gantry/core/errors.ts";
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  type ParsedNode,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from "yaml";
import { readAliases, type Targets } from "./aliases.ts";
import { refuseOddNodes, refuseOddText } from "./reader-differences.ts";

export type YamlFile = {
  readonly text: string;
  /** The documents that have content, in the order of the file. Tools that read YAML skip the empty ones. */
  readonly documents: readonly YamlDocument[];
  readonly targets: Targets;
  /** The line of an offset, from 1. */
  readonly lineOf: (offset: number) => number;
  /** Where this line begins. */
  readonly startOf: (line: number) => number;
  /** Makes a `file-invalid` error that names the file and the line of this offset. */
  readonly wrong: (detail: string, offset?: number) => GantryError;
};
export type YamlDocument = Document.Parsed<ParsedNode>;

/** Which document of a file: what its `apiVersion`, `kind` and `metadata` say, or its position, from 0. */
export type DocumentSelector = {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
  readonly index?: number | undefined;
};

/** What to do about a file with several documents where an edit can say which one it means. */
const CHOOSE_DOCUMENT = "say which one with `document` (kind, name, namespace, apiVersion or index)";

/** Parses a file. Throws `file-invalid` with file, line and column when it is empty, not YAML, or an alias bomb. */
export function parseYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const wrong = (detail: string, offset?: number): GantryError => {
    const at = offset === undefined ? undefined : lines.linePos(offset);
    const problem: Problem = { detail, file, ...(at ? { line: at.line, column: at.col } : {}) };
    const place = at ? `line ${at.line}: ` : "";
    return new GantryError("file-invalid", { file, problem: `${place}${detail}` }, { problems: [problem] });
  };
  // Integers are read as BigInt: a double would round those above 2^53.
  const parsed = parseAllDocuments<ParsedNode>(text, {
    lineCounter: lines,
    prettyErrors: false,
    keepSourceTokens: true,
    intAsBigInt: true,
    // The parser would compare each key with all keys before it; refuseOddNodes finds those that are there twice.
    uniqueKeys: false,
    // Warnings would go to the standard error of the process.
    logLevel: "error",
  });
  refuseOddText(text, wrong);
  if (!Array.isArray(parsed) || parsed.length === 0) throw wrong("the file is empty");
  const targets = new Map<Alias, ParsedNode>();
  for (const document of parsed) {
    const [error] = document.errors;
    if (error?.code === "RESOURCE_EXHAUSTION") throw wrong("it is nested too deeply", error.pos[0]);
    if (error) throw wrong(error.message, error.pos[0]);
    for (const [alias, target] of readAliases(document, wrong)) targets.set(alias, target);
    refuseOddNodes(text, document, wrong);
  }
  const filled = parsed.filter((document) => !isEmpty(document.contents));
  const lineOf = (offset: number): number => lines.linePos(offset).line;
  const startOf = (line: number): number => lines.lineStarts[line - 1] ?? 0;
  return { text, documents: filled.length > 0 ? filled : parsed.slice(0, 1), targets, lineOf, startOf, wrong };
}

/**
 * The document that an edit means. Without a selector the file must hold exactly one; `todo` is the advice for one with
 * several. Throws `file-invalid`.
 */
export function selectDocument(
  file: YamlFile,
  selector: DocumentSelector | undefined,
  todo = CHOOSE_DOCUMENT,
): YamlDocument {
  const { documents } = file;
  if (selector === undefined) {
    const [only, second] = documents;
    if (only && !second) return only;
    throw file.wrong(`the file holds several documents: ${listed(documents)}; ${todo}`, second?.range[0]);
  }
  const matching = documents.filter((document, index) => matches(document, index, selector));
  const [found, second] = matching;
  if (found && !second) return found;
  const asked = Object.entries(selector)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => `${field} ${value}`)
    .join(", ");
  throw second
    ? file.wrong(`several documents have ${asked}`, second.range[0])
    : file.wrong(`no document has ${asked}; the file holds ${listed(documents)}`);
}

/** The value of a node of this document, as JSON with BigInt for integers. Throws `file-invalid` when it has none. */
export function contentOf(file: YamlFile, document: YamlDocument, node: ParsedNode | null): unknown {
  try {
    // How much the aliases expand to was looked at when the file was parsed.
    return node === null ? null : (node.toJS(document, { maxAliasCount: -1 }) as unknown);
  } catch (error) {
    throw file.wrong(error instanceof Error ? error.message : "it cannot be read");
  }
}

/** What to do about an edit that would change something else. A last line without an end stands in the way of some. */
export function advice({ text }: YamlFile): string {
  return text.endsWith("\n") ? "edit it by hand" : "add a line end at the end of the file, or edit it by hand";
}

/** Nothing is written there: no value, or only comments. `null` and `~` are written. */
export function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null && (node.source ?? "") === "");
}

/**
 * The entry of a mapping whose key reads as `name`, as JSON readers see it: the number key `9000` is found by "9000", and
 * `true` by "true". Throws `file-invalid` when two keys read the same.
 */
export function pairOf(file: YamlFile, map: YAMLMap.Parsed, name: string): MapPair | undefined {
  const having = (test: (key: ParsedNode) => boolean): typeof map.items => map.items.filter(({ key }) => test(key));
  const isWritten = (key: unknown): boolean => isScalar(key) && key.source === name;
  const candidates = [
    having(isWritten),
    having((key) => isAlias(key) && isWritten(file.targets.get(key))),
    having((key) => isScalar(key) && String(key.value) === name),
  ];
  const [first, second] = candidates.find((found) => found.length > 0) ?? [];
  if (second) throw file.wrong(`two keys read ${JSON.stringify(name)}`, second.key.range?.[0]);
  return first;
}

export type MapPair = Pair<ParsedNode, ParsedNode | null>;

/**
 * The entry that a merge key `<<` of this mapping brings for `name`, also through further merge keys, with the place of the
 * merge key. If several bring it, the first one is used.
 */
export function mergedPair(
  file: YamlFile,
  map: YAMLMap.Parsed,
  name: string,
): { readonly pair: MapPair; readonly at: number } | undefined {
  for (const { at, source } of mergeSources(file, map)) {
    const pair = pairOf(file, source, name) ?? mergedPair(file, source, name)?.pair;
    if (pair) return { pair, at };
  }
  return undefined;
}

/** The mappings that the merge keys of this one name, each with the place of its merge key. */
export function mergeSources(
  file: YamlFile,
  map: YAMLMap.Parsed,
): readonly { readonly at: number; readonly source: YAMLMap.Parsed }[] {
  return map.items.flatMap(({ key, value }) => {
    if (!isScalar(key) || !isMergeKey(key)) return [];
    const named = behindAlias(file, value);
    return (isSeq(named) ? named.items : [named]).flatMap((one) => {
      const source = behindAlias(file, one);
      return isMap(source) ? [{ at: key.range[0], source }] : [];
    });
  });
}

/** In quotes it is a key like any other. */
export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.source === "<<" && key.type === "PLAIN";
}

/** The node itself, or the one that has the anchor. */
export function behindAlias(file: YamlFile, node: ParsedNode | null): ParsedNode | null {
  return isAlias(node) ? (file.targets.get(node) ?? null) : node;
}

/** A single value of a mapping as its reader sees it, behind aliases and merge keys. */
export function scalarOf(file: YamlFile, map: YAMLMap.Parsed, name: string): Scalar.Parsed | undefined {
  const pair = pairOf(file, map, name) ?? mergedPair(file, map, name)?.pair;
  const node = pair ? behindAlias(file, pair.value) : null;
  return isScalar(node) ? node : undefined;
}

function matches(document: YamlDocument, index: number, selector: DocumentSelector): boolean {
  return (
    (selector.index === undefined || selector.index === index) &&
    (selector.apiVersion === undefined || reads(document, selector.apiVersion, "apiVersion")) &&
    (selector.kind === undefined || reads(document, selector.kind, "kind")) &&
    (selector.name === undefined || reads(document, selector.name, "metadata", "name")) &&
    (selector.namespace === undefined || reads(document, selector.namespace, "metadata", "namespace"))
  );
}

/** As it is written, or as YAML reads it: the name `007` is a number for YAML. */
function reads(document: YamlDocument, wanted: string, ...path: string[]): boolean {
  const node = scalarAt(document, path);
  return node !== undefined && (node.source === wanted || String(node.value) === wanted);
}

function scalarAt(document: YamlDocument, path: readonly string[]): Scalar | undefined {
  const node: unknown = isMap(document.contents) ? document.getIn(path, true) : undefined;
  return isScalar(node) && node.value !== null ? node : undefined;
}

function textAt(document: YamlDocument, ...path: string[]): string | undefined {
  const node = scalarAt(document, path);
  return node && (node.source ?? String(node.value));
}

function listed(documents: readonly YamlDocument[]): string {
  const names = documents.map((document, index) => {
    const known = [textAt(document, "kind"), textAt(document, "metadata", "name")].filter((one) => one !== undefined);
    return `${index}: ${known.length === 0 ? "no kind" : known.join(" ")}`;
  });
  const shown = names.slice(0, 10);
  return `${shown.join(", ")}${names.length > shown.length ? `, and ${names.length - shown.length} more` : ""}`;
}
