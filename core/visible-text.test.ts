import assert from "node:assert/strict";
import { test } from "node:test";
import { anyCharacter } from "@gantry/lab/any-character.fixture.ts";
import fc from "fast-check";
import { visibleText } from "./visible-text.ts";

/** Written by numbers, so that it does not share a mistake with the pattern. */
const HARMFUL = [
  [0x00, 0x08],
  [0x0b, 0x1f],
  [0x7f, 0x9f],
  [0x61c, 0x61c],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2066, 0x2069],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe007f],
];

function isHarmful(code: number): boolean {
  return HARMFUL.some(([from = 0, to = 0]) => code >= from && code <= to);
}

test("property: over all code points, exactly the harmful ones are escaped, and JSON keeps its meaning", () => {
  for (let code = 0; code <= 0x10ffff; code += 1) {
    const text = `a${String.fromCodePoint(code)}z`;
    const shown = visibleText(text);
    if (!isHarmful(code)) {
      if (shown !== text) assert.equal(shown, text, code.toString(16));
      continue;
    }
    assert.match(shown, /^a(\\u[0-9a-f]{4}){1,2}z$/, code.toString(16));
    if (code >= 0x20) assert.equal(JSON.parse(visibleText(JSON.stringify(text))), text);
  }
});

test("property: nothing is left in any text, and nothing is done twice", () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (text) => {
      const shown = visibleText(text);
      assert.ok([...shown].every((one) => !isHarmful(one.codePointAt(0) ?? 0)));
      assert.equal(visibleText(shown), shown);
    }),
  );
});

for (const [name, text] of Object.entries({
  "a title": "\u001b]0;owned\u0007",
  "the clipboard (OSC 52)": "\u001b]52;c;cm0gLXJmIH4=\u0007",
  "a link (OSC 8)": "\u001b]8;;http://evil.example\u001b\\click\u001b]8;;\u001b\\",
  "a cleared line": "safe\u001b[2K\rowned",
  "a C1 control sequence": "\u009b31mred",
  "a string of C1": "\u009d0;owned\u009c",
  "a device that answers": "\u001b[6n\u0005",
  "a reordered line": "user\u202e\u2066// admin\u2069",
  "an erased character": "rm -rf /\b\b\b\b\b\b\b\bls",
  "a NUL": "a\u0000b",
}))
  test(`${name} is shown, not obeyed`, () =>
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be left.
    assert.doesNotMatch(visibleText(text), /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e\u2066\u2069]/));
