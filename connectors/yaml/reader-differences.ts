// Refuses what readers of YAML take in different ways: those of YAML 1.1 (kubectl, kustomize, Helm) and the parser here. An edit
// would mean another value for some of them.

import type { GantryError } from "@gantry/core/errors.ts";
import {
  type CST,
  type Document,
  isCollection,
  isScalar,
  Lexer,
  type Pair,
  type ParsedNode,
  type Scalar,
  visit,
  type YAMLMap,
} from "yaml";
import { blockScalar, hasLineBreak, startOfItem } from "./layout.ts";

/** Makes a `file-invalid` error with the line of this offset. */
type Wrong = (detail: string, offset?: number) => GantryError;

/** Line ends of YAML 1.1 that YAML 1.2, or the parser here, does not have: a comment would end earlier for some readers. */
const ODD_LINE_END = /\r(?!\n)|[\u0085\u2028\u2029]/;

/** The most characters from the start of a key to its colon. */
const MAX_KEY = 1_024;

/** The file is JSON, which its readers may need it to stay. */
export function isJson(text: string): boolean {
  const bare = text.replace(/^\uFEFF/, "");
  if (!/^\s*[{[]/.test(bare)) return false;
  try {
    JSON.parse(bare);
    return true;
  } catch {
    return false;
  }
}

/** Throws `file-invalid` for characters that readers of YAML take in different ways. */
export function refuseOddText(text: string, wrong: Wrong): void {
  const odd = ODD_LINE_END.exec(text);
  // In JSON these three can only stand in a text, where they mean themselves.
  if (odd && (odd[0] === "\r" || !isJson(text))) {
    const code = odd[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    const detail = `the character U+${code} here ends the line for some readers of YAML and not for others; remove it`;
    throw wrong(`${detail} (in quotes, write it as \\u${code.toLowerCase()})`, odd.index);
  }
  const mark = text.indexOf("\uFEFF", 1);
  if (mark !== -1 && !isJson(text))
    throw wrong("the byte order mark U+FEFF here is not at the start of the file; remove it", mark);
  const tab = tabInIndent(text);
  if (tab !== undefined)
    throw wrong("a tab indents a comment or an empty line here, which some readers of YAML refuse; remove it", tab);
}

/**
 * Where a tab is before a comment, or alone in a line, perhaps behind the marks `-`, `?` and `:` that begin the line. Readers of
 * YAML 1.1 accept it only where a text without quotes stands before or behind it: they would read the file before an edit of
 * this text, and not after it.
 */
function tabInIndent(text: string): number | undefined {
  if (!/^[-?: ]*\t[ \t]*(?:#|\r?$)/m.test(text)) return undefined;
  let [offset, depth, tab]: [number, number, number | undefined] = [0, 0, undefined];
  let isLineStart = true;
  for (const token of new Lexer().lex(text)) {
    // These stand for structure, and are not in the text.
    if (token === "\u0002" || token === "\u0018" || token === "\u001F") continue;
    const isEnd = /^(?:#|\r?\n$)/.test(token);
    if (tab !== undefined && isEnd) return tab;
    tab = isLineStart && depth === 0 && /^ *\t[ \t]*$/.test(token) ? offset : undefined;
    isLineStart = token.endsWith("\n") || (isLineStart && /^(?: +|[-?:])$/.test(token));
    if (token === "{" || token === "[") depth += 1;
    if (token === "}" || token === "]") depth -= 1;
    offset += token.length;
  }
  return tab;
}

/** Throws `file-invalid` for values and keys that readers of YAML take in different ways. */
export function refuseOddNodes(text: string, document: Document.Parsed<ParsedNode>, wrong: Wrong): void {
  visit(document.contents, {
    Alias: (_, { source, range }) => refuseName(source, range?.[0], wrong),
    Seq: (_, { anchor, range }) => refuseName(anchor, range?.[0], wrong),
    Scalar: (_, node, path) => {
      refuseName(node.anchor, startOf(node), wrong);
      const isInFlow = path.some((one) => isCollection(one) && one.flow === true);
      if (isInFlow && node.type === "PLAIN" && node.source?.startsWith("?"))
        throw wrong(
          "some readers of YAML take the question mark here for the mark of a key; add quotes",
          startOf(node),
        );
      const spaces = spacesBelow(text, node as Scalar.Parsed);
      if (spaces !== undefined)
        throw wrong(
          "the spaces in this line belong to the text above for some readers of YAML only; remove them",
          spaces,
        );
    },
    Map: (_, map) => {
      refuseName(map.anchor, map.range?.[0], wrong);
      refuseSecondKey(map, wrong);
      if (map.flow === true) for (const pair of map.items) refuseLongKey(text, pair, wrong);
      const odd = map.flow === true ? map.items.find((pair) => isOddInFlow(text, pair)) : undefined;
      const key = isScalar(odd?.key) ? odd.key : undefined;
      if (key?.range)
        throw wrong(`the key ${key.source} reads differently without a space behind its colon; add one`, key.range[0]);
    },
  });
}

/**
 * The last line below a block text with an indentation indicator that has only spaces, and more of them than the text's
 * indentation: they are a part of the text, which the parser here misses.
 */
function spacesBelow(text: string, { srcToken }: Scalar.Parsed): number | undefined {
  if (srcToken?.type !== "block-scalar") return undefined;
  const { header, bodyStart, bodyEnd, indent } = blockScalar(srcToken);
  if (!/\d/.test(header.text)) return undefined;
  const start = text.slice(bodyStart, bodyEnd).trim() === "" ? bodyStart : bodyEnd;
  const [blank = ""] = /^(?: *\r?\n)* */.exec(text.slice(start)) ?? [];
  const isAtEnd = start + blank.length === text.length;
  // What stands behind the last line end may be the indentation of the next entry.
  const whole = isAtEnd ? blank : blank.slice(0, blank.lastIndexOf("\n") + 1);
  const at = whole.split("\n").findIndex((line) => line.replace("\r", "").length > indent);
  return at === -1 ? undefined : start + whole.split("\n").slice(0, at).join("\n").length + (at === 0 ? 0 : 1);
}

/** Some readers of YAML refuse a mapping with two equal keys, others take the first or the last of them. */
function refuseSecondKey(map: YAMLMap, wrong: Wrong): void {
  const values = new Set<unknown>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    if (values.has(key.value)) throw wrong("Map keys must be unique", startOf(key));
    values.add(key.value);
  }
}

/** For readers of YAML 1.1 the name in `&a:b` is `a`, and the rest is the value. */
function refuseName(name: string | undefined, at: number | undefined, wrong: Wrong): void {
  if (name === undefined || /^[A-Za-z0-9_-]+$/.test(name)) return;
  throw wrong(`some readers of YAML do not take ${name} for the name of an anchor; use letters, digits, - and _`, at);
}

function startOf({ range }: Scalar): number | undefined {
  return range?.[0];
}

/**
 * `key` is the one that is edited; without it, `name` is added in quotes. Plain `on` and `true`, and `010` and `8`, are one key for
 * readers of YAML 1.1, and `1.0` and `"1"` for those that make JSON of them: they would not see the edit, or another key with it.
 * Of two keys that are written alike the last one counts. Throws `file-invalid`.
 */
export function refuseHiddenKey({ items }: YAMLMap<unknown, unknown>, key: unknown, name: string, wrong: Wrong): void {
  const keys = items.flatMap((pair) => (isScalar(pair.key) ? [{ key: pair.key, ...keyOfOldReaders(pair.key) }] : []));
  const edited = keys.find((one) => one.key === key);
  if (key !== undefined && !edited) return;
  const source = edited?.key.source ?? name;
  if (edited && source !== name && edited.name !== name) {
    const others = `the key ${source} is the key ${edited.name} for readers of YAML 1.1, and ${name} for others`;
    throw wrong(`${others}; write ${source} in the path`, startOf(edited.key));
  }
  const isBehind = (one: (typeof keys)[number]): boolean =>
    edited === undefined || keys.indexOf(one) > keys.indexOf(edited);
  const hiding = keys.findLast(
    (one) =>
      one !== edited && one.name === (edited?.name ?? name) && (one.type !== (edited?.type ?? "text") || isBehind(one)),
  );
  if (!hiding) return;
  const problem = `the key ${hiding.key.source} is the key ${source} for readers of YAML 1.1`;
  throw wrong(`${problem}; rename ${edited ? "one of them" : "it"}`, startOf(hiding.key));
}

type OldKey = { readonly type: "text" | "boolean" | "integer" | "float"; readonly name: string };

/** What readers of YAML 1.1 take a key for, and its name where they make JSON of it. */
function keyOfOldReaders({ source = "", type, tag, value }: Scalar): OldKey {
  if (type !== "PLAIN" || tag !== undefined) return { type: "text", name: String(value) };
  if (/^(y|yes|on|true)$/i.test(source)) return { type: "boolean", name: "true" };
  if (/^(n|no|off|false)$/i.test(source)) return { type: "boolean", name: "false" };
  const bare = source.replaceAll("_", "");
  const [, sign = "", digits = ""] = /^([-+]?)(0b[01]+|0o?[0-7]+|0x[0-9a-f]+|0|[1-9][0-9]*)$/i.exec(bare) ?? [];
  if (digits !== "") {
    const number = BigInt(digits.replace(/^0(?=[0-7])/, "0o"));
    return { type: "integer", name: String(sign === "-" ? -number : number) };
  }
  if (/^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?$/i.test(bare))
    return { type: "float", name: String(Number(bare)) };
  return { type: "text", name: source };
}

/** The parser here has these limits for the keys of block mappings only. Behind `?` there are none. */
function refuseLongKey(text: string, { srcToken }: Pair, wrong: Wrong): void {
  const colon = colonOf(srcToken);
  const start = srcToken && startOfItem(srcToken);
  if (!colon || start === undefined || !srcToken) return;
  if (srcToken.start.some(({ type }) => type === "explicit-key-ind")) return;
  const odd = hasLineBreak(text, start, colon.offset)
    ? "it spans several lines; write it on one"
    : `it is longer than ${MAX_KEY} characters; shorten it`;
  if (colon.offset - start > MAX_KEY || hasLineBreak(text, start, colon.offset))
    throw wrong(`some readers of YAML refuse the key here: ${odd}`, start);
}

/** `{key:}` and `{key :, b: 1}`: for readers written in Go the colon belongs to the key. */
function isOddInFlow(text: string, { key, value, srcToken }: Pair): boolean {
  if (!isScalar(key) || key.type !== "PLAIN") return false;
  const isNothing = value === null || (isScalar(value) && (value.source ?? "") === "");
  const colon = colonOf(srcToken);
  return isNothing && colon !== undefined && /^[,\]}]/.test(text.slice(colon.offset + 1, colon.offset + 2));
}

function colonOf(item: CST.CollectionItem | undefined): CST.SourceToken | undefined {
  return item?.sep?.find(({ type }) => type === "map-value-ind");
}
