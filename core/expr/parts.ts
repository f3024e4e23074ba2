// Parts of an expression, as expressions of their own.

import type { ASTNode } from "@marcbachmann/cel-js";
import { childrenOf, referencesOf } from "./references.ts";

/** `offset`: of the part in the whole expression. `problem`: what is wrong if it fails; else the reason why it fails. */
export type Part = { readonly source: string; readonly offset: number; readonly problem?: string };

/** What stands between `||`, or between `&&`, at the top; the whole expression where there is none. */
export function splitAt(op: "||" | "&&", node: ASTNode, source: string): readonly string[] {
  return node.op === op ? node.args.flatMap((one) => splitAt(op, one, source)) : [textOf(node, source)];
}

/**
 * The largest parts that name no variable, each as an expression without one. They have a value in every task, or in none.
 * Beside them, what fails whatever the values are: a division by such a part, a place that no list or text has, and a key that
 * a map written in the expression does not have.
 */
export function constantsOf(node: ASTNode, source: string): readonly Part[] {
  if (isConstant(node))
    return node.op === "value" ? [] : [{ source: `size([${textOf(node, source)}])`, offset: node.start }];
  const own = alwaysOf(node, source);
  return [
    ...(own === undefined ? [] : [{ offset: node.start, ...own }]),
    ...childrenOf(node).flatMap((child) => constantsOf(child, source)),
  ];
}

/** Functions that take places in texts. */
const PLACES: ReadonlySet<string> = new Set(["substring", "indexOf", "lastIndexOf"]);

/** An expression without variables that fails if this part always does. */
function alwaysOf(node: ASTNode, source: string): Omit<Part, "offset"> | undefined {
  if (node.op === "/" || node.op === "%") {
    const [, divisor] = node.args;
    return isConstant(divisor) ? { source: `1 ${node.op} (${textOf(divisor, source)})` } : undefined;
  }
  if (node.op === "rcall") return wrongPlace(node.args[0], node.args[2], source);
  if (node.op !== "[]" && node.op !== ".") return undefined;
  const [target] = node.args;
  const place = node.op === "." ? JSON.stringify(node.args[1]) : placeOf(node.args[1], source);
  if (place === undefined) return undefined;
  const literal = literalOf(target);
  if (literal?.op === "list")
    return node.op === "." ? undefined : { source: `[${literal.args.map(() => "null").join(", ")}][${place}]` };
  if (literal?.op === "map" && literal.args.every(([key]) => isConstant(key))) {
    const keys = literal.args.map(([key]) => `${textOf(key, source)}: null`);
    const problem = `there is no ${place} in ${textOf(target, source)}`;
    return { source: `size([{${keys.join(", ")}}[${place}]])`, problem };
  }
  const isBefore = node.op === "[]" && isNegative(node.args[1]) && literal === undefined;
  return isBefore ? { source: `[null][${place}]` } : undefined;
}

function placeOf(node: ASTNode, source: string): string | undefined {
  return isConstant(node) ? textOf(node, source) : undefined;
}

/** A place before the text, or an end before the beginning. */
function wrongPlace(name: string, args: readonly ASTNode[], source: string): Omit<Part, "offset"> | undefined {
  if (!PLACES.has(name)) return undefined;
  const negative = args.find(isNegative);
  if (negative !== undefined)
    return { source: `"".${name}(${name === "substring" ? "" : '"", '}${textOf(negative, source)})` };
  const [start, end] = args;
  if (name !== "substring" || !start || !end || !isConstant(start) || !isConstant(end)) return undefined;
  return { source: `${textOf(end, source)} < ${textOf(start, source)} ? "".substring(1) : ""` };
}

/** The map or list that is written in the expression, and that this part is or is inside of. */
function literalOf(node: ASTNode): ASTNode | undefined {
  if (node.op === "map" || node.op === "list") return node;
  if (node.op !== "." && node.op !== "[]") return undefined;
  const outer = literalOf(node.args[0]);
  const place: unknown = node.op === "." ? node.args[1] : node.args[1].op === "value" ? node.args[1].args : undefined;
  if (outer?.op === "map") {
    const found = outer.args.find(([key]) => key.op === "value" && key.args === place)?.[1];
    return found && literalOf(found);
  }
  const element = outer?.op === "list" && typeof place === "bigint" ? outer.args[Number(place)] : undefined;
  return element && literalOf(element);
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
