// The last lines of a process's own log, in memory, for operators who have no access to its machine.

export type Recent = {
  readonly lines: readonly string[];
  /** How many lines are kept. */
  readonly held: number;
  /** How many older ones are gone. */
  readonly dropped: number;
};

export type RecentLines = {
  /** One or more whole lines. */
  readonly write: (text: string) => void;
  /** At most `most` of the lines that are kept, from this end of them, in the order in which they were written. */
  readonly read: (from: "oldest" | "latest", most: number) => Recent;
};

const MAX_LINES = 5_000;
const MAX_CHARS = 1_048_576;
const MAX_LINE = 16_384;

/** Keeps at most 5,000 lines and 1 Mi characters; a longer line than 16 Ki characters is cut. */
export function keepRecentLines(): RecentLines {
  const kept: string[] = [];
  let chars = 0;
  let dropped = 0;
  const keep = (line: string): void => {
    kept.push(line);
    chars += line.length;
    while (kept.length > MAX_LINES || chars > MAX_CHARS) {
      chars -= kept.shift()?.length ?? 0;
      dropped += 1;
    }
  };
  return {
    write: (text) => {
      for (const line of text.split("\n")) if (line !== "") keep(line.slice(0, MAX_LINE));
    },
    read: (from, most) => {
      const lines = from === "oldest" ? kept.slice(0, most) : kept.slice(Math.max(0, kept.length - most));
      return { lines, held: kept.length, dropped };
    },
  };
}
