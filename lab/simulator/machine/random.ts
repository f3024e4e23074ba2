// Random numbers from a seed: the same seed gives the same numbers on every machine. Each part of the simulation forks its
// own stream, so that a change in one part does not shift the numbers of another.

export type Random = {
  /** 0 ≤ n < 1 */
  readonly next: () => number;
  /** An integer; both ends are included. */
  readonly int: (from: number, to: number) => number;
  readonly between: (from: number, to: number) => number;
  readonly chance: (probability: number) => boolean;
  /** Throws for an empty list. */
  readonly pick: <T>(list: readonly T[]) => T;
  readonly uuid: () => string;
  readonly fork: (name: string) => Random;
};

export function randomOf(seed: number, name = ""): Random {
  const next = sfc32(hash(`${seed}/${name}`));
  const int = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  const hex = (digits: number): string =>
    Math.floor(next() * 16 ** digits)
      .toString(16)
      .padStart(digits, "0");
  return {
    next,
    int,
    between: (from, to) => from + next() * (to - from),
    chance: (probability) => next() < probability,
    pick: (list) => {
      if (list.length === 0) throw new Error("nothing to pick from");
      return list[int(0, list.length - 1)] as (typeof list)[number];
    },
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(6)}${hex(6)}`,
    fork: (part) => randomOf(seed, `${name}/${part}`),
  };
}

/** FNV-1a, four times with different offset bases. */
function hash(text: string): [number, number, number, number] {
  const part = (start: number): number => {
    let value = start;
    for (let index = 0; index < text.length; index += 1)
      value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
    return value;
  };
  return [part(0x811c9dc5), part(0x9747b28c), part(0x3c6ef372), part(0xa54ff53a)];
}

/** Chris Doty-Humphrey's small fast counter generator. */
function sfc32([a, b, c, d]: [number, number, number, number]): () => number {
  const step = (): number => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let round = 0; round < 12; round += 1) step();
  return step;
}
