// The recent writes of this process, in a local file: Redis can lose acknowledged writes in a failover, and everything when
// somebody empties it. Lines of JSON are appended and never changed; from time to time the file is rewritten with only what
// still counts. Lines are not synced one by one: the file protects against the loss of Redis, not against the loss of Redis
// and of this machine at the same time.

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "@gantry/runtime/clock.ts";
import { takeLock } from "@gantry/runtime/lock.ts";

export type RecoveryEvent = { readonly version: number; readonly micros: number; readonly text: string };

/** A stream as this process last left it. */
export type RecoveryStream = {
  readonly stream: string;
  readonly version: number;
  /** The operation that wrote it. */
  readonly op: string;
  readonly snapshot: string;
  /** Index, key, index, key …; undefined when this process never set them. */
  readonly entries: readonly string[] | undefined;
  /** Ascending by version. Events of other processes are here only if they were fetched. */
  readonly events: readonly RecoveryEvent[];
  readonly keep: boolean;
};

export type RecoveryFile = {
  /** Upper bounds of every seq and time that this process gave out before a restart. */
  readonly floors: { readonly seq: number; readonly micros: number };
  /** The store and the run of Redis that were last compared with this file. */
  readonly checked: { readonly store: string; readonly run: string } | undefined;
  readonly setChecked: (checked: { readonly store: string; readonly run: string }) => void;
  /** Takes effect in memory at once, and in the file with the next `flush`. */
  readonly record: (streams: readonly RecoveryStream[], seq: number, micros: number) => void;
  readonly flush: () => void;
  /** Raises the floor of the time to a second ahead when `micros` has passed it. */
  readonly reserve: (micros: number, seq: number) => void;
  /** Adds events of other processes that lie between ours. */
  readonly addEvents: (stream: string, events: readonly RecoveryEvent[]) => void;
  /** These streams are no longer to be put back. */
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

/** `micros`: store time of the last change. `until`: monotonic ms when it may be dropped. */
type Held = { readonly value: RecoveryStream; readonly micros: number; readonly until: number };

const FORGET_MS = 600_000;
const RESERVE_MICROS = 1_000_000;
const COMPACT_BYTES = 8 * 1024 * 1024;

/** Throws `store-busy` when another process has the file, and the file system's error when it cannot be used. */
export function openRecoveryFile(file: string, clock: Clock): RecoveryFile {
  mkdirSync(dirname(file), { recursive: true });
  const unlock = takeLock(file, `The recovery file ${file}`);
  const contents = makeContents(clock);
  for (const line of readLines(file)) contents.apply(line);
  contents.forgetBefore(contents.floors().micros - FORGET_MS * 1_000);
  const log = openLog(file, contents.lines);
  const write = (lines: readonly Line[]): void => {
    add(lines);
    log.flush();
  };
  const add = (lines: readonly Line[]): void => {
    for (const line of lines) {
      contents.apply(line);
      log.add(line);
    }
  };

  return {
    get floors() {
      return contents.floors();
    },
    get checked() {
      return contents.checked();
    },
    setChecked: ({ store, run }) => {
      const checked = contents.checked();
      if (checked?.store !== store || checked.run !== run) write([{ checked: { store, run } }]);
    },
    record: (changed, seq, micros) => {
      add(changed.map((stream) => ({ stream, seq, micros })));
      contents.forgetExpired();
    },
    flush: log.flush,
    reserve: (micros, seq) => {
      if (micros > contents.floors().micros) write([{ floors: { micros: micros + RESERVE_MICROS, seq } }]);
    },
    addEvents: (stream, events) => write([{ more: { stream, events } }]),
    forget: (given) => {
      const forgotten = given.filter((stream) => contents.get(stream) !== undefined);
      if (forgotten.length > 0) write([{ forgotten }]);
    },
    get: contents.get,
    all: contents.all,
    close: () => {
      try {
        log.close();
      } finally {
        unlock();
      }
    },
  };
}

/** What the lines of the file add up to, in memory. */
function makeContents(clock: Clock) {
  const streams = new Map<string, Held>();
  let floors = { seq: 0, micros: 0 };
  let checked: RecoveryFile["checked"];

  /** Moves the stream to the end, so that the map is in the order of expiry. */
  const put = (value: RecoveryStream, micros: number): void => {
    streams.delete(value.stream);
    const until = value.keep ? Number.POSITIVE_INFINITY : clock.monotonicMs() + FORGET_MS;
    streams.set(value.stream, { value, micros, until });
  };
  const raise = (seq: number, micros: number): void => {
    floors = { seq: Math.max(floors.seq, seq), micros: Math.max(floors.micros, micros) };
  };
  const apply = (line: Line): void => {
    if ("stream" in line) {
      put(merge(streams.get(line.stream.stream)?.value, line.stream), line.micros);
      raise(line.seq, line.micros);
    } else if ("floors" in line) raise(line.floors.seq, line.floors.micros);
    else if ("checked" in line) checked = line.checked;
    else if ("forgotten" in line) for (const stream of line.forgotten) streams.delete(stream);
    else {
      const known = streams.get(line.more.stream);
      if (known) put(merge(known.value, { ...known.value, events: line.more.events }), known.micros);
    }
  };

  return {
    apply,
    floors: () => floors,
    checked: () => checked,
    get: (stream: string) => streams.get(stream)?.value,
    all: () => [...streams.values()].map(({ value }) => value),
    /** The fewest lines that say all of it. */
    lines: (): readonly Line[] => [
      { floors },
      ...(checked ? [{ checked }] : []),
      ...[...streams.values()].map(({ value, micros }) => ({ stream: value, seq: floors.seq, micros })),
    ],
    /** Drops streams that had expired when the process ended. A restart does not extend their time. */
    forgetBefore: (micros: number): void => {
      for (const [stream, held] of streams) if (!held.value.keep && held.micros < micros) streams.delete(stream);
    },
    forgetExpired: (): void => {
      for (const [stream, { until }] of streams) {
        if (until === Number.POSITIVE_INFINITY) continue;
        if (until > clock.monotonicMs()) return;
        streams.delete(stream);
      }
    },
  };
}

/** Adds to what is known of a stream. Its newest snapshot and events replace older ones of the same version. */
function merge(before: RecoveryStream | undefined, next: RecoveryStream): RecoveryStream {
  if (!before) return next;
  const mine = new Set(next.events.map((event) => event.version));
  const older = before.events.filter((event) => event.version <= next.version && !mine.has(event.version));
  const events = [...older, ...next.events].sort((a, b) => a.version - b.version);
  return { ...next, entries: next.entries ?? before.entries, events };
}

/** The file as a log: lines are appended; when it has grown too large it is replaced by `lines()`. */
function openLog(file: string, lines: () => readonly Line[]) {
  let fd = openSync(file, "a", 0o600);
  let size = 0;
  let compactAt = COMPACT_BYTES;
  let unwritten = "";

  const compact = (): void => {
    const fresh = openSync(`${file}.new`, "w", 0o600);
    size = 0;
    for (const line of lines()) size += writeSync(fresh, `${JSON.stringify(line)}\n`);
    fsyncSync(fresh);
    renameSync(`${file}.new`, file);
    closeSync(fd);
    fd = fresh;
    compactAt = Math.max(COMPACT_BYTES, size * 2);
  };
  const flush = (): void => {
    const text = unwritten;
    unwritten = "";
    if (text !== "") size += writeSync(fd, text);
    if (size > compactAt) compact();
  };
  compact();

  return {
    add: (line: Line): void => {
      unwritten += `${JSON.stringify(line)}\n`;
    },
    flush,
    close: (): void => {
      try {
        flush();
      } finally {
        closeSync(fd);
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

/** A line that a crash or a full disk cut off is ignored: what it says was not acknowledged. */
function parseLine(text: string): readonly Line[] {
  if (text === "") return [];
  try {
    return [JSON.parse(text) as Line];
  } catch {
    return [];
  }
}
