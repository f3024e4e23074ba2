// `yaml/edit` in files with anchors, aliases, tags and merge keys.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import { refusal, set, table } from "./set-path.fixture.ts";
import { setPath } from "./set-path.ts";

test("anchors, aliases and tags stay, and what they would break is refused with its line", () => {
  table([
    ['tag: &t "1.0"\nweb:\n  tag: *t\n', "tag", "2.0", 'tag: &t "2.0"\nweb:\n  tag: *t\n'],
    ['tag: &t "1.0"\nother: x\n', "tag", "2.0", 'tag: &t "2.0"\nother: x\n'],
    ["tag: &t\n  v1\nb: *t\n", "tag", "v2", "tag: &t\n  v2\nb: *t\n"],
    ['base: &b\n  tag: "1.0"\nweb: *b\n', "base.tag", "2.0", 'base: &b\n  tag: "2.0"\nweb: *b\n'],
    ["base: &b\n  x: 1\nweb: *b\n", "base.tag", "v", "base: &b\n  x: 1\n  tag: v\nweb: *b\n"],
    ["base: &b {x: 1}\nweb: *b\n", "base.tag", "v", "base: &b {x: 1, tag: v}\nweb: *b\n"],
    ["list: &l\n- a\n- b\nweb: *l\n", "list[1]", "c", "list: &l\n- a\n- c\nweb: *l\n"],
    ["a: &x 1\nb: *x # c\n", "b", 2, "a: &x 1\nb: 2 # c\n"],
    ["- &x one\n- *x\n", "[0]", "two", "- &x two\n- *x\n"],
    ["- &x one\n- *x\n", "[1]", "two", "- &x one\n- two\n"],
    ["a: &x |\n  text\nb: *x\n", "a", "new", "a: &x new\nb: *x\n"],
    ["a: &x\n  b: 1\nc: *x\n", "a", "new", "a: &x new\nc: *x\n"],
    ["&k a: 1\n*k : 2\n", "a", 3, "&k a: 3\n*k : 2\n"],
    ["a: &x {}\nb:\n  <<: *x\n", "b.tag", "v", "a: &x {}\nb:\n  <<: *x\n  tag: v\n"],
    // In quotes it is no merge key.
    ['a: &x {i: {r: 1}}\nb:\n  "<<": *x\n', "b.i.t", 2, 'a: &x {i: {r: 1}}\nb:\n  "<<": *x\n  i:\n    t: 2\n'],
    ['a: &x {i: 1}\nb:\n  "<<": *x\n', "a", 2, 'a: &x 2\nb:\n  "<<": *x\n'],
    ["a: !!str 5\n", "a", "6", 'a: !!str "6"\n'],
    ["a: &x !!str v\nb: *x\n", "a", "w", "a: &x !!str w\nb: *x\n"],
  ]);
  const refused: readonly (readonly [text: string, path: string, value: JsonValue, problem: RegExp])[] = [
    ["a: &x {t: 1}\nweb: *x\n", "web.t", 2, /^line 2: web is the alias \*x; edit the place that has &x$/],
    ["a: &x {t: 1}\nweb: [*x]\n", "web[t=1].t", 2, /^line 2: web.t=1 is the alias \*x/],
    ["a:\n  b: &x 1\nc: *x\n", "a", 2, /^line 2: this place cannot be edited/],
    ["a: !secret x\n", "a", "y", /^line 1: the value here has the tag !secret/],
    ["a: !!int 5\n", "a", "y", /^line 1: the value here has the tag !!int/],
    ["a: 1\nb: *none\n", "a", 2, /^line 2: the alias \*none has no anchor before it$/],
    ["a: &x {i: {r: 1}}\nw:\n  <<: *x\n", "w.i.t", 2, /^line 3: i comes from the merge key <</],
    ["a: &x {i: {r: 1}}\nw:\n  <<: [*x]\n", "w.i.t", 2, /^line 3: i comes from the merge key <</],
  ];
  for (const [text, path, value, problem] of refused)
    assert.match(
      refusal(() => set(text, path, value)),
      problem,
      text,
    );
});

test("what a merge key takes its keys from stays a mapping", () => {
  const bases = ["a: &A {m: 1}\n", "a: &A\n  m: 1\n"];
  const uses = ["<<: *A\n", "b:\n  <<: *A\n", "b: {<<: *A, z: 1}\n", "b:\n  <<: [*A]\n", "l:\n  - <<: *A\n"];
  for (const base of [...bases, ...bases.map((one) => `%YAML 1.1\n---\n${one}`)]) {
    for (const use of uses) {
      for (const value of ["x", 1, null, [], ["x"]]) {
        assert.throws(
          () => setPath("f.yaml", base + use, ["a"], value),
          (error) => error instanceof GantryError && /a merge key << takes/.test(String(error.details.problem)),
          base + use + JSON.stringify(value),
        );
      }
      assert.ok(setPath("f.yaml", base + use, ["a", "m"], 2).changed);
    }
    assert.ok(setPath("f.yaml", `${base}b: *A\n`, ["a"], "x").changed, "aliases follow");
  }
});

test("an alias keeps its anchor, also where an earlier one has the same name", () => {
  const rows: readonly (readonly [text: string, path: string])[] = [
    ["q: &x 0\na: {b: &x 1}\nc: *x\n", "a"],
    ["q: &x 0\na:\n  b: &x 1\nc: *x\n", "a"],
    ["q: &x 0\na: [&x 1]\nc: {d: [*x]}\n", "a"],
    ["q: &x 0\na: {&x k: 1}\nc: *x\n", "a"],
    ["- &x 0\n- [&x 1]\n- *x : 2\n", "[1]"],
  ];
  for (const [text, path] of rows) {
    assert.match(
      refusal(() => set(text, path, 5)),
      /^line [23]: this place cannot be edited/,
      text,
    );
  }
  assert.equal(set("q: &x 0\na: &x 1\nc: *x\n", "q", 5), "q: &x 5\na: &x 1\nc: *x\n");
  assert.equal(set("q: &x 0\nb: *x\na: &x 1\nc: *x\n", "b", 5), "q: &x 0\nb: 5\na: &x 1\nc: *x\n");
  assert.equal(set("x: &k key\n*k : a\n", "key", "b"), "x: &k key\n*k : b\n");
});

test("a key that is there twice is refused with its line, at any depth, written in any way; other keys are not", () => {
  const refused: readonly (readonly [text: string, line: number])[] = [
    ["a: 1\nb: 2\na: 3\n", 3],
    ['a: 1\n"a": 3\n', 2],
    ["x:\n  - a: 1\n    a: 2\n", 3],
    ["x: {a: 1, a: 2}\n", 1],
    ["1: x\n0x1: y\n", 2],
    ["? a\n: 1\n? a\n: 2\n", 3],
    ["x: &x {k: 1}\na:\n  <<: *x\n  <<: *x\n", 4],
    ["ok: 1\n---\na: 1\na: 2\n", 4],
  ];
  for (const [text, line] of refused) {
    assert.equal(
      refusal(() => setPath("f.yaml", text, ["z"], 1, { index: 0 })),
      `line ${line}: Map keys must be unique`,
      text,
    );
  }
  const different = 'a: 1\nA: 2\n1: x\n"1": y\nx: {a: 1}\n';
  assert.equal(set(different, "A", 3), different.replace("A: 2", "A: 3"));
});

test("many keys take no minutes", () => {
  const many = Array.from({ length: 30_000 }, (_, at) => `key${at}: v\n`).join("");
  // CPU time: other work on the machine must not matter.
  const started = process.cpuUsage();
  assert.equal(set(`${many}b: 1\n`, "b", 2), `${many}b: 2\n`);
  assert.ok(process.cpuUsage(started).user < 10_000_000);
});

test("many aliases and deep nesting take neither minutes nor the stack", () => {
  const names = Array.from({ length: 4000 }, (_, at) => `k${at}: &a${at} v\nz${at}: *a${at}\n`).join("");
  // CPU time: other work on the machine must not matter.
  const started = process.cpuUsage();
  assert.equal(set(`${names}b: 1\n`, "b", 2), `${names}b: 2\n`);
  assert.ok(process.cpuUsage(started).user < 10_000_000);
  const one = `a: &x 1\nl:\n${"- *x\n".repeat(500)}`;
  assert.equal(set(`${one}b: 1\n`, "b", 2), `${one}b: 2\n`, "an anchor may be used often");
  const refused: readonly (readonly [text: string, problem: RegExp])[] = [
    [`a: &x 1\nl:\n${"- *x\n".repeat(20_000)}`, /^line 10003: it has more than 10000 aliases$/],
    ["a: &x [*x]\n", /^line 1: the alias \*x is inside the value that has &x$/],
    [`a: ${"[".repeat(600)}${"]".repeat(600)}\n`, /^line 1: it is nested more than 500 levels deep$/],
    [`a: ${"[".repeat(50_000)}${"]".repeat(50_000)}\n`, /^line 1: it is nested (more than 500 levels|too) deep(ly)?$/],
  ];
  for (const [text, problem] of refused)
    assert.match(
      refusal(() => set(text, "b", 2)),
      problem,
    );
});
