// One zod issue in words, as a predicate for the name of the value: "must be text".

import type { z } from "zod";
import { counted } from "./count.ts";
import { patternInWords } from "./pattern/pattern-words.ts";

/**
 * An issue of any kind except unknown keys, whose sentences are about the keys. A message from the schema takes precedence.
 */
export function issueInWords(issue: z.core.$ZodIssue): string {
  const own = ownMessage(issue);
  switch (issue.code) {
    case "invalid_type":
      return own ?? `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return own ?? `must be ${oneOf(issue.values.map(String))}`;
    case "too_small":
      return own ?? `must ${limitInWords(issue, "at least", "more than", Number(issue.minimum))}`;
    case "too_big":
      return own ?? `must ${limitInWords(issue, "at most", "less than", Number(issue.maximum))}`;
    case "not_multiple_of":
      return own ?? `must be a multiple of ${issue.divisor}`;
    case "invalid_format":
      return own ?? formatInWords(issue);
    case "invalid_union":
      return own ?? unionInWords(issue);
    case "invalid_key":
      return own ?? `has a name that is not valid: the name ${firstInWords(issue.issues)}`;
    case "invalid_element":
      return own ?? `has an element that is not valid: it ${firstInWords(issue.issues)}`;
    default:
      return own ?? "is not valid";
  }
}

/** A message of a schema is either a whole predicate, such as "must be host:port", or only a noun, such as "a label". */
const ENDING = /^(?:must|may|has|is|does|needs|names) /;
/** The messages that zod makes itself. */
const FROM_ZOD = /^(?:Invalid|Too (?:small|big)|Unrecognized)\b/;

function ownMessage({ code, message }: z.core.$ZodIssue): string | undefined {
  if (message === "" || FROM_ZOD.test(message)) return undefined;
  if (ENDING.test(message)) return message;
  return code === "invalid_type" || code === "invalid_union" ? `must be ${message}` : `is not valid: ${message}`;
}

/** `a`, `a or b`, `one of a, b, c`; the first 20 and how many more there are. */
function oneOf(values: readonly string[]): string {
  if (values.length <= 2) return values.join(" or ");
  return `one of ${values.slice(0, 20).join(", ")}${values.length > 20 ? ` and ${values.length - 20} more` : ""}`;
}

type Limit = z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig;

function limitInWords(issue: Limit, inclusive: string, exclusive: string, count: number): string {
  const bound = issue.exact ? "exactly" : issue.inclusive === false ? exclusive : inclusive;
  const unit = UNITS[issue.origin];
  if (unit === undefined) return `be ${bound} ${count}`;
  if (issue.code === "too_small" && count === 1 && bound === inclusive) return "not be empty";
  return `have ${bound} ${counted(count, unit)}`;
}

const UNITS: { readonly [origin: string]: string | undefined } = {
  string: "character",
  array: "element",
  set: "element",
  map: "key",
  object: "key",
  file: "byte",
};

function formatInWords(issue: z.core.$ZodIssueInvalidStringFormat): string {
  const { format } = issue;
  const { prefix, suffix, includes } = issue as { prefix?: string; suffix?: string; includes?: string };
  if (format === "starts_with") return `must begin with ${prefix}`;
  if (format === "ends_with") return `must end with ${suffix}`;
  if (format === "includes") return `must contain ${includes}`;
  if (format === "regex") {
    const source = (issue.pattern ?? "").replace(/^\/(.*)\/[a-z]*$/s, "$1");
    const words = patternInWords(source);
    return words === undefined ? `does not have the form ${source}` : `must be ${words}`;
  }
  return `must be ${FORMATS[format] ?? `a valid ${format}`}`;
}

const FORMATS: { readonly [format: string]: string } = {
  url: "an address such as https://host.example",
  email: "an e-mail address",
  uuid: "a UUID",
  guid: "a UUID",
  datetime: "a time such as 2026-11-20T07:00:00Z",
  date: "a date such as 2026-11-20",
  time: "a time of day such as 07:00:00",
  duration: "a duration such as PT10M",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  cidrv4: "a range of IPv4 addresses",
  cidrv6: "a range of IPv6 addresses",
  base64: "text in base64",
  base64url: "text in base64url",
  json_string: "JSON",
  lowercase: "in lower case",
  uppercase: "in upper case",
};

/** Every alternative in a few words: "must be text, or a map with file". */
function unionInWords(issue: z.core.$ZodIssueInvalidUnion): string {
  const { options } = issue as { options?: readonly unknown[] };
  if (issue.errors.length === 0) return options ? `must be ${oneOf(options.map(String))}` : "is not valid";
  const alternatives = issue.errors.flatMap(([first]) => (first === undefined ? [] : [issueInWords(first)]));
  const [one = "is not valid", ...others] = new Set(alternatives);
  return [one, ...others.map((other) => other.replace(/^must be /, ""))].join(", or ");
}

function firstInWords([first]: readonly z.core.$ZodIssue[]): string {
  return first === undefined ? "is not valid" : issueInWords(first);
}

const TYPES: { readonly [type: string]: string } = {
  string: "text",
  object: "a map",
  record: "a map",
  map: "a map",
  array: "a list",
  tuple: "a list",
  set: "a list",
  boolean: "true or false",
  number: "a number",
  int: "a whole number",
  bigint: "a whole number",
  date: "a date",
  null: "empty",
  undefined: "left out",
  never: "left out",
};
