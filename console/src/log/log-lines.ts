// A log as lines: split from text that arrives in pieces, with the colours of its ANSI escape sequences, and with a guess which
// lines are errors. A command of a script (core/log/commands.ts) is shown in words. A span is text and class names from a fixed set, never markup, so a log can only be shown as text.

import { commandWords } from "@gantry/core/log/command-words.ts";
import { type CommandName, type CommandState, READING, readCommand } from "@gantry/core/log/commands.ts";

export type Span = { readonly text: string; readonly className: string };

/** The style that the escape sequences so far have set. It stays in force across line breaks. */
export type TextStyle = {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly foreground: string;
  readonly background: string;
};

export const PLAIN: TextStyle = {
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  foreground: "",
  background: "",
};

export type Level = "error" | "warning" | undefined;
export type LogLine = {
  /** Number in the whole log, from 1. */
  readonly n: number;
  readonly spans: readonly Span[];
  readonly text: string;
  readonly level: Level;
  /** The command that the line is; undefined for ordinary output. */
  readonly kind: CommandName | undefined;
  /** Number of the first line of the group that it belongs to, which may be itself. */
  readonly group: number | undefined;
};

export type LogText = {
  /** Number in the whole log of the first line that is shown. */
  readonly firstLine: number;
  readonly lines: readonly LogLine[];
  /** The last line, while it has no line break yet. */
  readonly rest: string;
  readonly style: TextStyle;
  readonly commands: CommandState;
  /** The group that the next line belongs to. */
  readonly group: number | undefined;
};

export const EMPTY_LOG: LogText = {
  firstLine: 1,
  lines: [],
  rest: "",
  style: PLAIN,
  commands: READING,
  group: undefined,
};

/** Characters of a line that are shown. The download has the whole line. */
const MAX_LINE = 10_000;

export function addText(log: LogText, text: string): LogText {
  if (text === "") return log;
  const parts = (log.rest + text).split("\n");
  const rest = parts.pop() ?? "";
  let { style, commands, group } = log;
  const first = log.firstLine + log.lines.length;
  const added = parts.map((part, at) => {
    const cut = part.length > MAX_LINE ? `${part.slice(0, MAX_LINE)} … (cut, ${part.length} characters)` : part;
    const { command, state } = readCommand(commands, part.slice(0, MAX_LINE));
    commands = state;
    const kind = command?.name;
    const n = first + at;
    if (kind === "group") group = n;
    const of = { n, kind, group };
    if (kind === "endgroup") group = undefined;
    const words = command && commandWords(command);
    if (words !== undefined) {
      const level = kind === "error" || kind === "warning" ? kind : undefined;
      return { ...of, spans: [{ text: words, className: "" }], text: words, level };
    }
    const parsed = parseLine(cut, style);
    style = parsed.style;
    const shown = plainText(parsed.spans);
    return { ...of, spans: parsed.spans, text: shown, level: levelOf(shown) };
  });
  return { ...log, lines: [...log.lines, ...added], rest, style, commands, group };
}

/** All lines, with the one that is still being written. */
export function allLines(log: LogText): readonly LogLine[] {
  if (log.rest === "") return log.lines;
  return addText(log, "\n").lines;
}

const ERROR =
  /(?:^|[\s[("'])(?:error|fatal|panic|exception|failed|failure|not ok|npm ERR!|npm error)(?:$|[\s\]:!)"'.])/i;
const NO_ERROR = /\b(?:0|no|without) (?:error|failure|failed)|\b(?:error|failure|failed|fail)s?:? 0\b/i;
const WARNING = /(?:^|[\s[("'])(?:warn|warning|npm warn|deprecated)(?:$|[\s\]:!)"'.])/i;

export function levelOf(text: string): Level {
  if (ERROR.test(text) && !NO_ERROR.test(text)) return "error";
  return WARNING.test(text) ? "warning" : undefined;
}

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;
const ESC = "\u001b";
/** CSI sequences, OSC sequences (links, titles) up to their end, and two-character escapes. */
const SEQUENCE = new RegExp(
  `${ESC}\\[([0-9;:?<=>]*)[ -/]*([@-~])|${ESC}\\][^\\u0007${ESC}]*(?:\\u0007|${ESC}\\\\)?|${ESC}[ -/]*[0-~]?`,
  "g",
);
/** Other control characters have no meaning in a log, and direction marks could make a line look like another one. */
const IGNORED = /(?!\t)\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * One line without its line break, and the style in force after it. As in a terminal, a carriage return overwrites what is
 * before it.
 */
export function parseLine(
  line: string,
  style: TextStyle,
): { readonly spans: readonly Span[]; readonly style: TextStyle } {
  const shown = line.replace(/\r+$/, "");
  const cut = shown.lastIndexOf("\r") + 1;
  const spans: Span[] = [];
  let current = style;
  let at = 0;
  const add = (from: number, to: number): void => {
    const text = shown.slice(Math.max(from, cut), Math.max(to, cut)).replaceAll(IGNORED, "");
    const className = classNameOf(current);
    const last = spans.at(-1);
    if (text === "") return;
    if (last?.className === className) spans[spans.length - 1] = { text: last.text + text, className };
    else spans.push({ text, className });
  };
  for (const found of shown.matchAll(SEQUENCE)) {
    add(at, found.index);
    at = found.index + found[0].length;
    if (found[2] === "m") current = applyCodes(current, found[1] ?? "");
  }
  add(at, shown.length);
  return { spans, style: current };
}

export function plainText(spans: readonly Span[]): string {
  return spans.map(({ text }) => text).join("");
}

function applyCodes(style: TextStyle, codes: string): TextStyle {
  const list = codes.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
  let next = style;
  for (let at = 0; at < list.length; at += 1) {
    const code = list[at] ?? 0;
    if (code === 38 || code === 48) {
      const { name, used } = extendedColour(list.slice(at + 1));
      next = code === 38 ? { ...next, foreground: name } : { ...next, background: name };
      at += used;
    } else next = applyCode(next, code);
  }
  return next;
}

function applyCode(style: TextStyle, code: number): TextStyle {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 3) return { ...style, italic: true };
  if (code === 4) return { ...style, underline: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 23) return { ...style, italic: false };
  if (code === 24) return { ...style, underline: false };
  if (code === 39) return { ...style, foreground: "" };
  if (code === 49) return { ...style, background: "" };
  const colour = COLOURS[code % 10] ?? "";
  if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) return { ...style, foreground: colour };
  if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) return { ...style, background: colour };
  return style;
}

/** 256 colours and true colour, mapped to the nearest of the eight theme colours, which are readable in both themes. */
function extendedColour(rest: readonly number[]): { readonly name: string; readonly used: number } {
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

function classNameOf({ bold, dim, italic, underline, foreground, background }: TextStyle): string {
  return [
    bold ? "a-bold" : "",
    dim ? "a-dim" : "",
    italic ? "a-italic" : "",
    underline ? "a-underline" : "",
    foreground === "" ? "" : `a-${foreground}`,
    background === "" ? "" : `a-on-${background}`,
  ]
    .filter((name) => name !== "")
    .join(" ");
}
