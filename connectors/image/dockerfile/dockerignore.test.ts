import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { cpuMsOf } from "@gantry/lab/cpu-time.ts";
import { parseIgnore, plainIgnore } from "./dockerignore.ts";

test("leaves out what the patterns name, as Docker does", () => {
  const cases: readonly [string, readonly string[], readonly string[]][] = [
    ["node_modules", ["node_modules", "node_modules/a/b"], ["src/node_modules", "node_modules2"]],
    ["**/node_modules", ["node_modules/a", "src/node_modules/b"], ["src/modules"]],
    ["/dist/", ["dist", "dist/x"], ["src/dist"]],
    ["*.log", ["a.log"], ["dir/a.log", "a.logs"]],
    ["**/*.log", ["a.log", "dir/a.log", "a/b/c.log"], ["a.log2"]],
    ["a/**", ["a/b", "a/b/c"], ["ab"]],
    ["a/**/z", ["a/z", "a/b/c/z"], ["az"]],
    ["file?.[ch]", ["file1.c", "fileX.h"], ["file.c", "file1.d"]],
    ["[^a]x", ["bx"], ["ax"]],
    ["[!a]x", ["ax", "!x"], ["bx"]],
    ["../a", [], ["a"]],
    ["/../a", ["a"], ["b"]],
    ["b/../../a", [], ["a", "b"]],
    ["# comment\n\n  spaced  ", ["spaced"], ["# comment"]],
    ["*\n!keep\n!dir/keep", ["a", "dir/a"], ["keep", "keep/x", "dir/keep"]],
    ["!a\na", ["a"], []],
    ["./x/../y", ["y"], ["x"]],
    // Two asterisks stand for whole folders, also beside other characters.
    ["a**b", ["ab", "ax/b", "ax/y/b"], ["axb", "a/xb"]],
    ["*a**b", ["aab", "xa/b", "xay/b"], ["xb"]],
    ["**", ["a", "a/b"], []],
    ["\\[", ["[", "[/a"], ["a"]],
    ["\\*a", ["*a"], ["ba"]],
    ["a+b.(c)", ["a+b.(c)"], ["aab.c"]],
  ];
  for (const [text, left, kept] of cases) {
    const { ignores } = parseIgnore(text);
    for (const path of left) assert.equal(ignores(path), true, `${text} leaves out ${path}`);
    for (const path of kept) assert.equal(ignores(path), false, `${text} keeps ${path}`);
  }
});

test("what builders refuse is refused: brackets that are open or empty, a backslash at the end, nothing to take back", () => {
  for (const line of ["[", "[a", "[^]", "[]a]", "[a-]", "a\\\\", "!", "! ", "x/[", "[z-a]"]) {
    const text = line.replace("\\\\", "\\");
    assert.throws(
      () => parseIgnore(`b\n${text}\n`),
      (error) => error instanceof GantryError && /is not a pattern/.test(String(error.details.problem)),
      text,
    );
  }
  for (const line of ["[a-c]", "[^a]", "[\\]]", "\\[", "[[]", "a]", "[a\\-z]"]) parseIgnore(line);
});

test("builders get the lines as they all read them", () => {
  const rows: readonly [string, string][] = [
    [" /a \n! b\n\n# c\n  # d\n", "/a\n!b\n"],
    ["\uFEFFa\r\nb", "a\nb\n"],
    ["(a)\na|b\n^a\na+{b}", "\\(a\\)\na\\|b\n\\^a\na\\+\\{b\\}\n"],
    ["[^a]\n[(|]\n\\(\n[", "[^a]\n[(|]\n\\(\n[\n"],
  ];
  for (const [text, plain] of rows) {
    assert.equal(plainIgnore(text), plain);
    assert.equal(plainIgnore(plain), plain, "twice is once");
  }
  for (const path of ["(a)", "a|b", "^a", "a+{b}"]) {
    assert.equal(parseIgnore(plainIgnore("(a)\na|b\n^a\na+{b}")).ignores(path), true, path);
  }
});

test("a line that is no pattern is refused, and many asterisks take no time", async () => {
  assert.throws(
    () => parseIgnore("a\n[z-a]\n"),
    (error) => error instanceof GantryError && error.details.problem === '.dockerignore: "[z-a]" is not a pattern',
  );
  const cpuMs = await cpuMsOf(() => {
    assert.equal(parseIgnore(`${"*a".repeat(20)}b`).ignores("a".repeat(4000)), false);
    assert.equal(parseIgnore(`${"**/a/".repeat(20)}b`).ignores("a/".repeat(2000).slice(0, -1)), false);
  });
  assert.ok(cpuMs < 5_000, `${cpuMs} ms`);
});
