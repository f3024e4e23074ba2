// Parts of an expression, as expressions of their own.

import type { ASTNode } from "@marcbachmann/cel-js";
import { childrenOf, referencesOf } from "./references.ts";

/** `offset`: of the part in the whole expression. */
export type Part = { readonly source: string; readonly offset: number };

/** What stands between `||` at the top; the whole expression where there is none. */
export function alternativesOf(node: ASTNode, source: string): readonly string[] {
  return node.op === "||" ? node.args.flatMap((one) => alternativesOf(one, source)) : [textOf(node, source)];
}

/**
 * The largest parts that name no variable, each as an expression without one. They have a value in every task, or in none.
 * Beside them, what fails whatever the values are: a division by such a part, and a place that no list or text has.
 */
export function constantsOf(node: ASTNode, source: string): readonly Part[] {
  if (isConstant(node))
    return node.op === "value" ? [] : [{ source: `size([${textOf(node, source)}])`, offset: node.start }];
  const own = alwaysOf(node, source);
  return [
    ...(own === undefined ? [] : [{ source: own, offset: node.start }]),
    ...childrenOf(node).flatMap((child) => constantsOf(child, source)),
  ];
}

/** Functions that take places in texts. */
const PLACES: ReadonlySet<string> = new Set(["substring", "indexOf", "lastIndexOf"]);

/** An expression without variables that fails if this part always does. */
function alwaysOf(node: ASTNode, source: string): string | undefined {
  if (node.op === "/" || node.op === "%") {
    const [, divisor] = node.args;
    return isConstant(divisor) ? `1 ${node.op} (${textOf(divisor, source)})` : undefined;
  }
  if (node.op === "rcall") {
    const [name, , args] = node.args;
    const negative = args.find(isNegative);
    if (negative === undefined || !PLACES.has(name)) return undefined;
    return `"".${name}(${name === "substring" ? "" : '"", '}${textOf(negative, source)})`;
  }
  if (node.op !== "[]") return undefined;
  const [list, place] = node.args;
  if (!isConstant(place)) return undefined;
  if (list.op === "list") return `[${list.args.map(() => "null").join(", ")}][${textOf(place, source)}]`;
  return isNegative(place) && list.op !== "map" ? `[null][${textOf(place, source)}]` : undefined;
}

/** `-1`, as it is written. */
function isNegative(node: ASTNode): boolean {
  return node.op === "-_" && node.args.op === "value" && node.args.args !== 0n;
}

function isConstant(node: ASTNode): boolean {
  return referencesOf(node).length === 0;
}

/** Nodes begin and end inside of their parentheses. */
function textOf({ start, end }: ASTNode, source: string): string {
  const text = source.slice(start, end);
  const opened = "(".repeat(closedIn(text));
  return `${opened}${text}${")".repeat(openIn(opened + text))}`;
}

/** Parentheses that are opened in this text and not closed. */
function openIn(text: string): number {
  const [opened, closed] = ["(", ")"].map((one) => parenthesesIn(text).filter((other) => other === one).length);
  return (opened ?? 0) - (closed ?? 0);
}

/** Parentheses that are closed in this text and opened before it. */
export function closedIn(text: string): number {
  let [depth, closed] = [0, 0];
  for (const one of parenthesesIn(text)) {
    if (one === "(") depth += 1;
    else if (depth > 0) depth -= 1;
    else closed += 1;
  }
  return closed;
}

/** Without those in texts. */
function parenthesesIn(text: string): readonly string[] {
  const parts = text.match(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[()]/gs) ?? [];
  return parts.filter((one) => one === "(" || one === ")");
}
