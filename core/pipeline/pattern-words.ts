// A regular expression in words, for people who fill in a form: `^[a-z][a-z0-9-]*$` is "a lower case letter, then any number
// of lower case letters, digits and `-`".

const RANGES: { readonly [range: string]: readonly [one: string, many: string] } = {
  "a-z": ["lower case letter", "lower case letters"],
  "A-Z": ["capital letter", "capital letters"],
  "a-Z": ["letter", "letters"],
  "0-9": ["digit", "digits"],
  "a-f": ["letter from a to f", "letters from a to f"],
  "A-F": ["letter from A to F", "letters from A to F"],
};
const PART =
  /\[(?<members>[^\][^\\]+)\](?<times>[*+?]|\{\d+(?:,\d*)?\})?|(?<text>(?:[A-Za-z0-9:/_@ -]|\\[./_+-])+)(?![*+?{])/y;

/** Undefined unless the pattern is a sequence of texts and character classes from start to end. */
export function patternInWords(pattern: string): string | undefined {
  if (!pattern.startsWith("^") || !pattern.endsWith("$")) return undefined;
  const body = pattern.slice(1, -1);
  const words: string[] = [];
  PART.lastIndex = 0;
  while (PART.lastIndex < body.length) {
    const groups = PART.exec(body)?.groups;
    if (groups === undefined) return undefined;
    const { members = "", times, text } = groups;
    words.push(text === undefined ? classInWords(members, times) : `\`${text.replaceAll("\\", "")}\``);
  }
  return words.length === 0 ? undefined : words.join(", then ");
}

function classInWords(members: string, times: string | undefined): string {
  const isOne = times === undefined || times === "?";
  members = members.replace(/A-Z(.*)a-z|a-z(.*)A-Z/, "a-Z$1$2");
  const found = membersOf(members).map(([one, many]) => (isOne ? one : many));
  if (isOne) return `${times === "?" ? "perhaps " : ""}${article(found[0] ?? "")}${list(found, "or")}`;
  const [, min, max] = /^\{(\d+)(,\d*)?\}$/.exec(times) ?? [];
  const all = list(found, "and");
  if (times === "*") return `any number of ${all}`;
  if (times === "+") return `one or more ${all}`;
  if (max === undefined) return `${min} ${all}`;
  const most = max.slice(1);
  return most === "" ? `at least ${min} ${all}` : `${min} to ${most} ${all}`;
}

function membersOf(members: string): readonly (readonly [one: string, many: string])[] {
  const found: (readonly [string, string])[] = [];
  for (let at = 0; at < members.length; ) {
    const range = members.slice(at, at + 3);
    const words = RANGES[range];
    const isRange = range.length === 3 && range[1] === "-";
    const text = `\`${isRange ? range : members[at]}\``;
    found.push(words ?? [text, text]);
    at += isRange ? 3 : 1;
  }
  return found;
}

function article(word: string): string {
  return word.startsWith("`") ? "" : "a ";
}

function list(words: readonly string[], joint: "and" | "or"): string {
  const [last, ...before] = words.toReversed();
  return before.length === 0 ? (last ?? "") : `${before.toReversed().join(", ")} ${joint} ${last}`;
}
