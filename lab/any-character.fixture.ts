// Any character of a text, for property tests.

import fc from "fast-check";

const SURROGATES = 0x800;
const FIRST_SURROGATE = 0xd800;

/**
 * The characters of fast-check's `unit: "binary"`: every code point except surrogates. fast-check builds a table of all
 * 1,112,064 of them at the first use, which takes a second in every test file.
 */
export const anyCharacter = fc
  .nat(0x10ffff - SURROGATES)
  .map((n) => String.fromCodePoint(n < FIRST_SURROGATE ? n : n + SURROGATES), unmap);

function unmap(text: unknown): number {
  const code = typeof text === "string" ? text.codePointAt(0) : undefined;
  if (code === undefined || text !== String.fromCodePoint(code)) throw new Error("not one character");
  if (code < FIRST_SURROGATE) return code;
  if (code < FIRST_SURROGATE + SURROGATES) throw new Error("a surrogate");
  return code - SURROGATES;
}
