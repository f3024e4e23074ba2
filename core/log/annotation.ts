// What a script says about a place in its files: `::error file=app.js,line=1,col=5::message`. Everything in it comes from the
// script, so it is cut to a size, and is text without control characters. Pure.

import { truncate } from "../truncate.ts";
import type { LogCommand } from "./commands.ts";

export const ANNOTATION_LEVELS = ["error", "warning", "notice"] as const;
export type AnnotationLevel = (typeof ANNOTATION_LEVELS)[number];

export type Annotation = {
  readonly level: AnnotationLevel;
  /** May have several lines. */
  readonly message: string;
  readonly title?: string;
  /** Relative to the workspace, where it is a file there. */
  readonly file?: string;
  /** From 1, as are columns. */
  readonly line?: number;
  readonly endLine?: number;
  readonly column?: number;
  readonly endColumn?: number;
};

/** The most annotations that are kept: of each level in one step, and in one job. The log has all of them. */
export const MAX_OF_LEVEL = 10;
export const MAX_OF_JOB = 50;
export const MAX_MESSAGE = 1_000;
export const MAX_TITLE = 200;
export const MAX_FILE = 500;

/** The annotation of a command; undefined for other commands, and for one that says nothing. */
export function annotationOf({ name, properties, message }: LogCommand): Annotation | undefined {
  const level = ANNOTATION_LEVELS.find((one) => one === name);
  const text = truncate(plainText(message).trim(), MAX_MESSAGE);
  const title = truncate(oneLine(properties.get("title") ?? ""), MAX_TITLE);
  if (level === undefined || (text === "" && title === "")) return undefined;
  const file = truncate(oneLine(properties.get("file") ?? ""), MAX_FILE);
  const number = (key: string): number | undefined => positive(properties.get(key));
  const place = file === "" ? {} : { file };
  const numbers = {
    line: number("line"),
    endLine: number("endline"),
    column: number("col"),
    endColumn: number("endcolumn"),
  };
  const known = Object.entries(numbers).filter(([, value]) => value !== undefined);
  return { level, message: text, ...(title === "" ? {} : { title }), ...place, ...Object.fromEntries(known) };
}

type Place = {
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
};

/** `app.js:1:5`; undefined without a file. */
export function placeOf({ file, line, column }: Place): string | undefined {
  if (file === undefined) return undefined;
  return [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(":");
}

/** Colours and other sequences of terminals, then control characters and marks that reorder text. */
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed.
  /\u001b\[[0-9;:?<=>]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?/g;
const HARMFUL = /(?![\n\t])\p{Cc}|\p{Bidi_Control}|[\p{Zl}\p{Zp}\u{FFF9}-\u{FFFB}\u{E0000}-\u{E007F}]/gu;

/** The text of one that may be longer than anything that is kept of it. */
function plainText(text: string): string {
  return text
    .slice(0, 4 * MAX_MESSAGE)
    .replaceAll("\r\n", "\n")
    .replace(SEQUENCES, "")
    .replace(HARMFUL, "")
    .toWellFormed();
}

/** Text of a script in one line, without control characters. */
export function oneLine(text: string): string {
  return plainText(text).replace(/\s+/g, " ").trim();
}

function positive(text: string | undefined): number | undefined {
  const number = text !== undefined && /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : 0;
  return number > 0 ? number : undefined;
}
