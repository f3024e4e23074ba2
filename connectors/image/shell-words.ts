// The small part of shell language that Dockerfiles have: words, quotes, and variables. Pure.

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
    } else if (/\s/.test(character)) {
      if (word !== "") words.push(word);
      word = "";
    } else word += character;
  }
  return word === "" ? words : [...words, word];
}

/** The value of a word: quotes and escapes gone, variables left as they are written. */
export function unquote(word: string, escapeWith: string): string {
  return expand(word, escapeWith, undefined);
}

/**
 * The value of a word: quotes and escapes gone, `$name`, `${name}`, `${name:-default}`, `${name-default}`,
 * `${name:+other}` and `${name+other}` filled in. An unknown variable is empty. Nothing in single quotes is filled in.
 */
export function expandWord(word: string, escapeWith: string, lookup: (name: string) => string | undefined): string {
  return expand(word, escapeWith, lookup);
}

/** Fills in variables and keeps quotes: for heredocs. */
export function expandText(text: string, escapeWith: string, lookup: (name: string) => string | undefined): string {
  let result = "";
  for (let at = 0; at < text.length; ) {
    if (text.charAt(at) === escapeWith && text.charAt(at + 1) === "$") {
      result += "$";
      at += 2;
    } else if (text.charAt(at) === "$") {
      const variable = readVariable(text, at, escapeWith, lookup);
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
    } else if (character === escapeWith && at + 1 < word.length) {
      const next = word.charAt(at + 1);
      // Inside double quotes only these lose their escape character.
      result += quote === '"' && !['"', "$", escapeWith].includes(next) ? escapeWith + next : next;
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
  return result;
}

/** Reads the variable that begins with the `$` at `at`. A `$` that begins none stays. */
function readVariable(
  text: string,
  at: number,
  escapeWith: string,
  lookup: (name: string) => string | undefined,
): { value: string; end: number } {
  const plain = /^\$([a-zA-Z_][a-zA-Z0-9_]*)/.exec(text.slice(at));
  if (plain) return { value: lookup(plain[1] ?? "") ?? "", end: at + plain[0].length };
  const open = /^\$\{([a-zA-Z_][a-zA-Z0-9_]*)(:?[-+])?/.exec(text.slice(at));
  const end = open ? closingBrace(text, at + open[0].length, escapeWith) : -1;
  if (!open || end === -1) return { value: "$", end: at + 1 };
  const value = lookup(open[1] ?? "");
  const operator = open[2];
  const other = text.slice(at + open[0].length, end);
  if (operator === undefined) {
    return other === "" ? { value: value ?? "", end: end + 1 } : { value: "$", end: at + 1 };
  }
  const set = operator.startsWith(":") ? value !== undefined && value !== "" : value !== undefined;
  const takeOther = operator.endsWith("-") ? !set : set;
  const chosen = takeOther ? expand(other, escapeWith, lookup) : operator.endsWith("-") ? (value ?? "") : "";
  return { value: chosen, end: end + 1 };
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
