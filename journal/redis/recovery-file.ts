// What this process wrote lately, in a file of its own: Redis can lose acknowledged writes in a failover, and everything
// when somebody empties it. Lines of JSON are added, never changed; from time to time the file is written anew with what
// still counts. No fsync per line: the file is for the death of Redis, not for the death of this machine with it.

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "@gantry/runtime/clock.ts";
import { takeLock } from "@gantry/runtime/lock.ts";

export type RecoveryEvent = { readonly version: number; readonly micros: number; readonly text: string };

/** A stream as this process last left it. */
export type RecoveryStream = {
  readonly stream: string;
  readonly version: number;
  /** The operation that did so. */
  readonly op: string;
  readonly snapshot: string;
  /** Index, key, index, key …; undefined when this process never set them. */
  readonly entries: readonly string[] | undefined;
  /** Ascending; of others' events those that were fetched. */
  readonly events: readonly RecoveryEvent[];
  readonly keep: boolean;
};

export type RecoveryFile = {
  /** The counters as far as they were written down: nothing larger was ever given away before a restart. */
  readonly floors: { readonly seq: number; readonly micros: number };
  /** The store and the run of Redis in which everything here was last seen to be. */
  readonly checked: { readonly store: string; readonly run: string } | undefined;
  readonly setChecked: (checked: { readonly store: string; readonly run: string }) => void;
  /** In the file with the next `flush`: what was committed together is written together. */
  readonly record: (streams: readonly RecoveryStream[], seq: number, micros: number) => void;
  readonly flush: () => void;
  /** Writes the time ahead of itself when little is left. */
  readonly reserve: (micros: number, seq: number) => void;
  /** Events of others that lie between ours. */
  readonly addEvents: (stream: string, events: readonly RecoveryEvent[]) => void;
  /** These streams are not to be put back any more. */
  readonly forget: (streams: readonly string[]) => void;
  readonly get: (stream: string) => RecoveryStream | undefined;
  readonly all: () => readonly RecoveryStream[];
  readonly close: () => void;
};

type Line =
  | { readonly stream: RecoveryStream; readonly seq: number; readonly micros: number }
  | { readonly floors: { readonly seq: number; readonly micros: number } }
  | { readonly more: { readonly stream: string; readonly events: readonly RecoveryEvent[] } }
  | { readonly forgotten: readonly string[] }
  | { readonly checked: { readonly store: string; readonly run: string } };

/** `micros`: store time of the last change. */
type Held = { readonly value: RecoveryStream; readonly micros: number; readonly until: number };

const FORGET_MS = 600_000;
const RESERVE_MICROS = 1_000_000;
const COMPACT_BYTES = 8 * 1024 * 1024;

/** Throws `store-busy` when another process has the file, and what the file system says when it cannot be used. */
export function openRecoveryFile(file: string, clock: Clock): RecoveryFile {
  mkdirSync(dirname(file), { recursive: true });
  const unlock = takeLock(file);
  const streams = new Map<string, Held>();
  let floors = { seq: 0, micros: 0 };
  let checked: RecoveryFile["checked"];
  let written = 0;
  let compactAt = COMPACT_BYTES;
  let unwritten = "";

  const put = (value: RecoveryStream, micros: number): void => {
    streams.delete(value.stream);
    streams.set(value.stream, {
      value,
      micros,
      until: value.keep ? Number.POSITIVE_INFINITY : clock.monotonicMs() + FORGET_MS,
    });
  };
  const merge = (next: RecoveryStream): RecoveryStream => {
    const before = streams.get(next.stream)?.value;
    if (!before) return next;
    const mine = new Set(next.events.map((event) => event.version));
    const older = before.events.filter((event) => event.version <= next.version && !mine.has(event.version));
    const events = [...older, ...next.events].sort((a, b) => a.version - b.version);
    return { ...next, entries: next.entries ?? before.entries, events };
  };
  const raise = (seq: number, micros: number): void => {
    floors = { seq: Math.max(floors.seq, seq), micros: Math.max(floors.micros, micros) };
  };
  const apply = (line: Line): void => {
    if ("stream" in line) {
      put(merge(line.stream), line.micros);
      raise(line.seq, line.micros);
    } else if ("floors" in line) raise(line.floors.seq, line.floors.micros);
    else if ("checked" in line) checked = line.checked;
    else if ("forgotten" in line) for (const stream of line.forgotten) streams.delete(stream);
    else {
      const known = streams.get(line.more.stream);
      if (known) put(merge({ ...known.value, events: line.more.events }), known.micros);
    }
  };

  for (const line of readLines(file)) apply(line);
  // What was over when the process ended is not over later because it began again.
  for (const [stream, { value, micros }] of streams)
    if (!value.keep && micros < floors.micros - FORGET_MS * 1_000) streams.delete(stream);
  let fd = openSync(file, "a", 0o600);

  const compact = (): void => {
    const fresh = openSync(`${file}.new`, "w", 0o600);
    const lines: Line[] = [{ floors }, ...(checked ? [{ checked }] : [])];
    for (const { value, micros } of streams.values()) lines.push({ stream: value, seq: floors.seq, micros });
    written = 0;
    for (const line of lines) written += writeSync(fresh, `${JSON.stringify(line)}\n`);
    fsyncSync(fresh);
    renameSync(`${file}.new`, file);
    closeSync(fd);
    fd = fresh;
    compactAt = Math.max(COMPACT_BYTES, written * 2);
  };
  const add = (lines: readonly Line[]): void => {
    for (const line of lines) {
      apply(line);
      unwritten += `${JSON.stringify(line)}\n`;
    }
  };
  const flush = (): void => {
    const text = unwritten;
    unwritten = "";
    if (text !== "") written += writeSync(fd, text);
    if (written > compactAt) compact();
  };
  const write = (lines: readonly Line[]): void => {
    add(lines);
    flush();
  };
  const forgetOld = (): void => {
    for (const [stream, { until }] of streams) {
      if (until === Number.POSITIVE_INFINITY) continue;
      if (until > clock.monotonicMs()) return;
      streams.delete(stream);
    }
  };
  compact();

  return {
    get floors() {
      return floors;
    },
    get checked() {
      return checked;
    },
    setChecked: ({ store, run }) => {
      if (checked?.store !== store || checked.run !== run) write([{ checked: { store, run } }]);
    },
    record: (changed, seq, micros) => {
      add(changed.map((stream) => ({ stream, seq, micros })));
      forgetOld();
    },
    flush,
    reserve: (micros, seq) => {
      if (micros > floors.micros) write([{ floors: { micros: micros + RESERVE_MICROS, seq } }]);
    },
    addEvents: (stream, events) => write([{ more: { stream, events } }]),
    forget: (given) => {
      const known = given.filter((stream) => streams.has(stream));
      if (known.length > 0) write([{ forgotten: known }]);
    },
    get: (stream) => streams.get(stream)?.value,
    all: () => [...streams.values()].map(({ value }) => value),
    close: () => {
      try {
        flush();
      } finally {
        closeSync(fd);
        unlock();
      }
    },
  };
}

function readLines(file: string): readonly Line[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return text.split("\n").flatMap(parseLine);
}

/** A line that a crash or a full disk cut off does not count: what it says was not acknowledged. */
function parseLine(text: string): readonly Line[] {
  if (text === "") return [];
  try {
    return [JSON.parse(text) as Line];
  } catch {
    return [];
  }
}
