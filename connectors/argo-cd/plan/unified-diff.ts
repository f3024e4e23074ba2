// The differences of two texts, as `diff -u` shows them. Pure.

const CONTEXT = 3;
/** More comparisons than this would take seconds; the whole middle is then shown as replaced. */
const MAX_CELLS = 4_000_000;

type Line = { readonly mark: " " | "-" | "+"; readonly text: string };

/** Empty when the texts are equal. */
export function unifiedDiff(name: string, before: string, after: string): string {
  if (before === after) return "";
  const lines = compare(linesOf(before), linesOf(after));
  return [`--- ${name}`, `+++ ${name}`, ...hunksOf(lines)].join("\n");
}

function linesOf(text: string): readonly string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

function compare(before: readonly string[], after: readonly string[]): readonly Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const middle = changed(before.slice(start, before.length - end), after.slice(start, after.length - end));
  const same = (text: string): Line => ({ mark: " ", text });
  return [...before.slice(0, start).map(same), ...middle, ...before.slice(before.length - end).map(same)];
}

/** By the longest common subsequence. */
function changed(before: readonly string[], after: readonly string[]): readonly Line[] {
  const removed = (text: string): Line => ({ mark: "-", text });
  const added = (text: string): Line => ({ mark: "+", text });
  if (before.length * after.length > MAX_CELLS) return [...before.map(removed), ...after.map(added)];
  const width = after.length + 1;
  const common = new Uint32Array((before.length + 1) * width);
  const at = (row: number, column: number): number => common[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      common[row * width + column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const [old, now] = [before[row], after[column]];
    if (old !== undefined && old === now) {
      lines.push({ mark: " ", text: old });
      row += 1;
      column += 1;
    } else if (now === undefined || (old !== undefined && at(row + 1, column) >= at(row, column + 1))) {
      lines.push(removed(old ?? ""));
      row += 1;
    } else {
      lines.push(added(now));
      column += 1;
    }
  }
  return lines;
}

function hunksOf(lines: readonly Line[]): readonly string[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ mark }) => mark !== " "),
  );
  const hunks: string[] = [];
  let [before, after] = [1, 1];
  for (let index = 0; index < lines.length; ) {
    let end = index;
    while (near[end] === near[index] && end < lines.length) end += 1;
    const part = lines.slice(index, end);
    const [olds, news] = [
      part.filter(({ mark }) => mark !== "+").length,
      part.filter(({ mark }) => mark !== "-").length,
    ];
    if (near[index]) {
      hunks.push(`@@ -${olds === 0 ? before - 1 : before},${olds} +${news === 0 ? after - 1 : after},${news} @@`);
      hunks.push(...part.map(({ mark, text }) => `${mark}${text}`));
    }
    before += olds;
    after += news;
    index = end;
  }
  return hunks;
}
