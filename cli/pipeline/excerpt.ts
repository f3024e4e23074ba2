// The line of a mistake, with a caret under its place, for people at a terminal. Pure.

const WIDTH = 100;

/** Two lines that end in a line feed; empty where the text has no such line. `line` and `column` begin at 1. */
export function excerpt(text: string, line: number, column: number): string {
  const whole = text.split(/\r?\n/)[line - 1];
  if (whole === undefined || whole.trim() === "") return "";
  // Of a long line, the part around the place.
  const start = Math.max(0, column - 1 - WIDTH / 2);
  const shown = whole.slice(start, start + WIDTH).replaceAll("\t", " ");
  const before = start > 0 ? "…" : "";
  const after = whole.length > start + WIDTH ? "…" : "";
  return `    ${before}${shown}${after}\n    ${" ".repeat(before.length + column - 1 - start)}^\n`;
}
