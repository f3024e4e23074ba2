// Colours of terminals as spans of plain text. Nothing here makes markup: a span is text and class names from a fixed
// set, so a log can only ever be shown as text.

export type Span = { readonly text: string; readonly look: string };

/** What the escape sequences so far have switched on; it goes on over line ends. */
export type Pen = {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly ink: string;
  readonly ground: string;
};

export const PLAIN: Pen = { bold: false, dim: false, italic: false, underline: false, ink: "", ground: "" };

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;
const ESC = "\u001b";
/** CSI sequences, OSC sequences (links, titles) up to their end, and two-character escapes. */
const SEQUENCE = new RegExp(
  `${ESC}\\[([0-9;:?<=>]*)[ -/]*([@-~])|${ESC}\\][^\\u0007${ESC}]*(?:\\u0007|${ESC}\\\\)?|${ESC}[ -/]*[0-~]?`,
  "g",
);
/** Control characters that are left mean nothing in a log; direction marks could show a line as another one. */
const NOISE = /(?!\t)\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** One line without its line break. What was overwritten by a carriage return is left out, as a terminal shows it. */
export function paint(line: string, pen: Pen): { readonly spans: readonly Span[]; readonly pen: Pen } {
  const shown = line.replace(/\r+$/, "");
  const cut = shown.lastIndexOf("\r") + 1;
  const spans: Span[] = [];
  let now = pen;
  let at = 0;
  const add = (from: number, to: number): void => {
    const text = shown.slice(Math.max(from, cut), Math.max(to, cut)).replaceAll(NOISE, "");
    const look = lookOf(now);
    const last = spans.at(-1);
    if (text === "") return;
    if (last?.look === look) spans[spans.length - 1] = { text: last.text + text, look };
    else spans.push({ text, look });
  };
  for (const found of shown.matchAll(SEQUENCE)) {
    add(at, found.index);
    at = found.index + found[0].length;
    if (found[2] === "m") now = change(now, found[1] ?? "");
  }
  add(at, shown.length);
  return { spans, pen: now };
}

export function plainText(spans: readonly Span[]): string {
  return spans.map(({ text }) => text).join("");
}

function change(pen: Pen, codes: string): Pen {
  const list = codes.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
  let next = pen;
  for (let at = 0; at < list.length; at += 1) {
    const code = list[at] ?? 0;
    if (code === 38 || code === 48) {
      const { name, used } = extended(list.slice(at + 1));
      next = code === 38 ? { ...next, ink: name } : { ...next, ground: name };
      at += used;
    } else next = simple(next, code);
  }
  return next;
}

function simple(pen: Pen, code: number): Pen {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...pen, bold: true };
  if (code === 2) return { ...pen, dim: true };
  if (code === 3) return { ...pen, italic: true };
  if (code === 4) return { ...pen, underline: true };
  if (code === 22) return { ...pen, bold: false, dim: false };
  if (code === 23) return { ...pen, italic: false };
  if (code === 24) return { ...pen, underline: false };
  if (code === 39) return { ...pen, ink: "" };
  if (code === 49) return { ...pen, ground: "" };
  const colour = COLOURS[code % 10] ?? "";
  if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) return { ...pen, ink: colour };
  if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) return { ...pen, ground: colour };
  return pen;
}

/** 256 colours and true colour, as the nearest of the eight that the theme has: readable in both themes. */
function extended(rest: readonly number[]): { readonly name: string; readonly used: number } {
  if (rest[0] === 5) return { name: colourOf256(rest[1] ?? 0), used: 2 };
  if (rest[0] === 2) return { name: nearest(rest[1] ?? 0, rest[2] ?? 0, rest[3] ?? 0), used: 4 };
  return { name: "", used: 0 };
}

function colourOf256(n: number): string {
  if (n < 16) return COLOURS[n % 8] ?? "";
  if (n >= 232) return n >= 244 ? "white" : "black";
  const cube = n - 16;
  const level = (value: number): number => value * 51;
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function nearest(red: number, green: number, blue: number): string {
  const most = Math.max(red, green, blue);
  if (most < 64) return "black";
  const bit = (value: number, weight: number): number => (value > most * 0.6 ? weight : 0);
  return COLOURS[bit(red, 1) + bit(green, 2) + bit(blue, 4)] ?? "";
}

function lookOf({ bold, dim, italic, underline, ink, ground }: Pen): string {
  return [
    bold ? "a-bold" : "",
    dim ? "a-dim" : "",
    italic ? "a-italic" : "",
    underline ? "a-underline" : "",
    ink === "" ? "" : `a-${ink}`,
    ground === "" ? "" : `a-on-${ground}`,
  ]
    .filter((name) => name !== "")
    .join(" ");
}
