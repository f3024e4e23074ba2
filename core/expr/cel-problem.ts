// Rewords the problems that the CEL library finds in an expression, with the terms of the documentation.

import { didYouMean } from "../suggest.ts";
import { VARIABLES } from "./environment.ts";
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
};
/** Functions and macros of the documentation; see docs/pipelines.md. */
const FUNCTIONS = (
  "contains startsWith endsWith split replace lower upper trim substring indexOf lastIndexOf size map filter all exists exists_one " +
  "join sum string int double short has orValue"
).split(" ");

/** A type of CEL in words: `list<int>` is "a list". */
export function typeInWords(of: string): string {
  const type = bare(of);
  if (type.startsWith("list")) return "a list";
  if (type.startsWith("map")) return "a map";
  if (type.startsWith("optional")) return "a value that may be missing";
  return TYPES[type] ?? type;
}

/** `text`: the library's. `variables`: those that an expression may use at this place. */
export function celProblem(text: string, variables: readonly string[] = VARIABLES): string {
  const summary = withoutReplacements(text);
  const [, unknown] = /^unknown variable: (.+)$/i.exec(summary) ?? [];
  if (unknown !== undefined) return `there is no variable ${unknown}${didYouMean(unknown, variables)}`;
  if (/^unexpected token: EOF$/i.test(summary)) return "the expression is incomplete: something is missing at its end";
  const [, range] = /^expression of type '(.+)' cannot be range of a comprehension/i.exec(summary) ?? [];
  if (range !== undefined) return `map, filter, all and exists need a list, not ${typeInWords(range)}`;
  const [, choice] = /^ternary condition must be bool, got '(.+)'$/i.exec(summary) ?? [];
  if (choice !== undefined) return `what stands before \`?\` must be true or false, not ${typeInWords(choice)}`;
  const [, one, other] = /^ternary branches must have the same type, got '(.+)' and '(.+)'$/i.exec(summary) ?? [];
  if (one !== undefined && other !== undefined)
    return `what stands before and behind \`:\` must have the same type, not ${typeInWords(one)} and ${typeInWords(other)}`;
  if (/^optional\.orValue.* receiver must be optional/i.test(summary))
    return "`orValue` is for a value that may be missing, such as `app.?facts`";
  const [, indexed = ""] = /^cannot index type '(.+?)'/i.exec(summary) ?? [];
  if (Object.hasOwn(TYPES, bare(indexed))) return `${typeInWords(indexed)} has no members and no elements`;
  const [, place] = /^list index must be int, got '(.+)'$/i.exec(summary) ?? [];
  if (place !== undefined) return `the place in a list must be a whole number, not ${typeInWords(place)}`;
  const syntax = wrongSyntax(summary);
  if (syntax !== undefined) return syntax;
  const [, call] = /^found no matching overload for '(.+)'$/i.exec(summary) ?? [];
  if (call !== undefined) return wrongCall(call);
  const [, negated] = /^no such overload: ([!-])(?:\w.*)$/.exec(summary) ?? [];
  if (negated !== undefined) return negated === "!" ? "`!` needs true or false" : "`-` needs a number";
  const [, left = "", operator, right = ""] =
    /^no such overload: (.+?) ([-+*/%<>]|[=!<>]=|in) (.+)$/.exec(summary) ?? [];
  if (operator !== undefined) return wrongOperands(left, operator, right);
  const [, operand] = /^logical operator requires bool operands, got '(.+)'$/i.exec(summary) ?? [];
  if (operand !== undefined) return `\`&&\` and \`||\` need true or false on both sides, not ${typeInWords(operand)}`;
  const [, index] = /^no such key: index out of bounds, index (-?\d+)/i.exec(summary) ?? [];
  if (index !== undefined) return `the list has no element [${index}]`;
  const [, made] = /^(int|uint|double)\(\) type error: cannot convert/i.exec(summary) ?? [];
  if (made !== undefined) return `\`${made}(…)\` cannot make a number of this`;
  if (/^integer overflow/i.test(summary)) return "a whole number becomes too large";
  if (/^string\.join\(separator\): list must contain only strings/i.test(summary))
    return "`join` needs a list of texts; convert the elements with map(x, string(x))";
  return summary.charAt(0).toLowerCase() + summary.slice(1);
}

/** The parser's names for the parts of an expression. */
const TOKENS: { readonly [token: string]: string } = {
  EOF: "the end",
  NUMBER: "a number",
  STRING: "a text",
  BOOLEAN: "true or false",
  NULL: "`null`",
  IDENTIFIER: "a name",
  PLUS: "`+`",
  MINUS: "`-`",
  MULTIPLY: "`*`",
  DIVIDE: "`/`",
  MODULO: "`%`",
  EQ: "`==`",
  NE: "`!=`",
  LT: "`<`",
  LE: "`<=`",
  GT: "`>`",
  GE: "`>=`",
  AND: "`&&`",
  OR: "`||`",
  NOT: "`!`",
  IN: "`in`",
  LPAREN: "`(`",
  RPAREN: "`)`",
  LBRACKET: "`[`",
  RBRACKET: "`]`",
  LBRACE: "`{`",
  RBRACE: "`}`",
  DOT: "`.`",
  COMMA: "`,`",
  COLON: "`:`",
  QUESTION: "`?`",
  BYTES: "bytes",
};

/** What to write instead of a character that expressions do not have. */
const INSTEAD: { readonly [character: string]: string } = {
  "=": "; compare with `==` or `!=`",
  $: "; `${{` and `}}` stand around a whole expression",
  "&": "; write `&&`",
  "|": "; write `||`",
};

function wrongSyntax(summary: string): string | undefined {
  const [, wanted = "", found = ""] = /^expected (\w+), got (\w+)$/i.exec(summary) ?? [];
  if (wanted !== "") return `${TOKENS[wanted] ?? wanted} is missing before ${TOKENS[found] ?? found}`;
  const [, token] = /^unexpected token: (\w+)$/i.exec(summary) ?? [];
  if (token !== undefined) return `${TOKENS[token] ?? token} cannot be used here`;
  const [, word] = /^reserved identifier: (\w+)$/i.exec(summary) ?? [];
  if (word !== undefined) {
    return `\`${word}\` is a reserved word${word === "if" ? "; write `condition ? one : other`" : ""}`;
  }
  const [, character] = /^unexpected character: '?(.+?)'?$/isu.exec(summary) ?? [];
  return character === undefined ? undefined : `\`${character}\` cannot be used here${INSTEAD[character] ?? ""}`;
}

/** `dyn<int>` is a value from the scope, whose type is known only during evaluation. */
function bare(type: string): string {
  return /^dyn<(.+)>$/.exec(type)?.[1] ?? type;
}

function wrongCall(call: string): string {
  const [, receiver, name = call, given = ""] = /^(?:(.+)\.)?([A-Za-z_]\w*)\((.*)\)$/.exec(call) ?? [];
  if (!FUNCTIONS.includes(name)) return `there is no function ${name}${didYouMean(name, FUNCTIONS)}`;
  if (name === "sum" && receiver !== undefined && bare(receiver).startsWith("list")) return SUM_PROBLEM;
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
  const hint =
    both.includes("string") && (both.includes("int") || both.includes("double"))
      ? "; convert the number with string(…)"
      : both.includes("int") && both.includes("double")
        ? "; convert the whole number with double(…)"
        : "";
  return `\`${operator}\` cannot be used with ${typeInWords(left)} and ${typeInWords(right)}${hint}`;
}
