// A table for people: columns that are as wide as their longest cell.

import { visibleText } from "@gantry/core/visible-text.ts";

/** Each row on a line of its own, whatever is in its cells. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map(inOneLine));
  const widths = head.map((_, at) => Math.max(...all.map((row) => lengthOf(row[at] ?? ""))));
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
