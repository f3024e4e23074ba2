import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testRuns } from "../test-runs.fixture.ts";
import { compilePattern } from "./pattern.ts";

function fits(pattern: string, text: string): boolean {
  const compiled = compilePattern(pattern);
  assert(!("problem" in compiled), `${pattern}: ${"problem" in compiled ? compiled.problem : ""}`);
  return compiled.test(text);
}

test("patterns that would take exponential or polynomial time take none", () => {
  const spent = process.cpuUsage();
  for (const pattern of ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(a*)*$", "a*a*a*a*a*b", "(x+x+)+y", "^(a?){30}a{30}$"]) {
    assert.equal(fits(pattern, `${"a".repeat(5_000)}!`), false, pattern);
  }
  assert(process.cpuUsage(spent).user < 2_000_000);
});

test("what is not offered is refused with a reason", () => {
  for (const pattern of [
    "(?=a)",
    "(?<n>a)",
    "\\1",
    "\\b",
    "[b-a]",
    "(a",
    "a)",
    "[a",
    "*a",
    "a**",
    "a{2,1}",
    "a{1000}{9}",
    "\\",
    "((a{100}){100}){100}",
  ]) {
    assert("problem" in compilePattern(pattern), pattern);
  }
});

test("agrees with JavaScript's own engine on the common syntax", () => {
  const atoms = fc.constantFrom(
    "a",
    "b",
    "-",
    ".",
    "[a-c]",
    "[^a]",
    "\\d",
    "\\w",
    "\\.",
    "(?:ab|c)",
    "(a)",
    "\\W",
    "[\\d-]",
    "é",
    "😀",
  );
  const quantifiers = fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{1,2}", "{2,}", "*?");
  const sequence = fc
    .array(
      fc.tuple(atoms, quantifiers).map(([atom, times]) => atom + times),
      { maxLength: 4 },
    )
    .map((list) => list.join(""));
  const pattern = fc
    .tuple(fc.constantFrom("", "^"), sequence, fc.constantFrom("", "|"), sequence, fc.constantFrom("", "$"))
    .map((parts) => parts.join(""));
  const text = fc
    .array(fc.constantFrom("a", "b", "c", "1", "-", ".", "_", "é", "😀", "\n"), { maxLength: 8 })
    .map((list) => list.join(""));
  fc.assert(
    fc.property(pattern, text, (source, value) => {
      assert.equal(fits(source, value), new RegExp(source, "u").test(value), `${source} on ${JSON.stringify(value)}`);
    }),
    { numRuns: testRuns(3_000) },
  );
});

test("any text compiles or is refused", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (source, value) => {
      const compiled = compilePattern(source);
      if (!("problem" in compiled)) compiled.test(value);
    }),
  );
});
