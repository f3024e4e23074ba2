import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuMsOf } from "@gantry/lab/cpu-time.ts";
import fc from "fast-check";
import { testRuns } from "./test-runs.fixture.ts";
import { truncate, truncateEscaped } from "./truncate.ts";

/** Characters that consist of several UTF-16 units, each of which must stay whole or go. */
const WHOLE = [
  ["an emoji outside the BMP", "🚀"],
  ["a CJK character outside the BMP", "\u{20000}"],
  ["a flag of two regional indicators", "🇰🇷"],
  ["a family joined by zero-width joiners", "👨‍👩‍👧‍👦"],
  ["an emoji with a skin tone", "👍🏽"],
  ["an emoji with a variation selector", "❤️"],
  ["a keycap", "1️⃣"],
  ["a letter with a combining accent", "e\u0301"],
  ["decomposed Hangul", "\u1112\u1161\u11ab"],
  ["Devanagari with a vowel sign", "कि"],
  ["Thai with a tone mark", "กำ้"],
  ["a line end of two characters", "\r\n"],
  ["a mathematical letter", "𝒜"],
] as const;

for (const [name, character] of WHOLE) {
  test(`${name} is never split`, () => {
    for (let before = 0; before < 12; before++) {
      const cut = truncate(`${"a".repeat(before)}${character.repeat(8)}`, 12);
      assert.ok(cut.length <= 12 && cut.isWellFormed());
      const rest = cut.replace(/^a+/, "").replace(/…$/, "");
      assert.equal(rest, character.repeat(rest.length / character.length));
    }
  });
}

test("a text within its limit is unchanged, and a limit below one gives nothing", () => {
  assert.equal(truncate("orders", 6), "orders");
  assert.equal(truncate("orders", 5), "orde…");
  assert.equal(truncate("orders", 1), "…");
  assert.equal(truncate("orders", 0), "");
});

test("a letter with thousands of combining marks does not empty the text", () => {
  const cut = truncate(`a${"\u0301".repeat(5_000)}`, 1_000);
  assert.equal(cut.length, 1_000);
});

const ESCAPES: Readonly<Record<string, (text: string) => string>> = {
  html: (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
  backslash: (text) => text.replace(/[\\*_]/g, "\\$&"),
  none: (text) => text,
};

test("property: the limit holds, the result is well formed, and no escape is cut", () => {
  const piece = fc.constantFrom("a", "&", "<", "_", "\\", "@all", ...WHOLE.map(([, character]) => character));
  const text = fc.array(piece, { maxLength: 60 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 80 }), fc.constantFrom(...Object.keys(ESCAPES)), (raw, limit, name) => {
      const escapeText = ESCAPES[name] ?? String;
      const cut = truncateEscaped(raw, limit, escapeText);
      assert.ok(cut.length <= limit && cut.isWellFormed(), JSON.stringify(cut));
      if (escapeText(raw).length <= limit) assert.equal(cut, escapeText(raw));
      else assert.ok(cut.endsWith("…"));
      if (name === "html") assert.doesNotMatch(cut, /&(?!(amp|lt|gt);)/);
      if (name === "backslash") assert.doesNotMatch(cut, /(?<!\\)(\\\\)*\\…$/);
      assert.ok(escapeText(raw).startsWith(cut.replace(/…$/, "")));
    }),
    { numRuns: testRuns(2_000) },
  );
});

test("a megabyte is cut in a moment", async () => {
  const text = "주문 & 🚀 ".repeat(150_000);
  const cpuMs = await cpuMsOf(() => {
    assert.equal(truncateEscaped(text, 3_000, (one) => one.replaceAll("&", "&amp;")).length <= 3_000, true);
  });
  assert.ok(cpuMs < 1_000, `${cpuMs} ms`);
});
