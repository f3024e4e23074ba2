// The small part of shell language that Dockerfiles have: words, quotes, and variables. Pure.

import { truncate } from "@gantry/core/truncate.ts";

/** Splits at spaces outside of quotes. Words keep their quotes and escapes. */
export function splitWords(text: string, escapeWith: string): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === escapeWith && quote !== "'") {
      word += character + text.charAt(++at);
    } else if (quote !== "") {
      if (character === quote) quote = "";
      word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word += character;
    } else if (/[ \t\r\n\v\f]/.test(character)) {
      if (word !== "") words.push(word);
      word = "";
    } else word += character;
  }
  return word === "" ? words : [...words, word];
}

/** The value of a word: quotes and escapes removed, variables left as they are written. */
export function unquote(word: string, escapeWith: string): string {
  return expand(word, escapeWith, undefined);
}

/** What is wrong with a word: a quote or brace that is never closed, an unknown operator, a variable that must be set. */
export class ExpansionError extends Error {
  override readonly name = "ExpansionError";
}

/** The word is well formed, but builders give it different values. */
export class AmbiguousError extends Error {
  override readonly name = "AmbiguousError";
}

/**
 * The value of a word as BuildKit makes it: quotes and escapes removed, `$name`, `${name}` and the operators `:-`, `-`, `:+`,
 * `+`, `:?`, `?`, `#`, `##`, `%`, `%%`, `/` and `//` filled in. An unknown variable is empty. Throws `ExpansionError` and `AmbiguousError`.
 */
export function expandWord(word: string, escapeWith: string, lookup: (name: string) => string | undefined): string {
  return expand(word, escapeWith, lookup);
}

/**
 * Fills in variables and keeps quotes, for heredocs, as BuildKit does: a backslash goes, and the character behind it stays as
 * it is, whatever the escape character of the Dockerfile is. Throws `ExpansionError`.
 */
export function expandText(text: string, lookup: (name: string) => string | undefined): string {
  const escapeWith = "\\";
  let result = "";
  for (let at = 0; at < text.length; ) {
    if (text.charAt(at) === escapeWith) {
      result += text.charAt(at + 1);
      at += 2;
    } else if (text.charAt(at) === "$") {
      const variable = readVariable(text, at, escapeWith, lookup, true);
      result += variable.value;
      at = variable.end;
    } else result += text.charAt(at++);
  }
  return result;
}

type Lookup = ((name: string) => string | undefined) | undefined;

function expand(word: string, escapeWith: string, lookup: Lookup): string {
  let result = "";
  let quote = "";
  for (let at = 0; at < word.length; ) {
    const character = word.charAt(at);
    if (quote === "'") {
      if (character === "'") quote = "";
      else result += character;
      at++;
    } else if (character === escapeWith) {
      // At the end of a word it escapes nothing, and goes.
      const next = word.charAt(at + 1);
      // Inside double quotes only these lose their escape character.
      result += quote === '"' && !['"', "$", escapeWith, ""].includes(next) ? escapeWith + next : next;
      at += 2;
    } else if (character === quote) {
      quote = "";
      at++;
    } else if (quote === "" && (character === '"' || character === "'")) {
      quote = character;
      at++;
    } else if (character === "$" && lookup) {
      const variable = readVariable(word, at, escapeWith, lookup);
      result += variable.value;
      at = variable.end;
    } else {
      result += character;
      at++;
    }
  }
  if (quote !== "" && lookup) throw new ExpansionError(`the quote ${quote} in ${truncate(word, 60)} is never closed`);
  return result;
}

/** Names of variables, with the letters of all languages, and the parameters of shells: of these, BuildKit makes nothing and Buildah leaves some as they are. */
const NAME = /(?:[\p{L}_][\p{L}\p{Nd}_]*|\p{Nd}+|[@*#?$!-])/uy;

/** Reads the variable that begins with the `$` at `at`. A `$` before anything else stays. */
function readVariable(
  text: string,
  at: number,
  escapeWith: string,
  lookup: (name: string) => string | undefined,
  keepsQuotes = false,
): { value: string; end: number } {
  const isBraced = text.charAt(at + 1) === "{";
  const start = at + (isBraced ? 2 : 1);
  NAME.lastIndex = start;
  const name = NAME.exec(text)?.[0];
  const isShells = name !== undefined && /^[@*#?$!-]$/.test(name);
  if (isShells && (!isBraced || text.charAt(start + 1) === "}"))
    throw new AmbiguousError(`names the variable ${name} of a shell`);
  if (!isBraced)
    return name === undefined ? { value: "$", end: at + 1 } : { value: lookup(name) ?? "", end: start + name.length };
  const end = closingBrace(text, start, escapeWith);
  const written = truncate(text.slice(at, end === -1 ? undefined : end + 1), 60);
  if (end === -1) throw new ExpansionError(`the brace of ${written} is never closed`);
  if (name === undefined) throw new ExpansionError(`there is no name of a variable in ${written}`);
  const rest = text.slice(start + name.length, end);
  return { value: substitute({ name, rest, written, escapeWith, lookup, keepsQuotes }), end: end + 1 };
}

type Substitution = {
  readonly name: string;
  /** The operator and its word. */
  readonly rest: string;
  readonly written: string;
  readonly escapeWith: string;
  readonly lookup: (name: string) => string | undefined;
  /** Quotes are text, as everywhere in a heredoc. */
  readonly keepsQuotes: boolean;
};

function substitute({ name, rest, written, escapeWith, lookup, keepsQuotes }: Substitution): string {
  const value = lookup(name);
  if (rest === "") return value ?? "";
  const [, operator = "", word = ""] = /^(:[-+?]|[-+?]|##?|%%?|\/\/?)(.*)$/s.exec(rest) ?? [];
  const filled = (): string => (keepsQuotes ? expandText(word, lookup) : expand(word, escapeWith, lookup));
  if (keepsQuotes && /^[#%/]/.test(operator) && /["']/.test(word))
    throw new AmbiguousError(`has quotes in the pattern of ${written}`);
  const isSet = value !== undefined && !(operator.startsWith(":") && value === "");
  switch (operator.replace(":", "")) {
    case "-":
      return isSet ? value : filled();
    case "+":
      return isSet ? filled() : "";
    case "?":
      if (isSet) return value;
      throw new ExpansionError(`${name}: ${filled() || (value === undefined ? "it is not set" : "it is empty")}`);
    case "#":
    case "##":
      return (value ?? "").replace(patternOf(patternText(word, escapeWith, lookup), operator === "##", "^", ""), "");
    case "%":
    case "%%":
      return withoutSuffix(value ?? "", patternText(word, escapeWith, lookup), operator === "%%");
    case "/":
    case "//":
      return replaced(value ?? "", word, operator === "//", escapeWith, lookup);
    default:
      throw new ExpansionError(`${written} has an operator that Dockerfiles do not have`);
  }
}

/** `%` takes the shortest end that fits, `%%` the longest. */
function withoutSuffix(value: string, pattern: string, longest: boolean): string {
  const whole = patternOf(pattern, true, "^", "$");
  const starts = Array.from({ length: value.length + 1 }, (_, at) => at);
  const at = (longest ? starts : starts.reverse()).find((start) => whole.test(value.slice(start)));
  return at === undefined ? value : value.slice(0, at);
}

function replaced(value: string, word: string, all: boolean, escapeWith: string, lookup: Lookup): string {
  const slash = firstSlash(word, escapeWith);
  const pattern = patternText(slash === -1 ? word : word.slice(0, slash), escapeWith, lookup);
  const by = slash === -1 ? "" : expand(word.slice(slash + 1), escapeWith, lookup);
  if (pattern === "") return value;
  const regex = patternOf(pattern, true, "", "");
  return value.replace(all ? new RegExp(regex.source, "gs") : regex, () => by);
}

function firstSlash(word: string, escapeWith: string): number {
  for (let at = 0; at < word.length; at++) {
    if (word.charAt(at) === escapeWith) at++;
    else if (word.charAt(at) === "/") return at;
  }
  return -1;
}

/** A pattern keeps its escapes, apart from those that only the braces need. */
function patternText(word: string, escapeWith: string, lookup: Lookup): string {
  let result = "";
  for (let at = 0; at < word.length; at++) {
    const character = word.charAt(at);
    if (character === escapeWith && at + 1 < word.length) {
      const next = word.charAt(++at);
      result += next === "}" || next === "/" ? next : `\\${next}`;
    } else if (character === "$" && lookup) {
      const variable = readVariable(word, at, escapeWith, lookup);
      result += variable.value;
      at = variable.end - 1;
    } else if (character !== '"' && character !== "'") result += character;
  }
  return result;
}

/** `*` and `?` of a shell pattern; `\` takes the next character as it is. Brackets have no meaning, as in BuildKit. */
function patternOf(pattern: string, longest: boolean, before: string, after: string): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === "*") source += longest ? ".*" : ".*?";
    else if (character === "?") source += ".";
    else source += escaped(character === "\\" && at + 1 < pattern.length ? pattern.charAt(++at) : character);
  }
  return new RegExp(before + source + after, "s");
}

function escaped(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/-]/, "\\$&");
}

function closingBrace(text: string, from: number, escapeWith: string): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text.charAt(at) === escapeWith) at++;
    else if (text.startsWith("${", at)) depth++;
    else if (text.charAt(at) === "}" && --depth === 0) return at;
  }
  return -1;
}
