// What `yaml/edit` writes, kind by kind, byte for byte.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import fc from "fast-check";
import type { DocumentSelector } from "./document.ts";
import { layouts } from "./layouts.fixture.ts";
import { parsePath, setPath, setPaths } from "./set-path.ts";

function set(text: string, path: string, value: JsonValue, document?: DocumentSelector): string {
  const parts = parsePath(path);
  assert.ok(parts, path);
  return setPath("f.yaml", text, parts, value, document).text;
}

/** The problem of a refused edit, which names the line. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof GantryError && error.code === "file-invalid", String(error));
    return String(error.details.problem);
  }
  throw new Error("it was not refused");
}

type Row = readonly [text: string, path: string, value: JsonValue, edited: string];

function table(rows: readonly Row[]): void {
  for (const [text, path, value, edited] of rows) {
    assert.equal(set(text, path, value), edited, JSON.stringify(text));
    assert.equal(set(edited, path, value), edited, "editing twice is editing once");
  }
}

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
});

const MANIFESTS = `# the app
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 1 # few
---
apiVersion: v1
kind: Service
metadata:
  name: web
---
# nothing here
---
kind: Deployment
metadata:
  name: log
spec:
  replicas: 0x1
`;

test("a document is chosen by what is written, and by what YAML reads there", () => {
  const written = [
    ...["007", "7", "0x1F", "1e3", "1_000", "0.10", "true", "True", "yes", "2026-01-02", "12:30", "'007'", '"on"'],
    ...["9007199254740993", "-0", ".inf", "0o17", "web", "&a 010", "!!str 008"],
  ];
  for (const name of written) {
    const file = `kind: A\nmetadata: {name: ${name}}\n---\nkind: A\nmetadata: {name: other}\n`;
    const asked = name.replace(/^(&a|!!str) /, "").replace(/^['"](.*)['"]$/, "$1");
    assert.equal(set(file, "x", 1, { name: asked }), file.replace("}\n---", "}\nx: 1\n---"), name);
  }
  for (const name of ["null", "~", ""]) {
    const file = `metadata: {name: ${name}}\n---\na: 1\n`;
    assert.match(
      refusal(() => set(file, "x", 1, { name: name || "null" })),
      /^no document has name/,
    );
  }
});

test("one of several documents is chosen by kind, name, namespace, apiVersion or index", () => {
  const web = MANIFESTS.replace("replicas: 1 #", "replicas: 3 #");
  const log = MANIFESTS.replace("replicas: 0x1", "replicas: 3");
  const rows: readonly (readonly [DocumentSelector, string])[] = [
    [{ kind: "Deployment", name: "web" }, web],
    [{ kind: "Deployment", name: "log" }, log],
    [{ name: "log" }, log],
    [{ namespace: "shop" }, web],
    [{ apiVersion: "apps/v1" }, web],
    [{ index: 0 }, web],
    [{ index: 2 }, log],
    [{ index: 2, kind: "Deployment" }, log],
  ];
  for (const [selector, edited] of rows) assert.equal(set(MANIFESTS, "spec.replicas", 3, selector), edited);
  const refused: readonly (readonly [DocumentSelector | undefined, RegExp])[] = [
    [
      undefined,
      /^line \d+: the file holds several documents: 0: Deployment web, 1: Service web, 2: Deployment log; say which one/,
    ],
    [{ kind: "Deployment" }, /^line \d+: several documents have kind Deployment$/],
    [
      { kind: "Job" },
      /^no document has kind Job; the file holds 0: Deployment web, 1: Service web, 2: Deployment log$/,
    ],
    [{ index: 3 }, /^no document has index 3/],
  ];
  for (const [selector, problem] of refused)
    assert.match(
      refusal(() => set(MANIFESTS, "a", 1, selector)),
      problem,
    );
  assert.equal(set("---\na: 1\n---\n", "a", 2), "---\na: 2\n---\n", "empty documents do not count");
  assert.equal(set("a: 1\n---\nb: 2\n", "c", 3, { index: 0 }), "a: 1\nc: 3\n---\nb: 2\n");
});

test("an element must be clear: none and several are refused with the line", () => {
  const text = "l:\n- name: a\n- name: b\n- name: a\n- 5\n- name: 7\n";
  assert.match(
    refusal(() => set(text, "l[name=a].x", 1)),
    /^line 4: l has several elements with name a$/,
  );
  assert.match(
    refusal(() => set(text, "l[name=c].x", 1)),
    /^line 2: l has no element with name c$/,
  );
  assert.match(
    refusal(() => set(text, "l[9]", 1)),
    /^line 2: l has no element 9$/,
  );
  assert.match(
    refusal(() => set(text, "l.x", 1)),
    /^line 2: l is not a mapping$/,
  );
  assert.equal(set(text, "l[name=7].x", 1), `${text}  x: 1\n`);
});

test("what a merge key takes its keys from stays a mapping", () => {
  const bases = ["a: &A {m: 1}\n", "a: &A\n  m: 1\n"];
  const uses = ["<<: *A\n", "b:\n  <<: *A\n", "b: {<<: *A, z: 1}\n", "b:\n  <<: [*A]\n", "l:\n  - <<: *A\n"];
  for (const base of bases) {
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

test("property: in any layout, only the lines of the value change, and editing twice is editing once", () => {
  const value = fc.oneof(
    fc.constantFrom<JsonValue>("v2", "yes", "", " x", "a\nb\n", 5, 1.5, true, null, {}, [], { a: 1, b: { c: ["on"] } }),
    fc.jsonValue({ maxDepth: 2 }).map((one) => JSON.parse(JSON.stringify(one)) as JsonValue),
  );
  fc.assert(
    fc.property(
      layouts(),
      fc.nat(1000),
      value,
      fc.constantFrom("", '["added"]', '["added"]["deep"]'),
      (layout, pick, one, add) => {
        const spot = layout.spots[pick % layout.spots.length];
        fc.pre(spot !== undefined);
        const document = layout.documents > 1 ? { index: 1 } : undefined;
        let edited: string;
        try {
          edited = set(layout.text, spot.path + add, one, document);
        } catch (error) {
          assert.ok(error instanceof GantryError && error.code === "file-invalid", String(error));
          return;
        }
        if (edited === layout.text) return;
        const end = layout.text.includes("\r\n") ? "\r\n" : "\n";
        const lines = layout.text.split(end);
        const before = lines.slice(0, spot.first).map((line) => line + end);
        const after = lines
          .slice(spot.last + 1)
          .map((line) => end + line)
          .join("");
        assert.ok(edited.startsWith(before.join("")), edited);
        assert.ok(edited.endsWith(after), edited);
        if (end === "\r\n") assert.doesNotMatch(edited, /(^|[^\r])\n/);
        assert.equal(set(edited, spot.path + add, one, document), edited);
      },
    ),
    { numRuns: 400 },
  );
});

test("edits that are made at once give what they give one after the other", () => {
  const outcome = (work: () => string): string => {
    try {
      return work();
    } catch (error) {
      assert.ok(error instanceof GantryError && error.code === "file-invalid", String(error));
      return "refused";
    }
  };
  let made = 0;
  fc.assert(
    fc.property(layouts(), fc.nat(), fc.nat(), ({ text, spots, documents }, first, second) => {
      const edits = [first, second].flatMap((at, index) => {
        const path = parsePath(spots[at % spots.length]?.path ?? "");
        return path ? [{ path, value: `v${index}`, selector: { index: documents - 1 } }] : [];
      });
      const oneByOne = outcome(() =>
        edits.reduce(
          (before, { path, value, selector }) => setPath("f.yaml", before, path, value, selector).text,
          text,
        ),
      );
      const atOnce = outcome(() => setPaths("f.yaml", text, edits));
      // A first edit may take away what the second one means; both ways are right then.
      if (oneByOne === "refused" || first % spots.length === second % spots.length) return;
      assert.equal(atOnce, oneByOne);
      made += 1;
    }),
    { numRuns: 300 },
  );
  assert.ok(made > 50, `only ${made} were made`);
});
