// Values as YAML text that every reader takes for the same value: YAML 1.2, and YAML 1.1 as kubectl, kustomize and Helm
// read it, where plain `yes`, `1_000` and `12:30:45` are a boolean and numbers. In doubt a text is quoted. Pure.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";

export type Quotes = "single" | "double" | undefined;

/** A text may stand without quotes only in these letters; what begins with another one is quoted. */
const PLAIN = /^[\p{L}\p{N}_./](?:[\p{L}\p{N}_./@%+=~:,()\- ]*[\p{L}\p{N}_./@%+=~,()-])?$/u;

/** Plain texts that a reader of YAML 1.1 or 1.2 takes for something else. Sources: yaml.org/type, PyYAML, go-yaml. */
const OTHER_TYPES: readonly RegExp[] = [
  /^(y|yes|n|no|true|false|on|off|null|~|=|<<|)$/i,
  /^[-+]?(\.inf|\.nan)$/i,
  /^\.nan$/i,
  // Integers: binary, octal in both spellings, decimal, hexadecimal, with the underscores of 1.1.
  /^[-+]?0b[01_]+$/i,
  /^[-+]?0o?[0-7_]+$/i,
  /^[-+]?[0-9][0-9_]*$/,
  /^[-+]?0x[0-9a-f_]+$/i,
  // Floats, with or without a digit before or behind the point.
  /^[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(e[-+]?[0-9_]+)?$/i,
  // Base 60: 12:30:45, 190:20:30.15
  /^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$/,
  // Dates and times.
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(([Tt]|[ \t]+)[0-9].*)?$/,
];

/** True when some reader takes this plain text for something else than a text. */
export function isAmbiguous(text: string): boolean {
  return OTHER_TYPES.some((pattern) => pattern.test(text));
}

/**
 * True when readers of YAML 1.1 take this plain number of YAML 1.2 for something else: `010` is 8 for them, `0o10` and `1e3`
 * are texts for some.
 */
export function isAmbiguousNumber(text: string): boolean {
  return /^[-+]?(0[0-9o]|[0-9]+e)/i.test(text);
}

/**
 * A scalar on one line. `quotes` are those that the old value had; `inFlow` is within `[…]` or `{…}`, where fewer texts
 * may stand plain.
 */
export function scalarText(value: string | number | boolean | null, quotes: Quotes, inFlow: boolean): string {
  if (typeof value === "number") return numberText(value);
  if (typeof value !== "string") return String(value);
  if (quotes === undefined && isPlain(value, inFlow)) return value;
  // Single quotes know no escapes, so they can only hold what is printed as it is.
  if (quotes === "single" && /^[\p{L}\p{N}\p{P}\p{S} ]*$/u.test(value)) return `'${value.replaceAll("'", "''")}'`;
  return doubleQuoted(value);
}

/** A value on one line: collections in flow style. */
export function flowText(value: JsonValue): string {
  if (!isCollection(value)) return scalarText(value, undefined, true);
  if (isList(value)) return `[${value.map(flowText).join(", ")}]`;
  const pairs = Object.entries(value).map(([key, one]) => `${scalarText(key, undefined, true)}: ${flowText(one)}`);
  return `{${pairs.join(", ")}}`;
}

/** A value in a file that is JSON. */
export function jsonText(value: JsonValue): string {
  if (typeof value === "string") return escapedJson(value);
  if (typeof value === "number") return numberText(value);
  if (!isCollection(value)) return String(value);
  if (isList(value)) return `[${value.map(jsonText).join(", ")}]`;
  const pairs = Object.entries(value).map(([key, one]) => `${escapedJson(key)}: ${jsonText(one)}`);
  return `{${pairs.join(", ")}}`;
}

/** The lines of a collection in block style, without indentation. */
export function blockLines(value: JsonValue): string[] {
  if (isList(value) && value.length > 0) {
    return value.flatMap((item) => blockLines(item).map((line, index) => (index === 0 ? "- " : "  ") + line));
  }
  if (!isCollection(value)) return [scalarText(value, undefined, false)];
  if (!isBlock(value)) return [flowText(value)];
  return Object.entries(value).flatMap(([key, one]) => {
    const name = scalarText(key, undefined, false);
    const [first = ""] = blockLines(one);
    if (!isBlock(one)) return [`${name}: ${first}`];
    return [`${name}:`, ...blockLines(one).map((line) => " ".repeat(STEP) + line)];
  });
}

type Collection = readonly JsonValue[] | JsonObject;
/** Columns by which new nested lines are indented. */
export const STEP = 2;

/** Collections with content are written in block style where that is possible. */
export function isBlock(value: JsonValue): value is Collection {
  return isCollection(value) && Object.keys(value).length > 0;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isCollection(value: JsonValue): value is Collection {
  return typeof value === "object" && value !== null;
}

function isPlain(text: string, inFlow: boolean): boolean {
  if (!PLAIN.test(text) || isAmbiguous(text) || /: |^\.\.\.$/.test(text)) return false;
  return !inFlow || !/[:,]/.test(text);
}

/** YAML 1.1 reads a number with an exponent as a float only when it has a point, too. */
function numberText(value: number): string {
  const text = JSON.stringify(value);
  return text.includes(".") ? text : text.replace("e", ".0e");
}

/** What a reader of YAML would take for a line end is escaped. */
function escapedJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * JSON's escapes are YAML's, too, except for halves of a character. Line separators and unprintable characters are escaped on
 * top of JSON's own.
 */
function doubleQuoted(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u00a0\u00ad\u2028\u2029\ufeff\ufffe\uffff\p{Cf}]/gu, (one) => {
    const code = (one.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\U${code.padStart(8, "0")}` : `\\u${code.padStart(4, "0")}`;
  });
}
