// Expressions of GitHub Actions, said in CEL. Pure.

import { quoted, Untranslatable } from "./expression.ts";

export type Names = {
  /** The CEL expression for a name such as `matrix.node`. Throws Untranslatable. */
  readonly of: (path: readonly string[]) => string;
};

type Token = { readonly kind: "name" | "text" | "number" | "sign" | "end"; readonly text: string };

const TOKEN =
  /\s*(?:(?<name>[A-Za-z_][A-Za-z0-9_-]*)|(?<text>'(?:[^']|'')*')|(?<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?))|(?<sign>&&|\|\||==|!=|<=|>=|[!<>()[\].,*]))/y;

/** GitHub's functions about the state of a job, as conditions over `status`. */
const STATUS: { readonly [name: string]: string } = {
  always: "true",
  failure: 'status == "failed"',
  cancelled: 'status == "canceled"',
  success: 'status == "succeeded"',
};

/** Binds as tightly as the operator that made it, so that parentheses are only written where they are needed. */
type Part = {
  readonly text: string;
  readonly level: number;
  /** Made by `condition && 'text'`, and by several of them with `||`: what is chosen, in order. */
  readonly choices?: readonly Choice[];
};
type Choice = { readonly condition: Part; readonly chosen: Part };
const LEVELS = { choice: 0, or: 1, and: 2, compare: 3, not: 4, atom: 5 } as const;

/** The CEL expression that means the same. Throws Untranslatable. */
export function translate(source: string, names: Names): string {
  const tokens = tokenize(source);
  let at = 0;
  const peek = (): Token => tokens[at] ?? { kind: "end", text: "" };
  const take = (text: string): boolean => {
    if (peek().kind !== "sign" || peek().text !== text) return false;
    at += 1;
    return true;
  };
  const need = (text: string): void => {
    if (!take(text)) throw new Untranslatable(`the expression ${source} is not complete`);
  };

  const or = (): Part => {
    let left = and();
    while (take("||")) left = either(left, and());
    return left;
  };
  const and = (): Part => {
    let left = compare();
    while (take("&&")) left = both(left, compare());
    return left;
  };
  const compare = (): Part => {
    const left = unary();
    const sign = ["==", "!=", "<=", ">=", "<", ">"].find((one) => take(one));
    if (sign === undefined) return left;
    const right = unary();
    const text = `${within(left, LEVELS.compare + 1)} ${sign} ${within(right, LEVELS.compare + 1)}`;
    return { text, level: LEVELS.compare };
  };
  const unary = (): Part => {
    if (take("!")) return { text: `!${within(unary(), LEVELS.not)}`, level: LEVELS.not };
    return atom();
  };
  const atom = (): Part => {
    if (take("(")) {
      const inner = or();
      need(")");
      return inner;
    }
    const token = peek();
    at += 1;
    if (token.kind === "text") return isAtom(quoted(token.text.slice(1, -1).replaceAll("''", "'")));
    if (token.kind === "number") return isAtom(String(Number(token.text)));
    if (token.kind !== "name") throw new Untranslatable(`the expression ${source} is not complete`);
    if (["true", "false", "null"].includes(token.text)) return isAtom(token.text);
    return peek().text === "(" && peek().kind === "sign" ? call(token.text) : isAtom(names.of(path(token.text)));
  };
  const path = (first: string): readonly string[] => {
    const names = [first];
    for (;;) {
      if (take(".")) {
        if (take("*")) throw new Untranslatable("`.*` has no counterpart: write `list.map(x, x.name)`");
        names.push(peek().text);
        at += 1;
      } else if (take("[")) {
        const token = peek();
        if (token.kind !== "text") throw new Untranslatable("`[…]` with anything but a text has no counterpart");
        names.push(token.text.slice(1, -1));
        at += 1;
        need("]");
      } else return names;
    }
  };
  const call = (name: string): Part => {
    need("(");
    const args: Part[] = [];
    while (!take(")")) {
      if (args.length > 0) need(",");
      args.push(or());
    }
    return ofFunction(name, args);
  };

  const whole = or();
  if (peek().kind !== "end") throw new Untranslatable(`the expression ${source} cannot be read`);
  return whole.text;
}

/** `a && 'text'`: GitHub's way to choose. CEL has only true and false around `&&`. */
function both(left: Part, right: Part): Part {
  if (isText(right)) return chosenBy([{ condition: left, chosen: right }]);
  return { text: `${within(left, LEVELS.and)} && ${within(right, LEVELS.and + 1)}`, level: LEVELS.and };
}

/** `a || 'text'`: the first that is not empty. */
function either(left: Part, right: Part): Part {
  if (left.choices)
    return right.choices ? chosenBy([...left.choices, ...right.choices]) : chosenBy(left.choices, right);
  if (isText(left) || isText(right)) {
    const isThere = `${within(left, LEVELS.compare + 1)} != ""`;
    return chosenBy([{ condition: { text: isThere, level: LEVELS.compare }, chosen: left }], right);
  }
  return { text: `${within(left, LEVELS.or)} || ${within(right, LEVELS.or + 1)}`, level: LEVELS.or };
}

/** Without `otherwise`, more choices may follow. */
function chosenBy(choices: readonly Choice[], otherwise?: Part): Part {
  const parts = choices.map(
    ({ condition, chosen }) => `${within(condition, LEVELS.or)} ? ${within(chosen, LEVELS.or)} : `,
  );
  const text = `${parts.join("")}${otherwise === undefined ? '""' : within(otherwise, LEVELS.choice)}`;
  return { text, level: LEVELS.choice, ...(otherwise === undefined ? { choices } : {}) };
}

/** A literal text, or a name that gives an empty text when it is missing. */
function isText({ text, level }: Part): boolean {
  return level === LEVELS.atom && (text.startsWith('"') || /(?:\.orValue\(""\)|: ""\))$/.test(text));
}

function ofFunction(name: string, args: readonly Part[]): Part {
  const [first = isAtom('""'), second = isAtom('""')] = args;
  const status = STATUS[name.toLowerCase()];
  if (status !== undefined) return { text: status, level: name === "always" ? LEVELS.atom : LEVELS.compare };
  const on = (method: string): Part => isAtom(`${within(first, LEVELS.atom)}.${method}(${second.text})`);
  switch (name.toLowerCase()) {
    case "contains":
      return on("contains");
    case "startswith":
      return on("startsWith");
    case "endswith":
      return on("endsWith");
    case "join":
      return on("join");
    case "tojson":
      return isAtom(`toJson(${first.text})`);
    case "fromjson":
      return isAtom(`fromJson(${first.text})`);
    case "format":
      return { text: formatted(args), level: LEVELS.compare };
    default:
      throw new Untranslatable(`the function ${name}() has no counterpart`);
  }
}

/** `format('a{0}b', x)` joins texts. */
function formatted([template, ...values]: readonly Part[]): string {
  const text: unknown = template?.text.startsWith('"') ? JSON.parse(template.text) : undefined;
  if (typeof text !== "string") throw new Untranslatable("format() without a literal text has no counterpart");
  const parts = text.split(/\{(\d+)\}/).flatMap((part, index) => {
    if (index % 2 === 0) return part === "" ? [] : [quoted(part)];
    const value = values[Number(part)];
    if (!value) throw new Untranslatable(`format() has no value for {${part}}`);
    return [`string(${value.text})`];
  });
  return parts.join(" + ") || '""';
}

function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (source.slice(TOKEN.lastIndex).trim() !== "") {
    const from = TOKEN.lastIndex;
    const { groups } = TOKEN.exec(source) ?? {};
    if (!groups) throw new Untranslatable(`the expression has ${source.slice(from).trim().slice(0, 20)}`);
    const kind = (["name", "text", "number", "sign"] as const).find((one) => groups[one] !== undefined) ?? "sign";
    tokens.push({ kind, text: groups[kind] ?? "" });
  }
  return tokens;
}

function within({ text, level }: Part, needed: number): string {
  return level < needed ? `(${text})` : text;
}

function isAtom(text: string): Part {
  return { text, level: LEVELS.atom };
}
