// Regular expressions that take linear time in the length of the text. Patterns come from pipeline files and texts from
// people; in JavaScript's own engine a hostile pair can run for hours. This engine follows all alternatives at once
// (Thompson's construction) and supports the common syntax: no look-around, no back references, no word boundaries.

import { type Accepts, type Node, parsePattern, Unsupported } from "./pattern-syntax.ts";

export type Pattern = {
  /** How many steps a test of the text takes at most. */
  readonly work: (text: string) => number;
  readonly test: (text: string) => boolean;
};

type Instruction =
  | { readonly op: "one"; readonly accepts: Accepts }
  | { readonly op: "fork"; readonly to: readonly number[] }
  | { readonly op: "start" | "end" | "match" };

const MAX_INSTRUCTIONS = 2_000;

export function compilePattern(pattern: string): Pattern | { readonly problem: string } {
  try {
    const program = assemble(parsePattern(pattern));
    return {
      work: (text) => program.length * (text.length + 1),
      test: (text) => matches(program, text),
    };
  } catch (error) {
    if (error instanceof Unsupported) return { problem: error.message };
    throw error;
  }
}

/** Instructions that wait for the next character, each once. Typed arrays: a Set takes twenty times as long. */
class Places {
  readonly list: Int32Array;
  size = 0;
  readonly #seen: Int32Array;
  #round = 0;

  constructor(most: number) {
    this.list = new Int32Array(most);
    this.#seen = new Int32Array(most);
  }

  clear(): void {
    this.size = 0;
    this.#round += 1;
  }

  /** False when it is there already. */
  add(place: number): boolean {
    if (this.#seen[place] === this.#round) return false;
    this.#seen[place] = this.#round;
    this.list[this.size] = place;
    this.size += 1;
    return true;
  }
}

function matches(program: readonly Instruction[], text: string): boolean {
  const codes = Array.from(text, (char) => char.codePointAt(0) ?? 0);
  let [current, next] = [new Places(program.length), new Places(program.length)];
  current.clear();
  for (let at = 0; at <= codes.length; at += 1) {
    // A match may begin at any position of the text.
    follow(0, at, current);
    next.clear();
    const code = codes[at];
    for (let index = 0; index < current.size; index += 1) {
      const place = current.list[index] ?? 0;
      const instruction = program[place];
      if (instruction?.op === "match") return true;
      if (instruction?.op === "one" && code !== undefined && instruction.accepts(code)) follow(place + 1, at + 1, next);
    }
    [current, next] = [next, current];
  }
  return false;

  function follow(first: number, at: number, into: Places): void {
    const open = [first];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (!into.add(place)) continue;
      const instruction = program[place];
      if (instruction?.op === "fork") for (const to of instruction.to) open.push(to);
      if (instruction?.op === "start" && at === 0) open.push(place + 1);
      if (instruction?.op === "end" && at === codes.length) open.push(place + 1);
    }
  }
}

function assemble(root: Node): readonly Instruction[] {
  const program: Instruction[] = [];
  emit(root);
  program.push({ op: "match" });
  return program;

  function push(instruction: Instruction): number {
    if (program.length >= MAX_INSTRUCTIONS) throw new Unsupported("it is too large");
    return program.push(instruction) - 1;
  }

  function emit(node: Node): void {
    if (node.kind === "one") push({ op: "one", accepts: node.accepts });
    else if (node.kind === "edge") push({ op: node.at });
    else if (node.kind === "repeat") emitRepeat(node.part, node.min, node.max);
    else if (node.kind === "any") emitAny(node.parts);
    else node.parts.forEach(emit);
  }

  function emitAny(parts: readonly Node[]): void {
    const fork = push({ op: "fork", to: [] });
    const starts: number[] = [];
    const exits: number[] = [];
    for (const part of parts) {
      starts.push(program.length);
      emit(part);
      exits.push(push({ op: "fork", to: [] }));
    }
    program[fork] = { op: "fork", to: starts };
    for (const exit of exits) program[exit] = { op: "fork", to: [program.length] };
  }

  function emitRepeat(part: Node, min: number, max: number): void {
    for (let count = 0; count < min; count += 1) emit(part);
    if (max === Number.POSITIVE_INFINITY) {
      const loop = push({ op: "fork", to: [] });
      emit(part);
      push({ op: "fork", to: [loop] });
      program[loop] = { op: "fork", to: [loop + 1, program.length] };
      return;
    }
    for (let count = min; count < max; count += 1) {
      const fork = push({ op: "fork", to: [] });
      emit(part);
      program[fork] = { op: "fork", to: [fork + 1, program.length] };
    }
  }
}
