// A log as lines that grow: cut from text that arrives in any pieces, painted, and judged.

import { type Pen, PLAIN, paint, plainText, type Span } from "./ansi.ts";

export type Level = "error" | "warning" | undefined;
export type LogLine = {
  /** From 1. */
  readonly n: number;
  readonly spans: readonly Span[];
  readonly text: string;
  readonly level: Level;
};

export type LogText = {
  readonly lines: readonly LogLine[];
  /** The line that is not ended yet. */
  readonly rest: string;
  readonly pen: Pen;
};

export const NO_TEXT: LogText = { lines: [], rest: "", pen: PLAIN };

/** Longer lines are cut where they are shown; the download has them whole. */
const MAX_LINE = 10_000;

export function addText(log: LogText, text: string): LogText {
  if (text === "") return log;
  const parts = (log.rest + text).split("\n");
  const rest = parts.pop() ?? "";
  let { pen } = log;
  const added = parts.map((part, at) => {
    const cut = part.length > MAX_LINE ? `${part.slice(0, MAX_LINE)} … (cut, ${part.length} characters)` : part;
    const painted = paint(cut, pen);
    pen = painted.pen;
    const shown = plainText(painted.spans);
    return { n: log.lines.length + at + 1, spans: painted.spans, text: shown, level: levelOf(shown) };
  });
  return { lines: [...log.lines, ...added], rest, pen };
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

/** The line that a failed step opens at: the one its failure names, else the first that tells of an error. */
export function firstFailingLine(lines: readonly LogLine[], named: string | undefined): number | undefined {
  const wanted = named?.trim();
  const exact = wanted === undefined || wanted === "" ? undefined : lines.find((line) => line.text.includes(wanted));
  return (exact ?? lines.find((line) => line.level === "error"))?.n;
}

/** Numbers of the lines that have a text, in any letter case. */
export function findLines(lines: readonly LogLine[], wanted: string): readonly number[] {
  const lower = wanted.toLowerCase();
  return lower === "" ? [] : lines.filter((line) => line.text.toLowerCase().includes(lower)).map((line) => line.n);
}

/** Parts of a text around what was searched for. */
export function splitAround(
  text: string,
  wanted: string,
): readonly { readonly text: string; readonly isHit: boolean }[] {
  const lower = text.toLowerCase();
  const needle = wanted.toLowerCase();
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
