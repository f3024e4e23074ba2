// A regular expression in words, for people who fill in a form: `^[a-z][a-z0-9-]*$` is "a lower case letter, then any number
// of lower case letters, digits and `-`".

type Words = readonly [one: string, many: string];

const RANGES: { readonly [range: string]: Words } = {
  "a-z": ["lower case letter", "lower case letters"],
  "A-Z": ["capital letter", "capital letters"],
  "a-Z": ["letter", "letters"],
  "0-9": ["digit", "digits"],
  "a-f": ["letter from a to f", "letters from a to f"],
  "A-F": ["letter from A to F", "letters from A to F"],
};
const ANY: Words = ["character", "characters"];
const SPACE: Words = ["space", "spaces"];
const CLASSES: { readonly [name: string]: readonly Words[] } = {
  "\\d": [["digit", "digits"]],
  "\\w": [["letter", "letters"], ["digit", "digits"], quoted("_")],
  "\\s": [SPACE],
  "\\S": [["character other than a space", "characters other than spaces"]],
};

const OPEN = /\((?:\?:)?/y;
const MEMBERS = /\[(?<negated>\^?)(?<members>(?:[^\][\\]|\\.)+)\]|(?<named>\\[dwsS])|(?<dot>\.)/y;
const TEXT = /(?:[A-Za-z0-9:/_@#=,;!%&"'~ -]|\\[^A-Za-z0-9])/y;
const TIMES = /(?:[*+?]|\{\d+(?:,\d*)?\})\??/y;
/** Longer words help nobody. */
const MAX_WORDS = 300;

/** Undefined for a pattern with something that these words do not have, such as a look-ahead, and for one that is too long. */
export function patternInWords(pattern: string): string | undefined {
  const begins = pattern.startsWith("^");
  const ends = /(?:^|[^\\])(?:\\\\)*\$$/.test(pattern);
  const reader = { text: pattern.slice(begins ? 1 : 0, ends ? -1 : undefined), at: 0 };
  const found = alternatives(reader);
  if (found === undefined || reader.at < reader.text.length) return undefined;
  // An anchor belongs to one alternative only: `^a|b$` begins with a or ends with b.
  if (found.length > 1 && (begins || ends)) return undefined;
  const words = list(found, "or");
  if (words === "" || words.length > MAX_WORDS) return undefined;
  if (begins && ends) return words;
  return `text that ${begins ? "begins with" : ends ? "ends with" : "contains"} ${words}`;
}

type Reader = { readonly text: string; at: number };

function next(reader: Reader, expected: RegExp): RegExpExecArray | undefined {
  expected.lastIndex = reader.at;
  const found = expected.exec(reader.text);
  if (found !== null) reader.at = expected.lastIndex;
  return found ?? undefined;
}

function alternatives(reader: Reader): readonly string[] | undefined {
  const found: string[] = [];
  for (;;) {
    const words = sequence(reader);
    if (words === undefined) return undefined;
    found.push(words);
    if (reader.text[reader.at] !== "|") break;
    reader.at += 1;
  }
  if (found.length === 1) return found;
  return found.includes("") ? undefined : found.map((one) => (one.includes(", then ") ? `(${one})` : one));
}

function sequence(reader: Reader): string | undefined {
  const words: string[] = [];
  let plain = "";
  const flush = (): void => {
    if (plain !== "") words.push(`\`${plain}\``);
    plain = "";
  };
  while (reader.at < reader.text.length && !"|)".includes(reader.text[reader.at] ?? "")) {
    const found = part(reader);
    if (found === undefined) return undefined;
    if (typeof found !== "string") {
      plain += found.plain;
      continue;
    }
    flush();
    words.push(found);
  }
  flush();
  return words.join(", then ");
}

/** `plain`: a character that stands for itself, once. Several of them are one text. */
function part(reader: Reader): string | { readonly plain: string } | undefined {
  if (next(reader, OPEN)) {
    const inner = reader.text[reader.at] === "?" ? undefined : alternatives(reader);
    if (inner === undefined || inner[0] === "" || reader.text[reader.at] !== ")") return undefined;
    reader.at += 1;
    const words = list(inner, "or");
    const whole = /^`[^`]*`$/.test(words) ? words : `(${words})`;
    const times = next(reader, TIMES)?.[0];
    return times === undefined ? words : timesInWords([whole, whole], times);
  }
  const { negated = "", members, named, dot } = next(reader, MEMBERS)?.groups ?? {};
  if (members !== undefined || named !== undefined || dot !== undefined) {
    const found = members === undefined ? (CLASSES[named ?? ""] ?? [ANY]) : membersOf(members);
    const times = next(reader, TIMES)?.[0];
    if (negated === "")
      return timesInWords(
        [
          one(found),
          list(
            found.map(([, many]) => many),
            "and",
          ),
        ],
        times,
      );
    const others = list(
      found.map(([, many]) => many),
      "and",
    );
    return timesInWords([`a character other than ${others}`, `characters other than ${others}`], times);
  }
  const text = next(reader, TEXT)?.[0].replace(/^\\/, "");
  if (text === undefined) return undefined;
  const times = next(reader, TIMES)?.[0];
  return times === undefined ? { plain: text } : timesInWords(quoted(text), times);
}

function timesInWords([single, many]: Words, times: string | undefined): string {
  const [, min, max] = /^\{(\d+)(,\d*)?\}/.exec(times ?? "") ?? [];
  if (times === undefined) return single;
  if (times.startsWith("?")) return `perhaps ${single}`;
  if (times.startsWith("*")) return `any number of ${many}`;
  if (times.startsWith("+")) return `one or more ${many}`;
  if (max === undefined) return `${min} ${many}`;
  const most = max.slice(1);
  return most === "" ? `at least ${min} ${many}` : `${min} to ${most} ${many}`;
}

function membersOf(members: string): readonly Words[] {
  const found: Words[] = [];
  for (const [member] of members.replace(/A-Z(.*)a-z|a-z(.*)A-Z/, "a-Z$1$2").matchAll(/[^\\]-[^\\]|\\.|[^\\]/g)) {
    found.push(
      ...(RANGES[member]
        ? [RANGES[member]]
        : (CLASSES[member] ?? [member === " " ? SPACE : quoted(member.replace(/^\\/, ""))])),
    );
  }
  return found;
}

function quoted(text: string): Words {
  return [`\`${text}\``, `\`${text}\``];
}

function one(words: readonly Words[]): string {
  const [first = ""] = words.map(([single]) => single);
  return `${first.startsWith("`") ? "" : "a "}${list(
    words.map(([single]) => single),
    "or",
  )}`;
}

function list(words: readonly string[], joint: "and" | "or"): string {
  const [last, ...before] = words.toReversed();
  return before.length === 0 ? (last ?? "") : `${before.toReversed().join(", ")} ${joint} ${last}`;
}
