// The prefilter only makes a reader faster: with and without it, a reader finds the same.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { testRuns } from "../test-runs.fixture.ts";
import { buildTable, EXACT, FOLDED, HEX, openReader, type Span, type Table, type View } from "./reader.ts";
import { variantsOf } from "./variants.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "utf8");

/** The automaton reads every byte. */
const unfiltered = (table: Table): Table => ({
  ...table,
  prefilter: { find: ({ length }) => length, startOf: (_, from) => from },
});

/** The spans, and what is pending after every piece. */
function read(table: Table, pieces: readonly Uint8Array[]): { spans: Span[]; pending: (number | undefined)[] } {
  const reader = openReader(table);
  const spans: Span[] = [];
  let from = 0;
  const pending = pieces.map((piece) => {
    reader.read(piece, from, spans);
    from += piece.length;
    return reader.pendingFrom();
  });
  return { spans, pending };
}

const VIEWS: readonly { name: string; view: View; letters: string[]; between: string[] }[] = [
  { name: "exact", view: EXACT, letters: ["a", "b", "\n"], between: ["c", "\u0000"] },
  { name: "folded", view: FOLDED, letters: ["a", "b", "0"], between: [" ", "\n", "\r\n  ", "c", "\u0000"] },
  {
    name: "hex",
    view: HEX,
    letters: ["1", "2", "a"],
    between: [" ", "\n", "\\x", ", 0x", "g", "\n00000010: ", "\n00000020  ", "A"],
  },
];

for (const { name, view, letters, between } of VIEWS) {
  test(`property: the prefilter misses nothing in the view ${name}`, () => {
    const letter = fc.constantFrom(...letters);
    const pattern = (least: number): fc.Arbitrary<string> =>
      fc.string({ unit: letter, minLength: least, maxLength: 30 });
    // The shortest pattern decides how much is skipped.
    const cases = fc.constantFrom(4, 6, 8, 12, 20).chain((least) =>
      fc.record({
        patterns: fc.array(pattern(least), { minLength: 1, maxLength: 4 }),
        parts: fc.array(
          fc.oneof(
            fc.record({ which: fc.nat(3), from: fc.nat(4), to: fc.nat(30) }),
            fc.string({ unit: fc.constantFrom(...letters, ...between), maxLength: 12 }),
            fc.constantFrom(...between),
          ),
          { maxLength: 16 },
        ),
        cuts: fc.array(fc.nat(300), { maxLength: 4 }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ patterns, parts, cuts }) => {
        const whole = parts.map((part) =>
          typeof part === "string" ? part : (patterns[part.which % patterns.length] ?? "").slice(part.from, part.to),
        );
        const input = bytes(whole.join(""));
        const places = [0, ...cuts.map((cut) => Math.min(cut, input.length)).sort((a, b) => a - b), input.length];
        const pieces = places.slice(1).map((end, index) => input.subarray(places[index] ?? 0, end));
        const table = buildTable(patterns.map(bytes), view);
        assert.deepEqual(read(table, pieces), read(unfiltered(table), pieces));
      }),
      { numRuns: testRuns(1_000) },
    );
  });
}

test("property: patterns longer than their heads are found wherever a stream is cut, overlapping ones too", () => {
  // Few letters, so that patterns repeat themselves, begin alike and overlap.
  const word = fc
    .array(fc.constantFrom("a", "b", "ab", "aab"), { minLength: 1, maxLength: 4 })
    .map((all) => all.join(""));
  const long = fc.tuple(word, fc.integer({ min: 50, max: 150 }), word).map(([one, times, end]) => {
    return `${one.repeat(Math.ceil(times / one.length))}${end}`;
  });
  const property = fc.property(
    fc.array(long, { minLength: 1, maxLength: 3 }),
    fc.array(fc.oneof(word, fc.constantFrom("c", " ", "\n"), fc.nat(2)), { minLength: 1, maxLength: 12 }),
    fc.array(fc.nat(600), { maxLength: 6 }),
    (patterns, parts, cuts) => {
      const text = parts
        .map((part) => (typeof part === "number" ? (patterns[part % patterns.length] ?? "") : part))
        .join("");
      const whole = bytes(text);
      const ends = [...new Set([...cuts.map((cut) => Math.min(cut, whole.length)), whole.length])].sort(
        (a, b) => a - b,
      );
      const pieces = ends.map((end, index) => whole.subarray(ends[index - 1] ?? 0, end));
      const { spans } = read(buildTable(patterns.map(bytes), EXACT), pieces);
      const covered = new Set(
        spans.flatMap(([start, end]) => Array.from({ length: end - start }, (_, at) => start + at)),
      );
      const expected = new Set<number>();
      for (const pattern of patterns) {
        for (let at = text.indexOf(pattern); at !== -1; at = text.indexOf(pattern, at + 1)) {
          for (let index = at; index < at + pattern.length; index += 1) expected.add(index);
        }
      }
      assert.deepEqual([...covered].sort(), [...expected].sort());
    },
  );
  fc.assert(property, { numRuns: testRuns(300) });
});

test("a long key needs memory in proportion to its length", () => {
  const states = (length: number): number => {
    const key = createHash("shake256", { outputLength: length }).update("key").digest("base64").slice(0, length);
    const { folded, hex } = variantsOf(key);
    const tables = [buildTable(Array.from(folded, bytes), FOLDED), buildTable(Array.from(hex, bytes), HEX)];
    return tables.reduce((sum, { automaton }) => sum + automaton.depth.length, 0);
  };
  assert.ok(states(16_384) < 150_000, `${states(16_384)} states`);
});
