// Values that stores are known to handle badly.

import type { JsonValue } from "@gantry/core/json.ts";

export const HOSTILE_VALUES: readonly (readonly [name: string, value: JsonValue])[] = [
  ["null", null],
  ["false", false],
  ["zero", 0],
  ["the empty text", ""],
  ["the empty list", []],
  ["the empty object", {}],
  ["an object with an empty key", { "": "" }],
  ["the largest whole number", Number.MAX_SAFE_INTEGER],
  ["a small fraction", 5e-324],
  ["a number with an exponent", 1.7976931348623157e308],
  ["a NUL in a text", "a\0b"],
  ["half a surrogate pair", "\ud83d"],
  ["a text in several scripts", "주문 注文 обновление ✓ 😀 é"],
  ["right-to-left marks", "\u202eabc\u202c"],
  ["line separators", "\u2028\u2029\r\n"],
  ["quotes and SQL", "'; DROP TABLE streams; --"],
  ["a JSON text in a text", '{"a":"\\"b\\""}'],
  ["a text of a megabyte", "x".repeat(1_048_576)],
  ["keys that look like numbers", { "1": "a", "01": "b", "1.0": "c" }],
  ["a deep nest", nest(200)],
  ["a key named constructor", { constructor: { prototype: 1 }, toString: "x" }],
];

/** All of them valid names; several differ only in case or in a character that is special somewhere. */
export const HOSTILE_STREAMS: readonly string[] = [
  "a",
  "A",
  "task/a",
  "task/A",
  "task//a",
  "../../etc/passwd",
  "task/a[seoul]=1:@b",
  "__proto__",
  "constructor",
  "-",
  "0",
  "x".repeat(300),
];

/** Valid keys of an index; none is the beginning of all others but the empty one. */
export const HOSTILE_KEYS: readonly string[] = [
  "",
  " ",
  "%",
  "_",
  "*",
  "'",
  '"',
  "\\",
  "\n",
  "a",
  "A",
  "á",
  "주문",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "😀",
  "\u{10ffff}",
  "2026-11-20T10:00:00Z",
  "__proto__",
];

function nest(depth: number): JsonValue {
  let value: JsonValue = 1;
  for (let at = 0; at < depth; at += 1) value = at % 2 ? [value] : { value };
  return value;
}
