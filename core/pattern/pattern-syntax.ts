// The syntax of the patterns that pattern.ts runs: the common part of regular expressions, without look-around, back
// references and word boundaries.

export type Accepts = (code: number) => boolean;
export type Node =
  | { readonly kind: "one"; readonly accepts: Accepts }
  | { readonly kind: "all"; readonly parts: readonly Node[] }
  | { readonly kind: "any"; readonly parts: readonly Node[] }
  | { readonly kind: "repeat"; readonly part: Node; readonly min: number; readonly max: number }
  | { readonly kind: "edge"; readonly at: "start" | "end" };

/** The pattern uses something that is not supported; the message says what. */
export class Unsupported extends Error {}

const MAX_GROUPS_DEEP = 20;

type Cursor = { readonly chars: readonly string[]; at: number };

/** Throws `Unsupported`. */
export function parsePattern(pattern: string): Node {
  const cursor: Cursor = { chars: [...pattern], at: 0 };
  const root = alternatives(cursor, 0);
  if (cursor.at < cursor.chars.length)
    throw new Unsupported(`no group is open for the ) at character ${cursor.at + 1}`);
  return root;
}

function alternatives(cursor: Cursor, depth: number): Node {
  if (depth > MAX_GROUPS_DEEP) throw new Unsupported(`groups are nested deeper than ${MAX_GROUPS_DEEP}`);
  const parts = [sequence(cursor, depth)];
  while (cursor.chars[cursor.at] === "|") {
    cursor.at += 1;
    parts.push(sequence(cursor, depth));
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: "any", parts };
}

function sequence(cursor: Cursor, depth: number): Node {
  const parts: Node[] = [];
  while (cursor.at < cursor.chars.length && cursor.chars[cursor.at] !== "|" && cursor.chars[cursor.at] !== ")")
    parts.push(quantified(cursor, atom(cursor, depth)));
  return { kind: "all", parts };
}

function quantified(cursor: Cursor, part: Node): Node {
  const range = quantifier(cursor);
  if (range === undefined) return part;
  if (part.kind === "edge") throw new Unsupported("^ and $ cannot be repeated");
  if (cursor.chars[cursor.at] === "?") cursor.at += 1; // Laziness does not affect whether a text matches.
  if (quantifier(cursor) !== undefined) throw new Unsupported("there is nothing to repeat");
  return { kind: "repeat", part, ...range };
}

function quantifier(cursor: Cursor): { min: number; max: number } | undefined {
  const many = Number.POSITIVE_INFINITY;
  const simple = { "*": { min: 0, max: many }, "+": { min: 1, max: many }, "?": { min: 0, max: 1 } };
  const char = cursor.chars[cursor.at];
  if (char === "*" || char === "+" || char === "?") {
    cursor.at += 1;
    return simple[char];
  }
  const counted =
    char === "{" ? /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(cursor.chars.slice(cursor.at, cursor.at + 12).join("")) : null;
  if (counted === null) return undefined;
  cursor.at += counted[0].length;
  const min = Number(counted[1]);
  const max = counted[2] === undefined ? min : counted[3] === "" ? many : Number(counted[3]);
  if (max < min) throw new Unsupported("the numbers of a repetition are in the wrong order");
  return { min, max };
}

function atom(cursor: Cursor, depth: number): Node {
  const char = cursor.chars[cursor.at] ?? "";
  cursor.at += 1;
  if (char === "^") return { kind: "edge", at: "start" };
  if (char === "$") return { kind: "edge", at: "end" };
  if (char === ".")
    return { kind: "one", accepts: (code) => code !== 10 && code !== 13 && code !== 0x2028 && code !== 0x2029 };
  if (char === "[") return { kind: "one", accepts: characterClass(cursor) };
  if (char === "(") return group(cursor, depth);
  if (char === "\\") return { kind: "one", accepts: escaped(cursor).accepts };
  if ("*+?{}]".includes(char)) throw new Unsupported(`the ${char} at character ${cursor.at} must be written \\${char}`);
  return { kind: "one", accepts: exactly(char.codePointAt(0) ?? 0) };
}

function group(cursor: Cursor, depth: number): Node {
  if (cursor.chars[cursor.at] === "?") {
    if (cursor.chars[cursor.at + 1] !== ":") throw new Unsupported("look-around and named groups are not supported");
    cursor.at += 2;
  }
  const inner = alternatives(cursor, depth + 1);
  if (cursor.chars[cursor.at] !== ")") throw new Unsupported("a group is not closed");
  cursor.at += 1;
  return inner;
}

function characterClass(cursor: Cursor): Accepts {
  const negated = cursor.chars[cursor.at] === "^";
  if (negated) cursor.at += 1;
  const items: Accepts[] = [];
  while (cursor.at < cursor.chars.length && cursor.chars[cursor.at] !== "]") {
    const low = classItem(cursor);
    if (
      cursor.chars[cursor.at] !== "-" ||
      cursor.chars[cursor.at + 1] === "]" ||
      cursor.at + 1 >= cursor.chars.length
    ) {
      items.push(low.accepts);
      continue;
    }
    cursor.at += 1;
    const high = classItem(cursor);
    if (low.code === undefined || high.code === undefined || high.code < low.code) {
      throw new Unsupported("a range in [ ] is in the wrong order");
    }
    const [from, to] = [low.code, high.code];
    items.push((code) => code >= from && code <= to);
  }
  if (cursor.at >= cursor.chars.length) throw new Unsupported("a [ is not closed");
  cursor.at += 1;
  return (code) => items.some((accepts) => accepts(code)) !== negated;
}

function classItem(cursor: Cursor): { accepts: Accepts; code?: number } {
  const char = cursor.chars[cursor.at] ?? "";
  cursor.at += 1;
  if (char === "\\") return escaped(cursor);
  const code = char.codePointAt(0) ?? 0;
  return { accepts: exactly(code), code };
}

function escaped(cursor: Cursor): { accepts: Accepts; code?: number } {
  const char = cursor.chars[cursor.at] ?? "";
  cursor.at += 1;
  const known = ESCAPED_CLASSES[char.toLowerCase()];
  if (known !== undefined) {
    return { accepts: char === char.toLowerCase() ? known : (code) => !known(code) };
  }
  const control = { n: 10, r: 13, t: 9 }[char];
  if (control === undefined && (char === "" || /[A-Za-z0-9]/.test(char))) {
    throw new Unsupported(`\\${char} is not supported`);
  }
  const code = control ?? char.codePointAt(0) ?? 0;
  return { accepts: exactly(code), code };
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
