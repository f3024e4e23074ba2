// The groups of a log that a script made by `::group::`, and which of them are folded.

import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type { LogLine } from "./log-lines.ts";

/** By the number of its first line, how many lines a group has after it. */
export type GroupSizes = ReadonlyMap<number, number>;

export type Folding = {
  readonly sizes: GroupSizes;
  /** The first lines of the groups that are folded. */
  readonly folded: ReadonlySet<number>;
  /** Without the lines in folded groups. */
  readonly shown: readonly LogLine[];
  readonly toggle: (group: number) => void;
  readonly toggleAll: () => void;
  /** Opens the group of a line. */
  readonly reveal: (n: number) => void;
};

/**
 * `isQuiet`: nobody has to read it, so all groups are folded at first; what it is when the log opens counts. `wanted`: lines
 * whose groups are open at first.
 */
export function useFolding(
  lines: readonly LogLine[],
  isQuiet: boolean,
  wanted: readonly (number | undefined)[],
): Folding {
  const startsFolded = useRef(isQuiet).current;
  /** What the person chose: for all groups, then for single ones. */
  const choice = useSignal<{ readonly all: boolean | undefined; readonly open: ReadonlyMap<number, boolean> }>({
    all: undefined,
    open: new Map(),
  });
  const sizes = useMemo(() => groupSizes(lines), [lines]);
  const key = wanted.join();
  const folded = useMemo(() => {
    const { all, open } = choice.value;
    const first = all === undefined ? wanted.map((n) => groupOf(lines, n)) : [];
    const isOpen = (group: number): boolean => open.get(group) ?? all ?? (first.includes(group) || !startsFolded);
    return new Set([...sizes.keys()].filter((group) => !isOpen(group)));
  }, [sizes, choice.value, key]);
  const shown = useMemo(() => visibleLines(lines, folded), [lines, folded]);
  const choose = (group: number, isOpen: boolean): void => {
    choice.value = { ...choice.value, open: new Map([...choice.value.open, [group, isOpen]]) };
  };
  return {
    sizes,
    folded,
    shown,
    toggle: (group) => choose(group, folded.has(group)),
    toggleAll: () => {
      choice.value = { all: folded.size > 0, open: new Map() };
    },
    reveal: (n) => {
      const group = groupOf(lines, n);
      if (group !== undefined && folded.has(group)) choose(group, true);
    },
  };
}

export function groupSizes(lines: readonly LogLine[]): GroupSizes {
  const sizes = new Map<number, number>();
  for (const { n, group, kind } of lines) {
    if (group === undefined || kind === "endgroup") continue;
    sizes.set(group, n === group ? 0 : (sizes.get(group) ?? 0) + 1);
  }
  return sizes;
}

/** The end of a group is shown by the indentation of its lines. */
export function visibleLines(lines: readonly LogLine[], folded: ReadonlySet<number>): readonly LogLine[] {
  return lines.filter(
    ({ n, group, kind }) => kind !== "endgroup" && (group === undefined || group === n || !folded.has(group)),
  );
}

function groupOf(lines: readonly LogLine[], n: number | undefined): number | undefined {
  return n === undefined ? undefined : lines[n - (lines[0]?.n ?? 1)]?.group;
}
