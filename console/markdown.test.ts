// The Markdown of scripts: what people use in summaries, and that nothing in it becomes markup or takes long.

import assert from "node:assert/strict";
import { test } from "node:test";
import { anyCharacter } from "@gantry/lab/any-character.fixture.ts";
import { cpuMsOf } from "@gantry/lab/cpu-time.ts";
import fc from "fast-check";
import { type Block, parseMarkdown } from "./src/markdown/blocks.ts";
import { type Inline, isSafeAddress } from "./src/markdown/inline.ts";

/** Blocks and texts as a person would sketch them. */
const inlines = (nodes: readonly Inline[]): string =>
  nodes
    .map((node) => {
      if (node.kind === "break") return "↵";
      if ("text" in node) return node.kind === "text" ? node.text : `code(${node.text})`;
      return `${node.kind}(${inlines(node.inside)}${node.kind === "link" ? ` → ${node.href}` : ""})`;
    })
    .join("");
const BOXES = { true: "[x]", false: "[ ]", undefined: "" };
const sketch = (blocks: readonly Block[]): string => blocks.map(sketchOne).join(" ");

function sketchOne(block: Block): string {
  switch (block.kind) {
    case "heading":
      return `h${block.level}(${inlines(block.inside)})`;
    case "paragraph":
      return `p(${inlines(block.inside)})`;
    case "code":
      return `pre(${block.text})`;
    case "quote":
      return `quote(${sketch(block.blocks)})`;
    case "rule":
      return "hr";
    case "list":
      return `${block.start ?? "ul"}(${block.items.map((one) => `${BOXES[`${one.isChecked ?? "undefined"}`]}${sketch(one.blocks)}`).join("; ")})`;
    case "table":
      return `table(${[block.head, ...block.rows].map((row) => row.map(inlines).join("|")).join(" / ")})`;
  }
}

const CASES: readonly (readonly [string, string])[] = [
  ["# Title #\ntext\n\n###### six", "h1(Title) p(text) h6(six)"],
  ["#no heading", "p(#no heading)"],
  ["a **b _c_** ~~d~~ `e  *f*`", "p(a strong(b em(c)) del(d) code(e  *f*))"],
  ["``a ` b`` and `open", "p(code(a ` b) and `open)"],
  ["snake_case_name and 2 * 3 * 4", "p(snake_case_name and 2 * 3 * 4)"],
  ["**open *and* open", "p(**open em(and) open)"],
  ["\\*not em\\* \\[a](b)", "p(*not em* [a](b))"],
  ['[a **b**](https://x.example/y_(z) "t")', "p(link(a strong(b) → https://x.example/y_(z)))"],
  [
    "see https://x.example/a?b=1. <https://y.example>",
    "p(see link(https://x.example/a?b=1 → https://x.example/a?b=1). link(https://y.example → https://y.example))",
  ],
  ["![pixel](https://x.example/p.png)", "p(link(pixel → https://x.example/p.png))"],
  ["[run](javascript:alert(1)) [data](data:text/html,x) [rel](/v1/tasks) [none]()", "p(run data rel [none]())"],
  ["one  \ntwo<br>three", "p(one↵two↵three)"],
  ["<script>alert(1)</script>\n<details>", "p(<script>alert(1)</script>\n<details>)"],
  [":white_check_mark: :unknown: 10:30:00", "p(✅ :unknown: 10:30:00)"],
  ["- a\n- b\n  - c\n\n    d\n- [x] e\n- [ ] f", "ul(p(a); p(b) ul(p(c) p(d)); [x]p(e); [ ]p(f))"],
  ["3. c\n4) no\n", "3(p(c)) 4(p(no))"],
  ["* a\n\n* b\ntext", "ul(p(a); p(b\ntext))"],
  ["* a\n\ntext", "ul(p(a)) p(text)"],
  ["---\n***\n- - -", "hr hr hr"],
  ["> a\n> > b\nc", "quote(p(a) quote(p(b))) p(c)"],
  ["```js\n# no heading\n`````\n~~~\nopen", "pre(# no heading) pre(open)"],
  ["| a | b |\n|:-:|--:|\n| 1 | `x\\|y` | too many |\n| 2 |\n\nafter", "table(a|b / 1|code(x|y) / 2) p(after)"],
  ["a | b\n--|--\n1 | 2", "table(a|b / 1|2)"],
  ["a | b\nc", "p(a | b\nc)"],
  ["    indented", "p(indented)"],
  ["a\u202eb\u0007c\r\nd", "p(abc\nd)"],
  ["", ""],
];

for (const [text, expected] of CASES)
  test(`markdown: ${JSON.stringify(text)}`, () => assert.equal(sketch(parseMarkdown(text).blocks), expected));

const anyMarkdown = fc
  .array(
    fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 12 }),
      fc.constantFrom(
        "\n",
        "\n\n",
        "*",
        "**",
        "_",
        "`",
        "```\n",
        "> ",
        "- ",
        "1. ",
        "[",
        "](",
        ")",
        "|",
        "\n|--|\n",
        "    ",
        "javascript:",
        "https://x.example",
      ),
    ),
  )
  .map((parts) => parts.join(""));

function linksIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(linksIn);
  if (typeof value !== "object" || value === null) return [];
  const own = "href" in value && typeof value.href === "string" ? [value.href] : [];
  return [...own, ...Object.values(value).flatMap(linksIn)];
}

test("any text is shown, and every link in it leads to a page or to a mailbox", () => {
  fc.assert(
    fc.property(anyMarkdown, (text) => {
      for (const href of linksIn(parseMarkdown(text).blocks)) assert.ok(isSafeAddress(href), href);
    }),
  );
});

test("texts that are made to be slow or deep are not", async () => {
  const bombs = [
    ">".repeat(100_000),
    "- ".repeat(50_000),
    "*".repeat(100_000),
    "*a ".repeat(33_000),
    "**a*".repeat(25_000),
    "[".repeat(100_000),
    "[a](".repeat(25_000),
    "`a``b".repeat(20_000),
    "![](((".repeat(16_000),
    `|${"a|".repeat(40_000)}\n|${"-|".repeat(40_000)}\n${"|\n".repeat(5_000)}`,
    "#\n".repeat(50_000),
    "```\n".repeat(25_000),
    `# ${"# ".repeat(50_000)}`,
    `- ${"- ".repeat(50_000)}x`,
    Array.from({ length: 5_000 }, (_, at) => `${" ".repeat(at % 40)}- a`).join("\n"),
    "1. a\n\n".repeat(16_000),
    "<br>".repeat(25_000),
    "\\".repeat(100_000),
    "https://".repeat(12_000),
    ":a".repeat(50_000),
  ];
  for (const bomb of bombs) {
    const cpuMs = await cpuMsOf(() => parseMarkdown(bomb));
    assert.ok(cpuMs < 2_000, `${JSON.stringify(bomb.slice(0, 20))} took ${cpuMs} ms`);
  }
});

test("a text that is too long is cut, and that is known", () => {
  assert.equal(parseMarkdown("a\n".repeat(4_000)).isCut, false);
  assert.equal(parseMarkdown("a\n".repeat(6_000)).isCut, true);
  assert.equal(parseMarkdown("a".repeat(100_001)).isCut, true);
});
