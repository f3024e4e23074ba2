// YAML files as nobody should write them, as a generator for property tests: block scalars with indentation indicators, tags,
// merge keys, flow collections over lines, tabs, mixed line ends, document markers, duplicate keys, comments everywhere.

import type { JsonValue } from "@gantry/core/json.ts";
import fc from "fast-check";

/** Keys are texts as they are written in the file; a number is the place in a list. */
export type OddFile = {
  readonly text: string;
  readonly parts: readonly (string | number)[];
  readonly value: JsonValue;
};

type Choice = (max: number) => number;

const KEYS = ["a", "b", "image", "tag", "spec", "'q k'", '"d q"', "9000", "true", "x.y/z", "ключ", "k-1", "_u", "on"];
/** `§` is the indentation of the line. */
const SCALARS = [
  "v",
  "1",
  "0x1F",
  "1e3",
  "007",
  "yes",
  "'it''s'",
  '"d\\n\\u00e9"',
  "~",
  "",
  "x#y",
  "2026-01-02",
  "1.10",
  "12:30:45",
  "1_000",
  "😀",
  "!!str 5",
  "!!int '5'",
  "!t x",
  "!t {a: 1}",
  "|\n§  lit\n§  two\n",
  "|\n§  lit\n\n§   # no comment\n§  two\n",
  ">-\n§  fold\n§\n§  two\n",
  "|+\n§  keep\n§\n\n",
  "|2\n§   ind\n§    more\n",
  "|4-\n§     ind\n§    less\n",
  ">2+ # c\n§   ind\n\n",
  "'multi\n§  line'",
  '"multi \\\n§  dq"',
  "plain\n§  cont",
  "\n§  below",
  " # c\n§  below",
  "http://x:80/y",
  "{a: 1, b: [x, y]}",
  "{ a: 1 , b: 2 , }",
  "{}",
  "[ ]",
  "{a, b: }",
  "{\"a\":1,'b':2}",
  "[a: 1, {b: 2}]",
  "{\n§  a: 1, # c ]\n§  # own\n§  b: 2 }",
  "[\n§  x,\n§\n§  y, # c\n§  ]",
  "&A v",
  "&A {m: 1}",
  "&A\n§  m: 1\n§  n: 2",
  "*A",
  "{<<: *A, z: 1}",
  "'#'",
  "\tt",
  `"${"long words ".repeat(60)}"`,
  "w ".repeat(200).trim(),
];
const COMMENTS = ["", "", "", " # c", "", "  # c: [x", "\t# t"];
const OWN = ["\n", "§# own\n", "# col0\n", "          # odd\n", "§#\n"];
const VALUES: readonly JsonValue[] = [
  "v2",
  "yes",
  "",
  "a b",
  " lead",
  "tail ",
  "a\nb\n",
  "a\n\nb",
  "x: y",
  "x #y",
  "'",
  '"',
  "- a",
  "5",
  "0x10",
  "012",
  "null",
  "~",
  "12:30",
  "\t",
  "日本",
  "\u0085",
  "\u2028",
  "*a",
  "---",
  "...",
  "=",
  "<<",
  "y".repeat(200),
  5,
  -1.5,
  1e21,
  true,
  null,
  {},
  [],
  { a: { b: [1, { c: "x" }] } },
  ["x", { y: 1 }],
  [[1, 2], []],
  { "9000": "a", on: "b" },
];

class Writer {
  readonly paths: (readonly (string | number)[])[] = [];
  readonly #choose: Choice;
  #hasAnchor = false;

  constructor(choose: Choice) {
    this.#choose = choose;
  }

  one<T>(from: readonly T[]): T {
    return from[this.#choose(from.length)] as T;
  }

  /** One time in `times`. */
  rarely(times: number): boolean {
    return this.#choose(times) === times - 1;
  }

  mapping(indent: number, path: readonly (string | number)[], depth: number): string {
    const pad = " ".repeat(indent);
    const used = new Set<string>();
    let text = "";
    const count = 1 + this.#choose(4);
    for (let at = 0; at < count; at++) {
      const written = this.one(KEYS);
      const key = written.replace(/^["']|["']$/g, "");
      // To YAML 1.1 these are one key.
      const known = key === "on" ? "true" : key;
      if (used.has(known) && (known === "true" || !this.rarely(15))) continue;
      used.add(known);
      const place = [...path, key];
      this.paths.push(place);
      if (this.rarely(8)) text += this.one(OWN).replaceAll("§", pad);
      const head = `${pad}${written}${this.one([":", ":", ":", " :"])}`;
      const kind = depth < 3 ? this.#choose(4) : 3;
      const mark = this.rarely(12) ? this.one([" &B", " !!map", " !x"]) : "";
      if (kind === 0)
        text += `${head}${mark}${this.one(COMMENTS)}\n${this.mapping(indent + this.one([1, 2, 4]), place, depth + 1)}`;
      else if (kind === 1)
        text += `${head}${mark.replace("map", "seq")}${this.one(COMMENTS)}\n${this.list(indent + this.one([0, 2, 3]), place, depth + 1)}`;
      else if (this.rarely(30)) text += `${pad}? ${written}\n${pad}: ${this.#scalar(pad)}`;
      else text += `${head} ${this.#scalar(pad)}`;
    }
    if (this.#hasAnchor && this.rarely(8)) text += `${pad}<<: *A\n`;
    return text;
  }

  list(indent: number, path: readonly (string | number)[], depth: number): string {
    const pad = " ".repeat(indent);
    let text = "";
    const count = 1 + this.#choose(3);
    for (let at = 0; at < count; at++) {
      const place = [...path, at];
      this.paths.push(place);
      if (this.rarely(12)) text += this.one(OWN).replaceAll("§", pad);
      const isMapping = depth < 3 && this.rarely(2);
      const block = isMapping ? this.mapping(indent + 2, place, depth + 1).trimStart() : "";
      text += `${pad}- ${isMapping && !block.startsWith("#") ? block : this.#scalar(pad)}`;
    }
    return text;
  }

  #scalar(pad: string): string {
    const written = this.one(SCALARS);
    // An alias needs an anchor before it, and a second anchor of that name would be another value.
    const isOdd = written.includes("*A") ? !this.#hasAnchor : written.startsWith("&A") && this.#hasAnchor;
    this.#hasAnchor ||= written.startsWith("&A");
    const text = (isOdd ? "v" : written).replaceAll("§", pad);
    return text.endsWith("\n") ? text : `${text}${this.rarely(20) ? " " : ""}${this.one(COMMENTS)}\n`;
  }
}

/** The place of the edit is one of those in the file, or a new one below it. */
export const oddFile: fc.Arbitrary<OddFile> = fc.infiniteStream(fc.nat(9_999)).map((numbers) => {
  const writer = new Writer((max) => (numbers.next().value ?? 0) % max);
  let text = writer.rarely(10) ? writer.list(0, [], 0) : writer.mapping(0, [], 0);
  if (writer.rarely(12)) text = writer.one(["%YAML 1.1\n---\n", "---\n", "--- # c\n", "\ufeff", "# top\n\n"]) + text;
  if (writer.rarely(12))
    text += writer.one(["...\n", "---\n", "# end", "\n\n", "---\nother: 1\n", "...\n---\nx: |\n  y\n"]);
  if (writer.rarely(10)) text = text.replace(/\n$/, "");
  if (writer.rarely(10)) text = text.replaceAll("\n", "\r\n");
  if (writer.rarely(20)) text = text.replace(/\n(?=.*\n)/s, "\r\n");
  if (writer.rarely(50)) text = text.replaceAll("  ", "\t");
  const place = writer.one(writer.paths);
  const parts = [...place, ...writer.one([[], [], [], [], [], [], ["new"], ["new", "deep"]])];
  return { text, parts, value: writer.one(VALUES) };
});
