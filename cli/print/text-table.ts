// A table for people: columns that are as wide as their longest cell.

import { visibleText } from "@gantry/core/visible-text.ts";

/** Each row on a line of its own, whatever is in its cells. A column that is empty in every row is left out. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const kept = head.map((_, at) => at).filter((at) => rows.length === 0 || rows.some((row) => (row[at] ?? "") !== ""));
  const all = [head, ...rows].map((row) => kept.map((at) => inOneLine(row[at] ?? "")));
  const widths = kept.map((_, at) => Math.max(...all.map((row) => lengthOf(row[at] ?? ""))));
  const lineOf = (row: readonly string[]): string =>
    row.map((cell, at) => `${cell}${" ".repeat((widths[at] ?? 0) - lengthOf(cell))}`).join("  ");
  return all.map((row) => `${lineOf(row).trimEnd()}\n`).join("");
}

function inOneLine(text: string): string {
  return visibleText(text.replace(/[\n\t]+/g, " "));
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}

/** `2026-11-29 18:00` UTC: short enough for a table. */
export function shortTime(time: string): string {
  return time.slice(0, 16).replace("T", " ");
}
