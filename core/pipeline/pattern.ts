// Regular expressions whose time grows with the text and not with its powers. Pipeline files bring patterns and people
// bring the texts, and JavaScript's own engine can be made to run for hours by the two together. This one follows all
// possibilities at once (Thompson's construction) and knows the common part of the syntax: no look-around, no back
// references, no word boundaries.

export type Pattern = { readonly test: (text: string) => boolean };

type Accepts = (code: number) => boolean;
type Node =
  | { readonly kind: "one"; readonly accepts: Accepts }
  | { readonly kind: "all"; readonly parts: readonly Node[] }
  | { readonly kind: "any"; readonly parts: readonly Node[] }
  | { readonly kind: "repeat"; readonly part: Node; readonly min: number; readonly max: number }
  | { readonly kind: "edge"; readonly at: "start" | "end" };
type Instruction =
  | { readonly op: "one"; readonly accepts: Accepts }
  | { readonly op: "fork"; readonly to: readonly number[] }
  | { readonly op: "start" | "end" | "match" };

const MAX_INSTRUCTIONS = 2_000;
/** Instructions times characters; a text for which it would be more does not match. */
const MAX_WORK = 20_000_000;
const MAX_GROUPS_DEEP = 20;

class Unsupported extends Error {}

export function compilePattern(pattern: string): Pattern | { readonly problem: string } {
  try {
    const program = assemble(parse([...pattern]));
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
    // Every place of the text may be the beginning of a match.
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

function parse(chars: readonly string[]): Node {
  let at = 0;
  const root = alternatives(0);
  if (at < chars.length) throw new Unsupported(`there is no group for the ) at character ${at + 1}`);
  return root;

  function alternatives(depth: number): Node {
    if (depth > MAX_GROUPS_DEEP) throw new Unsupported(`groups are nested deeper than ${MAX_GROUPS_DEEP}`);
    const parts = [sequence(depth)];
    while (chars[at] === "|") {
      at += 1;
      parts.push(sequence(depth));
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: "any", parts };
  }

  function sequence(depth: number): Node {
    const parts: Node[] = [];
    while (at < chars.length && chars[at] !== "|" && chars[at] !== ")") parts.push(quantified(atom(depth)));
    return { kind: "all", parts };
  }

  function quantified(part: Node): Node {
    const range = quantifier();
    if (range === undefined) return part;
    if (part.kind === "edge") throw new Unsupported("^ and $ cannot be repeated");
    if (chars[at] === "?") at += 1; // Lazy or not makes no difference to whether a text matches.
    if (quantifier() !== undefined) throw new Unsupported("there is nothing to repeat");
    return { kind: "repeat", part, ...range };
  }

  function quantifier(): { min: number; max: number } | undefined {
    const many = Number.POSITIVE_INFINITY;
    const simple = { "*": { min: 0, max: many }, "+": { min: 1, max: many }, "?": { min: 0, max: 1 } };
    const char = chars[at];
    if (char === "*" || char === "+" || char === "?") {
      at += 1;
      return simple[char];
    }
    const counted = char === "{" ? /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(chars.slice(at, at + 12).join("")) : null;
    if (counted === null) return undefined;
    at += counted[0].length;
    const min = Number(counted[1]);
    const max = counted[2] === undefined ? min : counted[3] === "" ? many : Number(counted[3]);
    if (max < min) throw new Unsupported("the numbers of a repetition are in the wrong order");
    return { min, max };
  }

  function atom(depth: number): Node {
    const char = chars[at] ?? "";
    at += 1;
    if (char === "^") return { kind: "edge", at: "start" };
    if (char === "$") return { kind: "edge", at: "end" };
    if (char === ".")
      return { kind: "one", accepts: (code) => code !== 10 && code !== 13 && code !== 0x2028 && code !== 0x2029 };
    if (char === "[") return { kind: "one", accepts: characterClass() };
    if (char === "(") return group(depth);
    if (char === "\\") return { kind: "one", accepts: escaped().accepts };
    if ("*+?{}]".includes(char)) throw new Unsupported(`the ${char} at character ${at} must be written \\${char}`);
    return { kind: "one", accepts: exactly(char.codePointAt(0) ?? 0) };
  }

  function group(depth: number): Node {
    if (chars[at] === "?") {
      if (chars[at + 1] !== ":") throw new Unsupported("look-around and named groups are not offered");
      at += 2;
    }
    const inner = alternatives(depth + 1);
    if (chars[at] !== ")") throw new Unsupported("a group is not closed");
    at += 1;
    return inner;
  }

  function characterClass(): Accepts {
    const negated = chars[at] === "^";
    if (negated) at += 1;
    const items: Accepts[] = [];
    while (at < chars.length && chars[at] !== "]") {
      const low = classItem();
      if (chars[at] !== "-" || chars[at + 1] === "]" || at + 1 >= chars.length) {
        items.push(low.accepts);
        continue;
      }
      at += 1;
      const high = classItem();
      if (low.code === undefined || high.code === undefined || high.code < low.code) {
        throw new Unsupported("a range in [ ] is in the wrong order");
      }
      const [from, to] = [low.code, high.code];
      items.push((code) => code >= from && code <= to);
    }
    if (at >= chars.length) throw new Unsupported("a [ is not closed");
    at += 1;
    return (code) => items.some((accepts) => accepts(code)) !== negated;
  }

  function classItem(): { accepts: Accepts; code?: number } {
    const char = chars[at] ?? "";
    at += 1;
    if (char === "\\") return escaped();
    const code = char.codePointAt(0) ?? 0;
    return { accepts: exactly(code), code };
  }

  function escaped(): { accepts: Accepts; code?: number } {
    const char = chars[at] ?? "";
    at += 1;
    const known = ESCAPED_CLASSES[char.toLowerCase()];
    if (known !== undefined) {
      return { accepts: char === char.toLowerCase() ? known : (code) => !known(code) };
    }
    const control = { n: 10, r: 13, t: 9 }[char];
    if (control === undefined && (char === "" || /[A-Za-z0-9]/.test(char))) {
      throw new Unsupported(`\\${char} is not offered`);
    }
    const code = control ?? char.codePointAt(0) ?? 0;
    return { accepts: exactly(code), code };
  }
}

const digit: Accepts = (code) => code >= 48 && code <= 57;
const letter: Accepts = (code) => (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
const ESCAPED_CLASSES: { readonly [letter: string]: Accepts } = {
  d: digit,
  w: (code) => digit(code) || letter(code) || code === 95,
  s: (code) => /\s/.test(String.fromCodePoint(code)),
};

function exactly(expected: number): Accepts {
  return (code) => code === expected;
}
