// Fills in the variables of Dockerfiles, as BuildKit reads them. Pure.

import { truncate } from "@gantry/core/truncate.ts";
import { readShellPattern, replaceMatches, type ShellPattern, withoutPrefix, withoutSuffix } from "./shell-pattern.ts";
import { escaped } from "./shell-words.ts";

/** What is wrong with a word: a quote or brace that is never closed, an unknown operator, a variable that must be set. */
export class ExpansionError extends Error {
  override readonly name = "ExpansionError";
}

/** The word is well formed, but builders give it different values. */
export class AmbiguousError extends Error {
  override readonly name = "AmbiguousError";
}

type Lookup = (name: string) => string | undefined;

/**
 * The value of a word as BuildKit makes it: quotes and escapes removed, `$name`, `${name}` and the operators `:-`, `-`, `:+`,
 * `+`, `:?`, `?`, `#`, `##`, `%`, `%%`, `/` and `//` filled in. An unknown variable is empty. Throws `ExpansionError` and `AmbiguousError`.
 */
export function expandWord(word: string, escapeWith: string, lookup: Lookup): string {
  return new ExpansionReader(word, escapeWith, lookup, false).read();
}

/**
 * Fills in variables and keeps quotes, for heredocs, as BuildKit does: a backslash goes, and the character behind it stays as
 * it is, whatever the escape character of the Dockerfile is. Throws `ExpansionError` and `AmbiguousError`.
 */
export function expandText(text: string, lookup: Lookup): string {
  return new ExpansionReader(text, "\\", lookup, true).read();
}

/** Names of variables, with the letters of all languages, and the parameters of shells: of these, BuildKit makes nothing and Buildah leaves some as they are. */
const NAME = /(?:[\p{L}_][\p{L}\p{Nd}_]*|\p{Nd}+|[@*#?$!-])/uy;

/** Reads a text once, from its beginning to its end. What stands in a brace is read in the same way, quotes included. */
class ExpansionReader {
  readonly #text: string;
  readonly #escapeWith: string;
  readonly #lookup: Lookup;
  /** Quotes are text, as everywhere in a heredoc. */
  readonly #keepsQuotes: boolean;
  #at = 0;

  constructor(text: string, escapeWith: string, lookup: Lookup, keepsQuotes: boolean) {
    this.#text = text;
    this.#escapeWith = escapeWith;
    this.#lookup = lookup;
    this.#keepsQuotes = keepsQuotes;
  }

  read(): string {
    return this.#until("", false) ?? "";
  }

  /** What stands before `stop`, which is taken as well; undefined if it never comes. `isRaw`: escape characters stay, for patterns. */
  #until(stop: string, isRaw: boolean): string | undefined {
    let result = "";
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      if (character === "$") {
        result += this.#variable();
        continue;
      }
      this.#at++;
      if (character === stop) return result;
      if (character === this.#escapeWith) result += (isRaw ? character : "") + this.#text.charAt(this.#at++);
      else if (character === "'" && !this.#keepsQuotes) result += this.#singleQuoted();
      else if (character === '"' && !this.#keepsQuotes) result += this.#doubleQuoted(isRaw);
      else result += character;
    }
    return stop === "" ? result : undefined;
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at);
    if (end === -1) throw this.#openQuote("'");
    const quoted = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    return quoted;
  }

  #doubleQuoted(isRaw: boolean): string {
    let result = "";
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      if (character === "$") {
        result += this.#variable();
        continue;
      }
      this.#at++;
      if (character === '"') return result;
      if (character !== this.#escapeWith) result += character;
      else result += (isRaw ? character : "") + escaped(this.#text.charAt(this.#at++), true, this.#escapeWith);
    }
    throw this.#openQuote('"');
  }

  #openQuote(quote: string): ExpansionError {
    return new ExpansionError(`the quote ${quote} in ${truncate(this.#text, 60)} is never closed`);
  }

  /** Reads the variable that begins with the `$` here. A `$` before anything else stays. */
  #variable(): string {
    const from = this.#at;
    const isBraced = this.#text.charAt(from + 1) === "{";
    this.#at += isBraced ? 2 : 1;
    NAME.lastIndex = this.#at;
    const name = NAME.exec(this.#text)?.[0];
    this.#at += name?.length ?? 0;
    const isShells = name !== undefined && /^[@*#?$!-]$/.test(name);
    if (isShells && (!isBraced || this.#text.charAt(this.#at) === "}"))
      throw new AmbiguousError(`names the variable ${name} of a shell`);
    if (!isBraced) return name === undefined ? "$" : (this.#lookup(name) ?? "");
    if (this.#at >= this.#text.length) throw this.#openBrace(from);
    if (name === undefined) throw new ExpansionError(`there is no name of a variable in ${this.#written(from)}`);
    return this.#substituted(name, from);
  }

  /** Reads the operator and what it works with, and the brace that closes it. */
  #substituted(name: string, from: number): string {
    OPERATOR.lastIndex = this.#at;
    const operator = OPERATOR.exec(this.#text)?.[0];
    if (operator === undefined)
      throw new ExpansionError(`${this.#written(from)} has an operator that Dockerfiles do not have`);
    this.#at += operator.length;
    const value = this.#lookup(name);
    if (operator === "}") return value ?? "";
    if (/^[#%/]/.test(operator)) return this.#matched(value ?? "", operator, from);
    const word = this.#until("}", false);
    if (word === undefined) throw this.#openBrace(from);
    const isSet = value !== undefined && !(operator.startsWith(":") && value === "");
    if (operator.endsWith("+")) return isSet ? word : "";
    if (isSet) return value;
    if (operator.endsWith("-")) return word;
    throw new ExpansionError(`${name}: ${word || (value === undefined ? "it is not set" : "it is empty")}`);
  }

  /** The operators with a pattern. */
  #matched(value: string, operator: string, from: number): string {
    const isReplaced = operator.startsWith("/");
    const text = this.#until(isReplaced ? "/" : "}", true);
    if (text === undefined && isReplaced && this.#text.indexOf("}", from) !== -1)
      throw new ExpansionError(`${this.#written(from)} has no / between the pattern and what replaces it`);
    const by = isReplaced ? this.#until("}", true) : "";
    if (text === undefined || by === undefined) throw this.#openBrace(from);
    const written = truncate(this.#text.slice(from, this.#at), 60);
    if (this.#keepsQuotes && /["']/.test(this.#text.slice(from, this.#at)))
      throw new AmbiguousError(`has quotes in the pattern of ${written}`);
    // BuildKit takes it for the number of a group, and drops it.
    if (operator === "//" && by.includes("$")) throw new AmbiguousError(`has a $ in what replaces in ${written}`);
    const pattern = patternOf(text, written);
    if (isReplaced) return replaceMatches(value, pattern, by, operator === "//");
    const isLongest = operator.length === 2;
    return operator.startsWith("#")
      ? withoutPrefix(value, pattern, isLongest)
      : withoutSuffix(value, pattern, isLongest);
  }

  #openBrace(from: number): ExpansionError {
    return new ExpansionError(`the brace of ${truncate(this.#text.slice(from), 60)} is never closed`);
  }

  /** As much of the variable as a message shows. */
  #written(from: number): string {
    const end = this.#text.indexOf("}", from);
    return truncate(this.#text.slice(from, end === -1 ? undefined : end + 1), 60);
  }
}

const OPERATOR = /\}|:[-+?]|[-+?]|##?|%%?|\/\/?/y;

function patternOf(text: string, written: string): ShellPattern {
  const pattern = readShellPattern(text);
  if (typeof pattern !== "string") return pattern;
  throw new ExpansionError(
    `${written} has ${pattern} in its pattern: a backslash stands before *, ?, /, } and \\ only`,
  );
}
