// YAML files in every layout that the language has, as a generator for property tests. It knows which lines each value
// takes, so a test can tell that an edit touched no others.

import fc from "fast-check";

/** A value in the file: where it is, and its lines (from 0, both included). */
export type Spot = { readonly path: string; readonly first: number; readonly last: number; readonly kind: string };
export type Layout = { readonly text: string; readonly spots: readonly Spot[] };

type Choice = (max: number) => number;

const SCALARS = [
  "plain",
  "two words",
  "'single ''quoted'''",
  '"double \\"quoted\\""',
  "12",
  "9007199254740993",
  "0xFF",
  "1e3",
  "1_000",
  "12:30:45",
  "yes",
  "true",
  "~",
  "null",
  "",
  "0.1000",
  "2026-01-02",
  "a#b",
  "http://x/y?z=1",
  "!!str 5",
  "!custom v",
  "- - x",
];
const KEYS = ["key", "'quoted'", '"double"', "9000", "true", "null", "on", "0x10", "a.b/c", "no"];
const COMMENTS = ["", "", "", " # comment", "   # it's [odd] {text}: x"];

class Writer {
  readonly lines: string[] = [];
  readonly spots: Spot[] = [];
  readonly anchors: string[] = [];
  #keys = 0;
  #endOfBlock = -1;
  readonly #choose: Choice;

  constructor(choose: Choice) {
    this.#choose = choose;
  }

  mapping(indent: number, path: string, depth: number): void {
    const count = 1 + this.#choose(3);
    for (let at = 0; at < count; at++) this.#entry(indent, path, depth, "");
  }

  #pick<T>(from: readonly T[]): T {
    const found = from[this.#choose(from.length)];
    if (found === undefined) throw new Error("an empty choice");
    return found;
  }

  /** A key that no other key of the file has, and its name in a path. */
  #key(): { text: string; name: string } {
    const id = this.#keys++;
    const key = this.#pick(KEYS);
    if (key === "9000") return { text: `${9000 + id}`, name: `${9000 + id}` };
    if (id > 0 && (key === "true" || key === "null" || key === "on" || key === "no" || key === "0x10")) {
      return { text: `k${id}`, name: `k${id}` };
    }
    if (id === 0) return { text: key, name: key.replaceAll(/['"]/g, "") };
    const text = /^(['"])/.test(key) ? `${key.slice(0, -1)}${id}${key.at(-1)}` : `${key}${id}`;
    return { text, name: text.replaceAll(/['"]/g, "") };
  }

  /** Blank lines and comments. Behind a block text they would belong to it. */
  #trivia(indent: number): void {
    if (this.lines.length === this.#endOfBlock) return;
    const pick = this.#choose(12);
    if (pick === 0) this.lines.push("");
    if (pick === 1) this.lines.push(`${" ".repeat(indent)}# ${"-".repeat(this.#choose(5))}`);
    if (pick === 2) this.lines.push(`${" ".repeat(this.#choose(8))}# anywhere`);
  }

  #anchor(): string {
    if (this.#choose(6) !== 0) return "";
    const name = `a${this.anchors.length}`;
    this.anchors.push(name);
    return ` &${name}`;
  }

  #entry(indent: number, path: string, depth: number, dash: string): void {
    if (dash === "") this.#trivia(indent);
    const { text, name } = this.#key();
    const head = `${dash === "" ? " ".repeat(indent) : dash}${text}:`;
    this.#value(head, indent, `${path}["${name}"]`, depth, false);
  }

  #value(head: string, indent: number, path: string, depth: number, inList: boolean): void {
    const first = this.lines.length;
    const comment = this.#pick(COMMENTS);
    const kind = this.#choose(depth > 3 ? 5 : 9);
    const inner = indent + 1 + this.#choose(4);
    const pad = " ".repeat(inner);
    const known = [...this.anchors];
    const anchor = this.#anchor();
    const end = (what: string): void => {
      this.spots.push({ path, first, last: this.lines.length - 1, kind: what });
    };
    if (kind <= 1) {
      const scalar = this.#pick(SCALARS.filter((one) => one !== "- - x"));
      this.lines.push(`${head}${anchor}${scalar === "" ? "" : ` ${scalar}`}${comment}`);
      end("scalar");
    } else if (kind === 2 && known.length > 0) {
      this.lines.push(`${head} *${this.#pick(known)}${comment}`);
      end("alias");
    } else if (kind === 2) {
      this.lines.push(`${head}${anchor} several`, `${pad}lines of`, "", `${pad}text${comment}`);
      end("scalar");
    } else if (kind === 3) {
      const mark = this.#pick(["|", "|-", "|+", ">", ">-", ">+", "|2-"]);
      const body = mark === "|2-" ? " ".repeat(indent + 2) : pad;
      this.lines.push(`${head}${anchor} ${mark}${comment}`, `${body}first # text`, "", `${body}  second: [`);
      if (this.#choose(2) === 0) this.lines.push("", "");
      this.#endOfBlock = this.lines.length;
      end("block");
    } else if (kind === 4) {
      this.#flow(head, anchor, pad, comment, path);
      end("flow");
    } else if (kind <= 6 && !inList) {
      this.lines.push(`${head}${anchor}${comment}`);
      this.#trivia(inner);
      this.mapping(inner, path, depth + 1);
      end("mapping");
    } else if (kind <= 6) {
      // The first entry shares its line with the dash.
      const column = head.length + 1;
      this.#entry(column, path, depth + 1, `${head} `);
      for (let more = this.#choose(3); more > 0; more--) this.#entry(column, path, depth + 1, "");
      end("mapping");
    } else {
      const column = inList || this.#choose(2) === 0 ? inner : indent;
      this.lines.push(`${head}${anchor}${comment}`);
      const count = 1 + this.#choose(3);
      for (let at = 0; at < count; at++) {
        this.#trivia(column);
        this.#value(`${" ".repeat(column)}-`, column, `${path}[${at}]`, depth + 1, true);
      }
      end("list");
    }
  }

  #flow(head: string, anchor: string, pad: string, comment: string, path: string): void {
    const forms: readonly (readonly [lines: readonly string[], inside: readonly string[]])[] = [
      [["{}"], []],
      [["[]"], []],
      [["{ }"], []],
      [["{f: 1, g: 'x',  \"h\": }"], ['["f"]', '["g"]', '["h"]']],
      [["{f, g: [1, {i: 2}] , }"], ['["f"]', '["g"]', '["g"][1]["i"]', '["g"][0]']],
      [["[a, 'b', 9007199254740993]"], ["[0]", "[1]", "[2]"]],
      [[`{f: 1, # one`, `${pad}g: 2 # two`, `${pad}}`], []],
      [["[1,", `${pad}2, # two`, `${pad}]`], []],
    ];
    const [lines, inside] = this.#pick(forms);
    const first = this.lines.length;
    const [opening = "", ...rest] = lines;
    this.lines.push(`${head}${anchor} ${opening}`, ...rest);
    this.lines.push(`${this.lines.pop()}${comment}`);
    for (const way of inside) {
      this.spots.push({ path: path + way, first, last: this.lines.length - 1, kind: "in flow" });
    }
  }
}

/** `documents` is how many documents the file has. Every spot is in the last one. */
export function layouts(): fc.Arbitrary<Layout & { readonly documents: number }> {
  return fc.infiniteStream(fc.nat(10_000)).chain((stream) => {
    const choose: Choice = (max) => (stream.next().value ?? 0) % max;
    const before = choose(4) === 0 ? ["# another", "kind: Other", "v: 0xFF", "---"] : [];
    const start = before.length === 0 ? (["", "---", "# head", "%YAML 1.2\n---"][choose(4)] ?? "") : "";
    const writer = new Writer(choose);
    writer.lines.push(...before, ...(start === "" ? [] : start.split("\n")));
    writer.mapping(0, "", 0);
    const tail = choose(6) === 0 ? ["...", ""] : choose(6) === 1 ? ["# tail"] : [""];
    const newline = choose(4) === 0 ? "\r\n" : "\n";
    const bom = choose(10) === 0 ? "\uFEFF" : "";
    return fc.constant({
      text: bom + [...writer.lines, ...tail].join(newline),
      spots: writer.spots,
      documents: before.length === 0 ? 1 : 2,
    });
  });
}
