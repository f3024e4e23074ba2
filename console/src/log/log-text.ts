// A log as lines: split from text that arrives in pieces, with colours, and with a guess which lines are errors.

import { PLAIN, parseLine, plainText, type Span, type TextStyle } from "./ansi.ts";

export type Level = "error" | "warning" | undefined;
export type LogLine = {
  /** Number in the whole log, from 1. */
  readonly n: number;
  readonly spans: readonly Span[];
  readonly text: string;
  readonly level: Level;
};

export type LogText = {
  /** Number in the whole log of the first line that is shown. */
  readonly firstLine: number;
  readonly lines: readonly LogLine[];
  /** The last line, while it has no line break yet. */
  readonly rest: string;
  readonly style: TextStyle;
};

export const EMPTY_LOG: LogText = { firstLine: 1, lines: [], rest: "", style: PLAIN };

/** Characters of a line that are shown. The download has the whole line. */
const MAX_LINE = 10_000;

export function addText(log: LogText, text: string): LogText {
  if (text === "") return log;
  const parts = (log.rest + text).split("\n");
  const rest = parts.pop() ?? "";
  let { style } = log;
  const first = log.firstLine + log.lines.length;
  const added = parts.map((part, at) => {
    const cut = part.length > MAX_LINE ? `${part.slice(0, MAX_LINE)} … (cut, ${part.length} characters)` : part;
    const parsed = parseLine(cut, style);
    style = parsed.style;
    const shown = plainText(parsed.spans);
    return { n: first + at, spans: parsed.spans, text: shown, level: levelOf(shown) };
  });
  return { ...log, lines: [...log.lines, ...added], rest, style };
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

/** The line at which the log of a failed step opens: the one in its failure (`named`), else the first error. */
export function firstFailingLine(lines: readonly LogLine[], named: string | undefined): number | undefined {
  const wanted = named?.trim();
  const exact = wanted === undefined || wanted === "" ? undefined : lines.find((line) => line.text.includes(wanted));
  return (exact ?? lines.find((line) => line.level === "error"))?.n;
}

/** Numbers of the lines that contain a text, ignoring case. */
export function findLines(lines: readonly LogLine[], searched: string): readonly number[] {
  const lower = searched.toLowerCase();
  return lower === "" ? [] : lines.filter((line) => line.text.toLowerCase().includes(lower)).map((line) => line.n);
}

/** A text split at the hits of a search, ignoring case. */
export function splitAround(
  text: string,
  searched: string,
): readonly { readonly text: string; readonly isHit: boolean }[] {
  const lower = text.toLowerCase();
  const needle = searched.toLowerCase();
  // Lower case may have another length ("İ"): the positions would not fit.
  if (needle === "" || lower.length !== text.length) return [{ text, isHit: false }];
  const parts: { text: string; isHit: boolean }[] = [];
  let at = 0;
  for (let hit = lower.indexOf(needle); hit >= 0; hit = lower.indexOf(needle, at)) {
    if (hit > at) parts.push({ text: text.slice(at, hit), isHit: false });
    parts.push({ text: text.slice(hit, hit + needle.length), isHit: true });
    at = hit + needle.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), isHit: false });
  return parts;
}
