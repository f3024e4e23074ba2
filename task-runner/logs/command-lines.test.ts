// Lines that may be commands are found however the output is split into pieces, and nothing else is changed.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findCommandLines, MAX_COMMAND_LINE } from "./command-lines.ts";

function run(pieces: readonly Buffer[]): { readonly taken: string[]; readonly text: string } {
  const taken: string[] = [];
  const lines = findCommandLines({
    take: (line) => {
      taken.push(line);
      return line.includes("hide") ? "hidden" : undefined;
    },
    tooLong: (start) => (start.includes("hide") ? "hidden" : undefined),
  });
  const out = [...pieces.map((piece) => Buffer.from(lines.push(piece))), Buffer.from(lines.end())];
  return { taken, text: Buffer.concat(out).toString("utf8") };
}

const line = fc.constantFrom(
  "::a::b",
  "  ::hide::x\r",
  ":",
  "::",
  ": :",
  "\t",
  "",
  "plain",
  "x ::hide::",
  "::é::ü",
  "::hide",
);

test("the result does not depend on how the output was split", () => {
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), fc.array(fc.nat(200)), (lines, hasEnd, cuts) => {
      const whole = Buffer.from(lines.join("\n") + (hasEnd ? "\n" : ""));
      const places = [...new Set(cuts.filter((cut) => cut < whole.length))].sort((a, b) => a - b);
      const pieces = [0, ...places].map((from, at) => whole.subarray(from, places[at] ?? whole.length));
      assert.deepEqual(run(pieces), run([whole]));
      const expected = lines.map((one) => one.trimStart().startsWith("::") && one.includes("hide"));
      const shown = lines.map((one, at) =>
        expected[at] ? `hidden${one.endsWith("\r") && (hasEnd || at < lines.length - 1) ? "\r" : ""}` : one,
      );
      assert.equal(run([whole]).text, shown.join("\n") + (hasEnd ? "\n" : ""));
    }),
  );
});

test("a line that is too long is passed on or hidden as a whole", () => {
  const long = "y".repeat(3 * MAX_COMMAND_LINE);
  assert.equal(run([Buffer.from(`::a::${long}\nend`)]).text, `::a::${long}\nend`);
  const pieces = Array.from({ length: 30 }, () => Buffer.from("y".repeat(10_000)));
  assert.equal(run([Buffer.from("::hide::"), ...pieces, Buffer.from("\nend\n")]).text, "hidden\nend\n");
});
