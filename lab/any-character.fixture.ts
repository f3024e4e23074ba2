// Any character that a text may hold, for property tests.

import fc from "fast-check";

const SURROGATES = 0x800;
const FIRST_SURROGATE = 0xd800;

/**
 * The characters of fast-check's own `unit: "binary"`: every code point but half of a pair. That one writes all 1,112,064
 * of them into a table when it is first used, which takes a second in every test file.
 */
export const anyCharacter = fc
  .nat(0x10ffff - SURROGATES)
  .map((n) => String.fromCodePoint(n < FIRST_SURROGATE ? n : n + SURROGATES), unmap);

function unmap(text: unknown): number {
  const code = typeof text === "string" ? text.codePointAt(0) : undefined;
  if (code === undefined || text !== String.fromCodePoint(code)) throw new Error("not one character");
  if (code < FIRST_SURROGATE) return code;
  if (code < FIRST_SURROGATE + SURROGATES) throw new Error("half of a pair");
  return code - SURROGATES;
}
