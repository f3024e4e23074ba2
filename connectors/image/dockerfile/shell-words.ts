// Words and quotes of Dockerfiles. Pure. `expansion.ts` fills in variables.

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

/** The value of a word: quotes and escapes removed, variables left as they are written. A quote may be open. */
export function unquote(word: string, escapeWith: string): string {
  let result = "";
  let quote = "";
  for (let at = 0; at < word.length; at++) {
    const character = word.charAt(at);
    if (character === escapeWith && quote !== "'") result += escaped(word.charAt(++at), quote === '"', escapeWith);
    else if (character === quote) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) quote = character;
    else result += character;
  }
  return result;
}

/** What an escape character makes of the one behind it. At the end of a word, where `next` is "", it escapes nothing and goes. */
export function escaped(next: string, inDoubleQuotes: boolean, escapeWith: string): string {
  // Inside double quotes only these lose their escape character.
  return inDoubleQuotes && !['"', "$", escapeWith, ""].includes(next) ? escapeWith + next : next;
}
