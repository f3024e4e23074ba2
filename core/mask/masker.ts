// Removes secrets from everything that leaves a runner: log bytes as a stream, texts and JSON as a whole. The result does
// not depend on how a stream was split into pieces.

import type { JsonValue } from "../json.ts";
import { ESCAPE, withoutEscapes } from "./escapes.ts";
import { buildTable, EXACT, FOLDED, HEX, openReader, type Reader, type Span, type Table, type View } from "./reader.ts";
import { variantsOf } from "./variants.ts";

export const MASK = "***";

/** Shorter secrets look like ordinary words, so they must be refused instead of used. */
export const MIN_SECRET_LENGTH = 6;

export type Masker = {
  /** Masks this secret from now on, also in open streams. Must be called before the first use of the secret. */
  readonly add: (secret: string) => void;
  readonly text: (text: string) => string;
  /** Masks all strings in the value, including keys. */
  readonly json: <V extends JsonValue>(value: V) => V;
  readonly stream: () => MaskStream;
  /** A copy with the same secrets; later additions to one are not added to the other. Cheap. */
  readonly fork: () => Masker;
};

export type MaskStream = {
  /** Returns the masked bytes so far. Bytes that could begin a secret are held back until this is clear. */
  readonly push: (bytes: Uint8Array) => Uint8Array;
  /** Ends the stream and returns the bytes that were held back. */
  readonly end: () => Uint8Array;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const MASK_BYTES = encoder.encode(MASK);
const NOTHING = new Uint8Array(0);

/** Patterns of one kind, with their search table, which is built on first use. */
type Kind = { readonly view: View; readonly patterns: Set<string>; table: Table | undefined };

type Kinds = { readonly [K in "exact" | "folded" | "hex"]: Kind };

export function createMasker(): Masker {
  return maskerOf({ exact: kindOf(EXACT), folded: kindOf(FOLDED), hex: kindOf(HEX) });
}

function maskerOf(kinds: Kinds): Masker {
  const all: readonly Kind[] = Object.values(kinds);
  let tables: readonly Table[] = [];
  let isStale = all.some(({ patterns }) => patterns.size > 0);
  const current = (): readonly Table[] => {
    if (!isStale) return tables;
    isStale = false;
    tables = all.flatMap((kind) => {
      if (kind.patterns.size === 0) return [];
      kind.table ??= buildTable(
        Array.from(kind.patterns, (pattern) => encoder.encode(pattern)),
        kind.view,
      );
      return [kind.table];
    });
    return tables;
  };
  const text = (plain: string): string => {
    if (current().length === 0) return plain;
    const stream = maskStream(current);
    return decoder.decode(concat([stream.push(encoder.encode(plain)), stream.end()]));
  };
  return {
    add: (secret) => {
      const variants = variantsOf(secret);
      for (const name of ["exact", "folded", "hex"] as const) {
        const kind = kinds[name];
        for (const variant of variants[name]) {
          if (kind.patterns.has(variant)) continue;
          kind.patterns.add(variant);
          kind.table = undefined;
          isStale = true;
        }
      }
    },
    text,
    json: <V extends JsonValue>(value: V): V => (current().length === 0 ? value : (mapStrings(value, text) as V)),
    stream: () => maskStream(current),
    fork: () => {
      // Builds the tables that are missing, so that every fork has them.
      current();
      return maskerOf({ exact: copyOf(kinds.exact), folded: copyOf(kinds.folded), hex: copyOf(kinds.hex) });
    },
  };
}

function kindOf(view: View): Kind {
  return { view, patterns: new Set(), table: undefined };
}

function copyOf({ view, patterns, table }: Kind): Kind {
  return { view, patterns: new Set(patterns), table };
}

function maskStream(current: () => readonly Table[]): MaskStream {
  let tables: readonly Table[] = [];
  let readers: readonly Reader[] = [];
  /** The stream has terminal escape sequences, so a secret may contain colours. */
  let hasEscapes = false;
  /** Bytes at the end of what was read that may begin a secret, and their offset in the stream. */
  let carry: Uint8Array = NOTHING;
  let carryAt = 0;
  /** Secrets that begin in `carry`, overlapping ones joined, in order. */
  let secrets: Span[] = [];
  /** Up to this offset bytes belong to a secret whose mask has been written. */
  let covered = 0;

  const read = (bytes: Uint8Array, from: number): void => {
    const before = secrets.length;
    for (const reader of readers) reader.read(bytes, from, secrets);
    if (secrets.length > before) secrets = joined(secrets);
  };

  const throughEscapes = (): Reader => withoutEscapes(tables.map(openReader));

  /** Returns the masked bytes before `hold`. A secret that begins after it may be part of a longer one. */
  const release = (input: Uint8Array, hold: number): Uint8Array => {
    const output: Uint8Array[] = [];
    let from = Math.max(covered, carryAt);
    for (const [start, end] of secrets) {
      if (start >= hold) break;
      // A secret that overlaps a masked one extends its mask instead of adding another.
      if (start >= from) {
        if (start > from) output.push(input.subarray(from - carryAt, start - carryAt));
        output.push(MASK_BYTES);
      }
      from = Math.max(from, end);
    }
    if (hold > from) output.push(input.subarray(from - carryAt, hold - carryAt));
    secrets = secrets.filter(([start]) => start >= hold);
    carry = input.slice(hold - carryAt);
    carryAt = hold;
    covered = from;
    return concat(output);
  };

  return {
    push: (bytes) => {
      const now = current();
      if (now.length === 0) {
        carryAt += bytes.length;
        return bytes;
      }
      if (now !== tables) {
        // A secret was added: the bytes that are held back are read again.
        tables = now;
        readers = [...now.map(openReader), ...(hasEscapes ? [throughEscapes()] : [])];
        secrets = [];
        read(carry, carryAt);
      }
      if (!hasEscapes && bytes.includes(ESCAPE)) {
        hasEscapes = true;
        const reader = throughEscapes();
        reader.read(carry, carryAt, secrets);
        secrets = joined(secrets);
        readers = [...readers, reader];
      }
      const input = carry.length === 0 ? bytes : concat([carry, bytes]);
      const end = carryAt + input.length;
      read(bytes, carryAt + carry.length);
      return release(
        input,
        readers.reduce((least, reader) => Math.min(least, reader.pendingFrom() ?? end), end),
      );
    },
    end: () => release(carry, carryAt + carry.length),
  };
}

/** In order, overlapping ones as one. */
function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const [start, end] of spans.toSorted(([a], [b]) => a - b)) {
    const last = result.at(-1);
    if (last && last[1] > start) result[result.length - 1] = [last[0], Math.max(last[1], end)];
    else result.push([start, end]);
  }
  return result;
}

function mapStrings(value: JsonValue, map: (text: string) => string): JsonValue {
  if (typeof value === "string") return map(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: JsonValue) => mapStrings(item, map));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [map(key), mapStrings(item as JsonValue, map)]));
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0] ?? NOTHING;
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
