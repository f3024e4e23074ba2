// Takes secrets out of everything that leaves a runner: log bytes as a stream, texts and JSON as a whole. What is masked
// does not depend on where a stream was cut into pieces.

import type { JsonValue } from "../json.ts";
import { type Automaton, buildAutomaton } from "./automaton.ts";
import { variantsOf } from "./variants.ts";

export const MASK = "***";

/** Shorter secrets cannot be told from ordinary words; they must be refused instead of used. */
export const MIN_SECRET_LENGTH = 6;

export type Masker = {
  /** From now on this secret is masked, also in streams that are open. Register before the first use. */
  readonly add: (secret: string) => void;
  readonly text: (text: string) => string;
  /** Masks all strings inside, keys too. */
  readonly json: <V extends JsonValue>(value: V) => V;
  readonly stream: () => MaskStream;
};

export type MaskStream = {
  /** What may leave now. Bytes that could be the beginning of a secret are kept back until it is clear. */
  readonly push: (bytes: Uint8Array) => Uint8Array;
  /** What was kept back; the stream has ended. */
  readonly end: () => Uint8Array;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const MASK_BYTES = encoder.encode(MASK);
const NOTHING = new Uint8Array(0);

export function createMasker(): Masker {
  const patterns = new Map<string, Uint8Array>();
  let automaton: Automaton | undefined;
  const current = (): Automaton | undefined => {
    if (!automaton && patterns.size > 0) automaton = buildAutomaton([...patterns.values()]);
    return automaton;
  };
  const text = (plain: string): string => {
    if (patterns.size === 0) return plain;
    const stream = maskStream(current);
    return decoder.decode(concat([stream.push(encoder.encode(plain)), stream.end()]));
  };
  return {
    add: (secret) => {
      for (const variant of variantsOf(secret)) {
        const key = variant.join();
        if (patterns.has(key)) continue;
        patterns.set(key, variant);
        automaton = undefined;
      }
    },
    text,
    json: <V extends JsonValue>(value: V): V => (patterns.size === 0 ? value : (mapStrings(value, text) as V)),
    stream: () => maskStream(current),
  };
}

function maskStream(automaton: () => Automaton | undefined): MaskStream {
  /** Bytes at the end of what was read that may begin a secret. */
  let carry: Uint8Array = NOTHING;
  /** So many bytes of `carry` belong to a secret whose mask has been written. */
  let covered = 0;
  /** Lets `input` go up to `hold`; a secret that begins behind it may be the middle of a longer one. */
  const release = (input: Uint8Array, secrets: readonly Span[], hold: number): Uint8Array => {
    const output: Uint8Array[] = [];
    let from = covered;
    for (const [start, end] of secrets) {
      if (start >= hold) break;
      // A secret that overlaps one that is masked already makes that mask longer, not double.
      if (start >= from) {
        if (start > from) output.push(input.subarray(from, start));
        output.push(MASK_BYTES);
      }
      from = Math.max(from, end);
    }
    if (hold > from) output.push(input.subarray(from, hold));
    carry = input.slice(hold);
    covered = Math.max(0, from - hold);
    return concat(output);
  };
  return {
    push: (bytes) => {
      const machine = automaton();
      if (!machine) return bytes;
      const input = carry.length === 0 ? bytes : concat([carry, bytes]);
      const { secrets, hold } = scan(machine, input);
      return release(input, secrets, hold);
    },
    end: () => {
      const machine = automaton();
      return machine ? release(carry, scan(machine, carry).secrets, carry.length) : NOTHING;
    },
  };
}

type Span = readonly [start: number, end: number];

/** The places of secrets, overlapping ones joined, in order; and from where on the input may begin an unfinished one. */
function scan(machine: Automaton, input: Uint8Array): { secrets: readonly Span[]; hold: number } {
  const { classOf, classes, next, depth, found } = machine;
  const secrets: Span[] = [];
  let state = 0;
  for (let index = 0; index < input.length; index += 1) {
    state = next[state * classes + (classOf[input[index] ?? 0] ?? 0)] ?? 0;
    const length = found[state] ?? 0;
    if (length === 0) continue;
    let start = index + 1 - length;
    while (secrets.length > 0 && (secrets.at(-1)?.[1] ?? 0) > start)
      start = Math.min(start, secrets.pop()?.[0] ?? start);
    secrets.push([start, index + 1]);
  }
  return { secrets, hold: input.length - (depth[state] ?? 0) };
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
