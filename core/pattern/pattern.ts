// Regular expressions that take linear time in the length of the text. Patterns come from pipeline files and texts from
// people; in JavaScript's own engine a hostile pair can run for hours. This engine follows all alternatives at once
// (Thompson's construction) and supports the common syntax: no look-around, no back references, no word boundaries.

import { type Accepts, type Node, parsePattern, Unsupported } from "./pattern-syntax.ts";

export type Pattern = { readonly test: (text: string) => boolean };

type Instruction =
  | { readonly op: "one"; readonly accepts: Accepts }
  | { readonly op: "fork"; readonly to: readonly number[] }
  | { readonly op: "start" | "end" | "match" };

const MAX_INSTRUCTIONS = 2_000;
/** Instructions times characters. A text that would exceed it does not match. */
const MAX_WORK = 20_000_000;

export function compilePattern(pattern: string): Pattern | { readonly problem: string } {
  try {
    const program = assemble(parsePattern(pattern));
    return { test: (text) => matches(program, text) };
  } catch (error) {
    if (error instanceof Unsupported) return { problem: error.message };
    throw error;
  }
}

function matches(program: readonly Instruction[], text: string): boolean {
  const codes = Array.from(text, (char) => char.codePointAt(0) ?? 0);
  if (codes.length * program.length > MAX_WORK) return false;
  let current = new Set<number>();
  for (let at = 0; at <= codes.length; at += 1) {
    // A match may begin at any position of the text.
    follow(0, at, current);
    const next = new Set<number>();
    const code = codes[at];
    for (const place of current) {
      const instruction = program[place];
      if (instruction?.op === "match") return true;
      if (instruction?.op === "one" && code !== undefined && instruction.accepts(code)) follow(place + 1, at + 1, next);
    }
    current = next;
  }
  return false;

  function follow(first: number, at: number, into: Set<number>): void {
    const open = [first];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (into.has(place)) continue;
      into.add(place);
      const instruction = program[place];
      if (instruction?.op === "fork") open.push(...instruction.to);
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
