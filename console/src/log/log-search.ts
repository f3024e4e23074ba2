// Search in the lines of a log, and the line at which it opens.

import type { LogLine } from "./log-lines.ts";

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
