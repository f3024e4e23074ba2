// What `yaml/edit` writes, kind by kind, byte for byte.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { type Row, refusal, set, table } from "./set-path.fixture.ts";
import { setPath } from "./set-path.ts";

test("keys that YAML does not read as text are found by what is written", () => {
  table([
    ["data:\n  9000: a\n", "data.9000", "b", "data:\n  9000: b\n"],
    ['data:\n  9000: "a"\n', 'data["9000"]', "b", 'data:\n  9000: "b"\n'],
    ['data:\n  "9000": a\n', "data.9000", "b", 'data:\n  "9000": b\n'],
    ["true: a\n", "true", "b", "true: b\n"],
    ["False: a\n", "False", "b", "False: b\n"],
    ["null: a\n", "null", "b", "null: b\n"],
    ["~: a\n", '["~"]', "b", "~: b\n"],
    ["1.5: a\n", '["1.5"]', "b", "1.5: b\n"],
    ["0x10: a\n", "0x10", "b", "0x10: b\n"],
    ["0x10: a\n", "16", "b", "0x10: b\n"],
    ["1e3: a\n", "1e3", "b", "1e3: b\n"],
    ["9007199254740993: a\n", "9007199254740993", "b", "9007199254740993: b\n"],
    ["-1: a\n", "-1", "b", "-1: b\n"],
    ["2026-01-02: a\n", "2026-01-02", "b", "2026-01-02: b\n"],
    ["on: a\noff: b\n", "off", "c", "on: a\noff: c\n"],
    ["{1: a, true: b}\n", "true", "c", "{1: a, true: c}\n"],
    ["1:\n  2:\n    3: a\n", "1.2.3", "b", "1:\n  2:\n    3: b\n"],
    // A new key of that kind is a text, as JSON's keys are.
    ["a: 1\n", "9000", "b", 'a: 1\n"9000": b\n'],
    ["a: 1\n", "on.true", "b", 'a: 1\n"on":\n  "true": b\n'],
    ["{a: 1}\n", "null", "b", '{a: 1, "null": b}\n'],
  ]);
  assert.match(
    refusal(() => set('9000: a\n"9000": b\n', '["9000"]', "c")),
    /^line 2: two keys read "9000"$/,
  );
});

test("a parent without a value becomes a mapping, and the comment behind it stays", () => {
  table([
    ["image:\nother: 1\n", "image.tag", "v2", "image:\n  tag: v2\nother: 1\n"],
    ["image: ~\n", "image.tag", "v2", "image:\n  tag: v2\n"],
    ["image: null\nother: 1\n", "image.tag", "v2", "image:\n  tag: v2\nother: 1\n"],
    ["image: NULL # c\n", "image.tag", "v2", "image: # c\n  tag: v2\n"],
    ["image: # filled in by CD\nother: 1\n", "image.tag", "v2", "image: # filled in by CD\n  tag: v2\nother: 1\n"],
    ["image:", "image.tag", "v2", "image:\n  tag: v2\n"],
    ["image: &i\nb: 1\n", "image.tag", "v2", "image: &i\n  tag: v2\nb: 1\n"],
    ["a:\n  image:\n", "a.image.tag.deep", 1, "a:\n  image:\n    tag:\n      deep: 1\n"],
    ["a:\n    image: ~\n    b: 1\n", "a.image.tag", 1, "a:\n    image:\n      tag: 1\n    b: 1\n"],
    ["{image: }\n", "image.tag", "v2", "{image: {tag: v2} }\n"],
    ["{image}\n", "image.tag", "v2", "{image: {tag: v2}}\n"],
    ["{image: null, b: 1}\n", "image.tag", "v2", "{image: {tag: v2}, b: 1}\n"],
    ["- \n- b\n", "[0].tag", "v2", "- {tag: v2} \n- b\n"],
    ["- name: web\n  image:\n- b\n", "[name=web].image.tag", "v", "- name: web\n  image:\n    tag: v\n- b\n"],
    ["image:\r\nother: 1\r\n", "image.tag", "v2", "image:\r\n  tag: v2\r\nother: 1\r\n"],
    ["---\n# only a comment\n", "image.tag", "v2", "---\n# only a comment\nimage:\n  tag: v2\n"],
    ["---\n...\n", "image", "v2", "---\nimage: v2\n...\n"],
    ["? image\n: \nb: 1\n", "image.tag", "v2", "? image\n: \n  tag: v2\nb: 1\n"],
  ]);
});

/** Each is read as something else than a text by PyYAML, go-yaml or a YAML 1.2 reader when it is plain. */
const NOT_TEXT =
  "y Y n N yes Yes YES no No NO on On ON off Off OFF true True TRUE false False FALSE null Null NULL ~ = << .inf -.INF +.inf .nan .NaN 0 1 -1 +1 1_000 0b11 0b1_0 017 0o17 0O17 0x1F 0X1f -0x1 1.5 1. .5 1e3 1E5 12e03 1e+3 1.5e-3 685_230.15 1234e56 190:20:30 12:30:45 1:30 190:20:30.15 2026-01-02 2026-1-2 2001-12-14t21:59:43.10-05:00 2001-12-14T21:59:43Z".split(
    " ",
  );

test("a text that some reader takes for another type is quoted, as a value, a key and an item", () => {
  for (const word of [...NOT_TEXT, "", "2001-12-14 21:59:43"]) {
    assert.equal(set("env:\n  FLAG: x # c\n", "env.FLAG", word), `env:\n  FLAG: "${word}" # c\n`);
    assert.equal(set("FLAG: 'x'\n", "FLAG", word), `FLAG: '${word}'\n`);
    assert.equal(set("l: [x]\n", "l[0]", word), `l: ["${word}"]\n`);
    assert.equal(set("a: 1\n", "b", { [word]: [word] }), `a: 1\nb:\n  "${word}":\n    - "${word}"\n`);
    // What stands there plain is another value for those readers, so it is not there yet.
    if (!["", "~", "null"].includes(word))
      assert.equal(set(`FLAG: ${word}\n`, "FLAG", word), `FLAG: "${word}"\n`, word);
  }
  for (const word of [
    "v1",
    "1.2.3",
    "web",
    "10m",
    "512Mi",
    "a:b",
    "http://x/y",
    "1.0-rc1",
    "e5",
    "yes-sir",
    "sha256:ab",
  ]) {
    assert.equal(set("FLAG: x\n", "FLAG", word), `FLAG: ${word}\n`);
  }
  for (const word of [
    "- a",
    "a: b",
    "a #b",
    "#",
    "x:",
    " x",
    "x ",
    "[a",
    "{",
    "*a",
    "&a",
    "!a",
    "|",
    ">",
    "%",
    "@",
    "`",
    "'",
    '"',
    "?",
    "-",
    "---",
    "...",
    "\t",
    "a\tb",
    "\u0085",
    "\u2028",
    "\ufeff",
    "é\u0000",
  ]) {
    assert.match(set("FLAG: x\n", "FLAG", word), /^FLAG: "[ -~é]*"\n$/, JSON.stringify(word));
  }
  assert.equal(set("n: 1\n", "n", 1e21), "n: 1.0e+21\n");
  assert.equal(set("n: 1\n", "n", 1.5e-9), "n: 1.5e-9\n");
});

test("nothing but the edit changes: numbers, line ends, flow style and spaces elsewhere stay", () => {
  const rest =
    "id: 1147053346671102335\nmask: 0xFF\nexp: 1e3\nf: 0.10000000000000000001\nzl: [ 1,2 , 3 ]\nzm: {a: 1,  b : 2}\n";
  for (const end of ["\n", "\r\n"]) {
    const rows: readonly Row[] = [
      ["note: |\n  old\n\n  text\nz: 1\n", "note", "new", "note: new\nz: 1\n"],
      ["note: |- # c\n  old\nz: 1\n", "note", "new", "note: new # c\nz: 1\n"],
      ["note: >+\n  old\n\nz: 1\n", "note", 5, "note: 5\nz: 1\n"],
      ["note: # c\n  |\n  old\nz: 1\n", "note", { a: 1 }, "note: # c\n  a: 1\nz: 1\n"],
      ["note: # c\n  |+ # d\n  old\n\nz: 1\n", "note", { a: 1 }, "note: # c\n   # d\n  a: 1\nz: 1\n"],
      ["note: &n # c\n\n    >-\n  old\nz: 1\n", "note", [1], "note: &n # c\n\n  - 1\nz: 1\n"],
      ["l:\n- a: |\n    old \t\n- z\n", "l[0]", "x", "l:\n- x\n- z\n"],
      ["l:\n- a: |+\n    old\t\n\n- z\n", "l[0]", "x", "l:\n- x\n\n- z\n"],
      ["a: v\u00a0\nz: 1\n", "a", "x", "a: x\nz: 1\n"],
      ["m:\n  a: |\n    x\n      \nz: 1\n", "m.b", 1, "m:\n  a: |\n    x\n      \n  b: 1\nz: 1\n"],
      ["m:\n  a: >-\n    x\n      \n    \nz: 1\n", "m.b", 1, "m:\n  a: >-\n    x\n      \n  b: 1\n    \nz: 1\n"],
      ["m:\n  a: |\n    x\n    \t\nz: 1\n", "m.b", 1, "m:\n  a: |\n    x\n    \t\n  b: 1\nz: 1\n"],
      ["note: |\n    old\nz: 1\n", "note", "a\n\nb\n", "note: |\n    a\n\n    b\nz: 1\n"],
      ["note: |\n  old\nz: 1\n", "note", "a\nb", "note: |-\n  a\n  b\nz: 1\n"],
      ["note: old # c\nz: 1\n", "note", "a\nb\n", 'note: "a\\nb\\n" # c\nz: 1\n'],
      ["image: {repository: a}\n", "image.tag", "v2", "image: {repository: a, tag: v2}\n"],
      ["image: { repository: a } # c\n", "image.tag", "v2", "image: { repository: a, tag: v2 } # c\n"],
      ["image: {a: 1, } # c\n", "image.tag", "v2", "image: {a: 1, tag: v2, } # c\n"],
      ["image: {a: , b}\n", "image.tag", "v2", "image: {a: , b, tag: v2}\n"],
      ["image: {a: }\n", "image.tag", "v2", "image: {a: , tag: v2 }\n"],
      ["image: {\n  a: 1, # one\n  b: 2 # two\n}\n", "image.c", 3, "image: {\n  a: 1, # one\n  b: 2, c: 3 # two\n}\n"],
      ["image: {}\n", "image.tag", "v2", "image: {tag: v2}\n"],
      ["ports: [80, 443] # c\n", "ports[1]", 8443, "ports: [80, 8443] # c\n"],
      ["ports: [80, 443] # c\n", "ports", [1, 2], "ports: # c\n  - 1\n  - 2\n"],
      ["l:\n- a # one\n- b # two\n", "l", ["c"], "l:\n- c\n"],
      ["l: # c\n  - a\nz: 1\n", "l", "x", "l: x # c\nz: 1\n"],
      ["l: # c\n  a: 1\n\n  # inside\n  b: 2\nz: 1\n", "l", { c: 3 }, "l: # c\n  c: 3\nz: 1\n"],
      ["l:\n  a: 1\nz: 1\n", "l", {}, "l: {}\nz: 1\n"],
      ["l:\n- a: 1\n  b: 2 # c\n- d\n", "l[0]", "x", "l:\n- x # c\n- d\n"],
      ["a: 'it''s' # c\n", "a", "it's b", "a: 'it''s b' # c\n"],
      ["a: several\n  lines # c\nb: 1\n", "a", "one", "a: one # c\nb: 1\n"],
      ["a:   spaced   # c\n", "a", "b", "a:   b   # c\n"],
      ["a: |+\n  keep\n\nb: 1\n", "c", 1, "a: |+\n  keep\n\nb: 1\nc: 1\n"],
      ["m:\n  a: |\n    t\n\n\n# c\nb: 1\n", "m.c", 1, "m:\n  a: |\n    t\n  c: 1\n\n\n# c\nb: 1\n"],
      ["m:\n  a: # c\n# d\nb: 1\n", "m.c", 1, "m:\n  a: # c\n  c: 1\n# d\nb: 1\n"],
    ];
    for (const [before, path, value, after] of rows) {
      for (const [head, tail] of [
        ["", rest],
        [rest, ""],
      ]) {
        const [text, expected] = [before, after].map((one) => `${head}${one}${tail}`.replaceAll("\n", end));
        if (head !== "" && path === "c") continue;
        assert.equal(
          set(text ?? "", path, value),
          path === "c" ? (expected ?? "").replace(`c: 1${end}`, "").concat(`c: 1${end}`) : expected,
        );
      }
    }
  }
  assert.equal(set("\uFEFFa: 1\n", "b", 2), "\uFEFFa: 1\nb: 2\n");
  assert.equal(set("a: 1", "b", 2), "a: 1\nb: 2\n");
  assert.equal(set("a: # c\n  |", "a", { b: 1 }), "a: # c\n  b: 1\n");
  assert.equal(set("a: |\n\nb: 1\n", "b", 2), "a: |\n\nb: 2\n");
  assert.equal(set("m:\n  a: |-\n\n\n  b: 1\n", "m.c", 2), "m:\n  a: |-\n\n\n  b: 1\n  c: 2\n");
  assert.equal(set("a: |\n\n", "b", 2), "a: |\n\nb: 2\n");
  assert.equal(set("a: |-\n  x\n    ", "b", 1), "a: |-\n  x\n    \nb: 1\n");
});

test("a block text that ends the file without a line end does not get one", () => {
  for (const [text, path] of [
    ["b: 1\na: |\n  x", "c"],
    ["b: 1\r\na: >\r\n  x\r\n  y", "c"],
    ["b: 1\na:\n  - |+\n    x", "c.d"],
    ["m:\n  a: |2\n      x", "m.c"],
  ] as const) {
    assert.match(
      refusal(() => set(text, path, 1)),
      /changing something else of the file; add a line end at the end of the file, or edit it by hand$/,
      text,
    );
  }
  assert.equal(set("a: |-\n  x", "c", 1), "a: |-\n  x\nc: 1\n");
  assert.equal(set("b: 1\na: |\n  x", "b", 2), "b: 2\na: |\n  x");
  assert.equal(set("b: 1\na: |\n  x\n", "c", 2), "b: 1\na: |\n  x\nc: 2\n");
});

test("a value that YAML 1.1 reads differently counts as missing, at any depth", () => {
  table([
    ["a: 010\n", "a", 10, "a: 10\n"],
    ["a: 0o10\n", "a", 8, "a: 8\n"],
    ["a: 1e3\n", "a", 1000, "a: 1000\n"],
    ["a: 1.0e+3\n", "a", 1000, "a: 1.0e+3\n"],
    ["a: 0x10\n", "a", 16, "a: 0x10\n"],
    ["a:\n  b: yes\n", "a", { b: "yes" }, 'a:\n  b: "yes"\n'],
    ["a: [012]\n", "a[0]", 12, "a: [12]\n"],
    ["a:\n  - 1_000\n", "a", ["1_000"], 'a:\n  - "1_000"\n'],
    ["a: {on: 1}\n", "a", { on: 1 }, 'a:\n  "on": 1\n'],
    ["a: [0, -0.5, True]\n", "a", [0, -0.5, true], "a: [0, -0.5, True]\n"],
  ]);
});

test("what some readers of YAML refuse or read differently is refused with its line", () => {
  const tab = /^line 2: a tab indents a comment or an empty line/;
  const mark = /^line (\d): the byte order mark U\+FEFF here is not at the start/;
  const spaces =
    /^line 4: the spaces in this line belong to the text above for some readers of YAML only; remove them$/;
  const rows: readonly [string, RegExp][] = [
    ["a: x\n\t\nb: 2\n", tab],
    ["a: x\n \t# c\nb: 2\n", tab],
    ["a: x\n\t# c\n", tab],
    ["a: x\n\t", tab],
    ["a: x\r\n\t\r\nb: 1\r\n", tab],
    ["\uFEFF\uFEFFa: x\n", mark],
    ["a: x\n\uFEFFb: 1\n", mark],
    ["a: x\n---\n\uFEFFb: 1\n", mark],
    ["a: x\n\u2028b: 1\n", /^line 2: the character U\+2028/],
    ["a: x\nb: |2\n   y\n   \n", spaces],
    ["a: x\nb: |2\n   y\n   ", spaces],
    ["a: x\nb: >-1\n    \n", /^line 3: the spaces in this line/],
    ["a: x\nb: |+1\n    \n\n", /^line 3: the spaces in this line/],
    ["a: x\r\nb: |2-\r\n   y\r\n\r\n   \r\nc: 1\r\n", /^line 5: the spaces in this line/],
    ["a: x\nb:\n- |2\n   y\n   \n- c\n", /^line 5: the spaces in this line/],
    ["a: x\nb: {k:}\n", /^line 2: the key k reads differently without a space behind its colon; add one$/],
    ["a: x\nb: {k:, c: 1}\n", /^line 2: the key k reads/],
    ["a: x\nb: {k :, c: 1}\n", /^line 2: the key k reads/],
    ["a: x\nb: [k  :]\n", /^line 2: the key k reads/],
    ["a: x\nb: {? k\n  :}\n", /^line 2: the key k reads/],
    [
      "a: x\nb: {?k: 1}\n",
      /^line 2: some readers of YAML take the question mark here for the mark of a key; add quotes$/,
    ],
    ["a: x\nb: [c, {d: [?e]}]\n", /^line 2: some readers of YAML take the question mark/],
    ["a: x\nb: [k:]\n", /^line 2: the key k reads/],
    ["a: x\nb: [1, {c: [k d:]}]\n", /^line 2: the key k d reads/],
    [
      "a: x\nb: {k\n  d: 1}\n",
      /^line 2: some readers of YAML refuse the key here: it spans several lines; write it on one$/,
    ],
    ["a: x\nb: {'k\n  d': 1}\n", /^line 2: some readers of YAML refuse the key here/],
    ["a: x\nb: {&k\n  d: 1}\n", /^line 2: some readers of YAML refuse the key here/],
    [`a: x\nb: {${"k".repeat(1025)}: 1}\n`, /^line 2: .* it is longer than 1024 characters; shorten it$/],
    ["a: x\n? k\n:\t# c\n  b: 1\n", /^line 3: a tab indents a comment or an empty line/],
    ["a: x\nb:\n- \t# c\n  - c\n", /^line 3: a tab indents a comment or an empty line/],
    ["a: x\n?\t\n  k\n: d\n", /^line 2: a tab indents a comment or an empty line/],
    ["a: x\nb:\n- -\t# c\n    - c\n", /^line 3: a tab indents a comment or an empty line/],
  ];
  for (const [text, problem] of rows) {
    assert.throws(() => setPath("f.yaml", text, ["a"], "yes"), wrongWith(problem), JSON.stringify(text));
  }
  const twins = "b:\n  on: 1\n  c: 2\n  true: 3\nno: 1\n";
  assert.equal(setPath("f.yaml", twins, ["b", "true"], "new").text, twins.replace("3", "new"));
  assert.equal(setPath("f.yaml", twins, ["b", "c"], "new").text, twins.replace("2", "new"));
  const one = /^line 4: the key true is the key on for readers of YAML 1.1; rename one of them$/;
  assert.throws(() => setPath("f.yaml", twins, ["b", "on"], "new"), wrongWith(one));
  assert.equal(setPath("f.yaml", twins, ["off"], "new").text, `${twins}"off": new\n`);
  const merged = "x: &x { y: 1 }\na:\n  <<: *x\n";
  assert.throws(() => setPath("f.yaml", merged, ["a", "<<"], "z"), wrongWith(/^line 3: << is a merge key/));
  for (const text of [
    "a: x\t# c\n",
    "a: x\t\n",
    "b: |\n  y\n  \t\n  z\na: x\n",
    '{\n\t\n\t"a": "x"\n}\n',
    "b: y\n  \t\n  z\na: x\n",
    "b: |2\n   y\n  \na: x\n",
    "b: |2\n   y\n     \n   z\na: x\n",
    "b:\n - |2\n     y\n\n - z\na: x\n",
    "on: 1\noff: 2\n\"true\": 3\nb: {no: 1, 'false': 2}\na: x\n",
    'b: {k: , "l":, m, n : , "o" :}\na: x\n',
    "b: {? k : 1, '?l': 2, m: x?y}\n?c: ?d\na: x\n",
    "b: {\n  k:\n  }\na: x\n",
    "b: {k\n  d, ? k\n  e : 1}\na: x\n",
    `? ${"k".repeat(1025)}\n: {${"k".repeat(1024)}: 1}\na: x\n`,
    "b:\t# c\n  c: [\t# d\n  ]\n? d\n: e\t# f\ne:\n- f\t# g\na: x\n",
  ]) {
    assert.match(setPath("f.yaml", text, ["a"], "yes").text, /a"?: "yes"/);
  }
});

test("a key that is another one for readers of YAML 1.1 is never set, added or hidden silently", () => {
  const rows: readonly [text: string, key: string, problem: RegExp][] = [
    ["8: a\n010: b\n", "8", /^line 2: the key 010 is the key 8 for readers of YAML 1.1; rename one of them$/],
    ["1000: a\n1_000: b\n", "1000", /^line 2: the key 1_000 is the key 1000 for/],
    ["3: a\n0b11: b\n", "3", /the key 0b11 is the key 3/],
    ["1: a\n1.0: b\n", "1", /the key 1.0 is the key 1 /],
    ["1.0: b\n1: a\n", "1", /the key 1.0 is the key 1 /],
    ["on: a\n'true': b\n", "true", /the key on is the key true/],
    ["'true': b\non: a\n", "on", /the key true is the key on/],
    ["'8': a\n010: b\n", "010", /the key 8 is the key 010/],
    ["010: a\n", "8", /^line 1: the key 010 is the key 8 for readers of YAML 1.1; rename it$/],
    ["1_000: a\n", "1000", /the key 1_000 is the key 1000 for .*; rename it$/],
    ["yes: a\n", "true", /the key yes is the key true for .*; rename it$/],
    ["n: {b: 1}\n", "false", /the key n is the key false for .*; rename it$/],
    ["-0b1: a\n", "-1", /the key -0b1 is the key -1/],
    [
      "010: a\n",
      "10",
      /^line 1: the key 010 is the key 8 for readers of YAML 1.1, and 10 for others; write 010 in the path$/,
    ],
    ["a: 1\n0777: x\n", "777", /^line 2: the key 0777 is the key 511 .* write 0777 in the path$/],
  ];
  for (const [text, key, problem] of rows)
    assert.throws(() => setPath("f.yaml", text, [key], "new"), wrongWith(problem), `${text} ${key}`);
  const kept: readonly [text: string, key: string, after: string][] = [
    ["010: a\n8: b\n", "8", "010: a\n8: new\n"],
    ["010: a\n", "010", "010: new\n"],
    ["0x10: a\n", "16", "0x10: new\n"],
    ["1.50: a\n", "1.5", "1.50: new\n"],
    ["yes: a\n", "on", 'yes: a\n"on": new\n'],
    ["010: a\n", "9", '010: a\n"9": new\n'],
    ["8: a\nb: {010: c}\n", "8", "8: new\nb: {010: c}\n"],
    ["'010': a\n8: b\n", "8", "'010': a\n8: new\n"],
  ];
  for (const [text, key, after] of kept) assert.equal(setPath("f.yaml", text, [key], "new").text, after);
});

function wrongWith(problem: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof GantryError && problem.test(String(error.details.problem));
}
