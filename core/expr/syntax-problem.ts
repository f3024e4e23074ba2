// Rewords what the parser of the CEL library says about an expression, with the terms of the documentation.

import type { ParseError } from "@marcbachmann/cel-js";
import { truncate } from "../truncate.ts";
import { celProblem } from "./cel-problem.ts";

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

/** What to write instead of a character or word that expressions do not have. */
const INSTEAD: { readonly [text: string]: string } = {
  "=": "; compare with `==` or `!=`",
  "=>": "; an element is named in front, as in `map(x, x + 1)`",
  $: "; `${{` and `}}` stand around a whole expression",
  "&": "; write `&&`",
  "|": "; write `||`, or call a function as in `text.lower()`",
  "<>": "; write `!=`",
  "??": "; write `params.?name.orValue(…)`",
  "?.": "; a member that may be missing is written `params.?name`",
  "?:": "; write `params.?name.orValue(…)`",
  and: "; write `&&`",
  or: "; write `||`",
  not: "; write `!`",
  is: "; write `==`",
  if: "; write `condition ? one : other`",
  else: "; write `condition ? one : other`",
};
/** Of two characters, the library finds the second one. */
const PAIR = /(?:<>|\?\?|\?\.|\?:)$/;

/** `source`: the expression. The place of the problem is `error.range.start`. */
export function syntaxProblem({ summary, range }: ParseError, source: string): string {
  const at = range?.start ?? 0;
  if (/^unexpected token: EOF$/i.test(summary)) return "the expression is incomplete: something is missing at its end";
  const [, word] = /^reserved identifier: (\w+)$/i.exec(summary) ?? [];
  if (word !== undefined)
    return `\`${word}\` is a reserved word${word === "if" ? INSTEAD.if : `; choose another name`}`;
  const pair = PAIR.exec(source.slice(0, at + 1))?.[0];
  if (pair !== undefined && /^(?:unexpected|expected)/i.test(summary))
    return `\`${pair}\` cannot be used here${INSTEAD[pair]}`;
  const [, wanted = "", found = ""] = /^expected (\w+), got (\w+)$/i.exec(summary) ?? [];
  if (wanted !== "") return missing(wanted, found, source.slice(at));
  const [, token] = /^unexpected token: (\w+)$/i.exec(summary) ?? [];
  if (token !== undefined) return `${TOKENS[token] ?? token} cannot be used here`;
  if (/^unexpected character/i.test(summary)) return unexpected(source, at);
  if (/^unterminated/i.test(summary)) return "a quote is not closed";
  const [, sequence] = /^invalid escape sequence: \\(.+)$/is.exec(summary) ?? [];
  if (sequence !== undefined) return `\`\\${sequence}\` is no escape sequence; write \`\\\\\` for a backslash`;
  if (/^newlines not allowed/i.test(summary)) return "a quote is not closed in its line";
  if (/^exceeded/i.test(summary)) return "the expression has too many parts, or they are nested too deeply";
  return celProblem(summary);
}

function missing(wanted: string, found: string, rest: string): string {
  const hint =
    wanted === "IDENTIFIER" && found === "MULTIPLY"
      ? "; each member must be named, and `map` reads one of every element"
      : wanted === "RBRACKET" && found === "COLON"
        ? "; a part of a text is `text.substring(start, end)`"
        : "";
  const named = found === "IDENTIFIER" ? `\`${truncate(wordAt(rest), 40)}\`` : (TOKENS[found] ?? found);
  return `${TOKENS[wanted] ?? wanted} is missing before ${named}${hint}`;
}

function unexpected(source: string, at: number): string {
  const before = source.slice(0, at).trimEnd();
  if (/(?<![\w.])not$/.test(before)) return `\`not\` cannot be used here${INSTEAD.not}`;
  const found = source.startsWith("=>", at) ? "=>" : wordAt(source.slice(at));
  if (/^["']/.test(found))
    return `\`${found}\` cannot be used here; texts are joined with \`+\`, and a quote inside of one is written \`\\${found}\``;
  const hint = Object.hasOwn(INSTEAD, found)
    ? INSTEAD[found]
    : /^\w/.test(found)
      ? "; an operator is missing before it"
      : "";
  return `\`${truncate(found, 40)}\` cannot be used here${hint}`;
}

/** The word at the beginning, else the character. */
function wordAt(text: string): string {
  return /^\s*([A-Za-z_]\w*|\d+|.)/su.exec(text)?.[1] ?? "";
}
