// Rewords the problems that the CEL library finds in the types and values of an expression, with the terms of the documentation.

import { didYouMean } from "../suggest.ts";
import { VARIABLES } from "./environment.ts";
import { foreignFunctionHint, foreignVariableHint } from "./foreign-terms.ts";
import { SUM_PROBLEM, withoutReplacements } from "./functions.ts";

const TYPES: { readonly [type: string]: string } = {
  string: "text",
  int: "a whole number",
  uint: "a whole number",
  double: "a fraction",
  bool: "true or false",
  null: "null",
  null_type: "null",
  dyn: "a value",
  bytes: "bytes",
  type: "a type",
  "google.protobuf.Timestamp": "a time",
  "google.protobuf.Duration": "a duration",
};
/** Functions and macros of the documentation; see docs/pipelines.md. They stand behind a value: `text.lower()`. */
const METHODS = (
  "contains startsWith endsWith split replace lower upper trim substring indexOf lastIndexOf size map filter all exists exists_one " +
  "join sum orValue"
).split(" ");
/** These take the value in parentheses: `size(list)`. */
const FUNCTIONS = "size string int double short has".split(" ");
const MACROS: readonly string[] = ["map", "filter", "all", "exists", "exists_one"];

/** A type of CEL in words: `list<int>` is "a list". */
export function typeInWords(of: string): string {
  const type = bare(of);
  if (type.startsWith("list")) return "a list";
  if (type.startsWith("map")) return "a map";
  if (type.startsWith("optional")) return "a value that may be missing";
  return Object.hasOwn(TYPES, type) ? (TYPES[type] ?? type) : type;
}

type Details = {
  /** Those of an expression that is not of a pipeline. */
  readonly variables?: readonly string[];
  /** The part that has the problem. */
  readonly node?: object | undefined;
};

/** `text`: the library's. */
export function celProblem(text: string, { variables, node }: Details = {}): string {
  const summary = withoutReplacements(text);
  const [, unknown] = /^unknown variable: (.+)$/i.exec(summary) ?? [];
  if (unknown !== undefined) {
    const hint = variables ? "" : functionHint(unknown) || foreignVariableHint(unknown);
    return `there is no variable ${unknown}${hint || didYouMean(unknown, variables ?? VARIABLES)}`;
  }
  const [, call] = /^found no matching overload for '(.+)'$/i.exec(summary) ?? [];
  if (call !== undefined) return wrongCall(call, variables ? () => "" : foreignFunctionHint);
  const access = wrongAccess(summary, node);
  if (access !== undefined) return access;
  for (const [pattern, reword] of REWORDED) {
    const match = pattern.exec(summary);
    if (match) return reword(...match.slice(1).map((group) => group ?? ""));
  }
  return summary.charAt(0).toLowerCase() + summary.slice(1);
}

const HAS_FORM = "`has` needs a member of a variable, as in `has(params.name)`";

type Reword = (...groups: readonly string[]) => string;

/** What the library says, and how it is said here. */
const REWORDED: readonly (readonly [RegExp, Reword])[] = [
  [
    /^expression of type '(.+)' cannot be range of a comprehension/i,
    (type = "") => `map, filter, all and exists need a list, not ${typeInWords(type)}`,
  ],
  [
    /^ternary condition must be bool, got '(.+)'$/i,
    (type = "") => `what stands before \`?\` must be true or false, not ${typeInWords(type)}`,
  ],
  [
    /^ternary branches must have the same type, got '(.+)' and '(.+)'$/i,
    (one = "", other = "") =>
      `what stands before and behind \`:\` must have the same type, not ${typeInWords(one)} and ${typeInWords(other)}`,
  ],
  [
    /^(\w+)\(.*predicate must return bool, got '(.+)'$/i,
    (name = "", type = "") => `the condition in \`${name}\` must be true or false, not ${typeInWords(type)}`,
  ],
  [/^(\w+)\(.*invalid predicate iteration variable$/i, (name = "") => macroForm(name)],
  [/^has\(\) invalid argument$/i, () => HAS_FORM],
  [
    /^optional\.orValue.* receiver must be optional/i,
    () => "`orValue` is for a value that may be missing, such as `app.?facts`",
  ],
  [/^no such overload: ([!-])(?:\w.*)$/, (sign) => (sign === "!" ? "`!` needs true or false" : "`-` needs a number")],
  [
    /^no such overload: (.+?) ([-+*/%<>]|[=!<>]=|in) (.+)$/,
    (left = "", operator = "", right = "") => wrongOperands(left, operator, right),
  ],
  [
    /^logical operator requires bool operands, got '(.+)'$/i,
    (type = "") =>
      `\`&&\` and \`||\` need true or false on both sides, not ${typeInWords(type)}; write \`condition ? one : other\` for a choice, and \`params.?name.orValue(…)\` for a default`,
  ],
  [/^no such key: index out of bounds, index (-?[\d.]+)/i, (index = "") => `the list has no element [${index}]`],
  [/^(int|uint|double)\(\) type error: cannot convert/i, (name = "") => `\`${name}(…)\` cannot make a number of this`],
  [
    /^bool\(\) conversion error/i,
    () => '`bool(…)` cannot make true or false of this; compare the text, as in `text == "true"`',
  ],
  [/^integer overflow/i, () => "a whole number becomes too large"],
  [
    /^string\.join\(.*\): list must contain only strings/i,
    () => "`join` needs a list of texts; convert the elements with map(x, string(x))",
  ],
];

/** A member or element of what has none. The name of a function without its call is a member, too. */
function wrongAccess(summary: string, node: object | undefined): string | undefined {
  const member = memberOf(node);
  const hint = member === undefined ? "" : memberHint(member);
  const [, indexed = ""] = /^cannot index type '(.+?)'/i.exec(summary) ?? [];
  if (Object.hasOwn(TYPES, bare(indexed))) return `${typeInWords(indexed)} has no members and no elements${hint}`;
  const [, place] = /^list index must be int, got '(.+)'$/i.exec(summary) ?? [];
  if (place === undefined) return undefined;
  if (member === undefined) return `the place in a list must be a whole number, not ${typeInWords(place)}`;
  return `a list has no member ${member}${hint || "; its elements are `list[0]` …, and `map` reads a member of each"}`;
}

/** The name in `value.name`. */
function memberOf(node: object | undefined): string | undefined {
  if (!node || !("op" in node && "args" in node) || (node.op !== "." && node.op !== ".?")) return undefined;
  const [, name]: readonly unknown[] = Array.isArray(node.args) ? node.args : [];
  return typeof name === "string" ? name : undefined;
}

function memberHint(member: string): string {
  if (MACROS.includes(member)) return `; ${macroForm(member)}`;
  return functionHint(member) || foreignFunctionHint(member);
}

/** The name of a function without its call. */
function functionHint(name: string): string {
  if (FUNCTIONS.includes(name)) return `; call the function: \`${name}(…)\``;
  return METHODS.includes(name) ? `; call the function: \`value.${name}(…)\`` : "";
}

function macroForm(name: string): string {
  const example = name === "map" ? "map(x, x + 1)" : `${name}(x, x > 1)`;
  return `\`${name}\` needs a name for the element and an expression, as in \`list.${example}\``;
}

/** `dyn<int>` is a value from the scope, whose type is known only during evaluation. */
function bare(type: string): string {
  return /^dyn<(.+)>$/.exec(type)?.[1] ?? type;
}

function wrongCall(call: string, foreignHint: (name: string) => string): string {
  const [, receiver, name = call, given = ""] = /^(?:(.+)\.)?([A-Za-z_]\w*)\((.*)\)$/.exec(call) ?? [];
  if (!FUNCTIONS.includes(name) && !METHODS.includes(name)) {
    return `there is no function ${name}${foreignHint(name) || didYouMean(name, [...METHODS, ...FUNCTIONS])}`;
  }
  if (name === "sum" && receiver !== undefined && bare(receiver).startsWith("list")) return SUM_PROBLEM;
  if (name === "has") return HAS_FORM;
  if (MACROS.includes(name) && (receiver === undefined || bare(receiver).startsWith("list"))) return macroForm(name);
  if (receiver === undefined && !FUNCTIONS.includes(name))
    return `the function ${name} stands behind a value: \`value.${name}(…)\``;
  if (receiver !== undefined && !METHODS.includes(name))
    return `the function ${name} takes its value in parentheses: \`${name}(…)\``;
  const args =
    given === ""
      ? "nothing"
      : given
          .split(/, (?![^<]*>)/)
          .map(typeInWords)
          .join(" and ");
  const on = receiver === undefined ? "" : ` on ${typeInWords(receiver)}`;
  return `the function ${name} cannot be used${on} with ${args}`;
}

function wrongOperands(left: string, operator: string, right: string): string {
  const both = [bare(left), bare(right)];
  if (operator === "in" && bare(right) === "string")
    return "`in` needs a list or a map on its right side; write `text.contains(part)` for a part of a text";
  const hint =
    operator === "in" && /^list<string>$/.test(bare(right)) && bare(left) === "int"
      ? " of texts; convert the number with string(…)"
      : both.includes("string") && (both.includes("int") || both.includes("double"))
        ? "; convert the number with string(…)"
        : both.includes("int") && both.includes("double")
          ? "; convert the whole number with double(…)"
          : "";
  return `\`${operator}\` cannot be used with ${typeInWords(left)} and ${typeInWords(right)}${hint}`;
}
