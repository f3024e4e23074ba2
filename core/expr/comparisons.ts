// Finds the values that an expression compares with literal texts, numbers and booleans, so that checks can report
// comparisons that are never true.

import type { ASTNode } from "@marcbachmann/cel-js";
import { bindingOf, childrenOf, type Reference, referenceOf } from "./references.ts";

export type Literal = string | number | boolean;
export type Order = "<" | "<=" | ">" | ">=";

export type Comparison = {
  readonly reference: Reference;
  /** With the reference on its left. `in` is a comparison with any of the literals; an order has one, a number. */
  readonly operator: "==" | "!=" | "in" | Order;
  readonly literals: readonly Literal[];
};

/** The operator when both sides change places. */
const MIRRORED = { "==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<=" } as const;

/** Functions whose results have a least value. */
const LEAST: { readonly [name: string]: number } = { size: 0, indexOf: -1, lastIndexOf: -1 };

/** Comparisons of a size or a place with a number that is below all of them, with the offset of each. */
export function belowAll(node: ASTNode): readonly { readonly problem: string; readonly offset: number }[] {
  const below = belowLeast(node);
  return [...(below === undefined ? [] : [below]), ...childrenOf(node).flatMap(belowAll)];
}

function belowLeast(node: ASTNode): { readonly problem: string; readonly offset: number } | undefined {
  for (const { operator, subject, literals } of sidesOf(node)) {
    const name = subject.op === "call" || subject.op === "rcall" ? subject.args[0] : "";
    const least = Object.hasOwn(LEAST, name) ? LEAST[name] : undefined;
    if (least === undefined || literals.length === 0 || operator === ">" || operator === ">=") continue;
    const isBelow = (one: Literal): boolean =>
      typeof one === "number" && (one < least || (operator === "<" && one === least));
    if (literals.every(isBelow)) return { problem: `${name}(…) is never less than ${least}`, offset: subject.start };
  }
  return undefined;
}

export function comparisonsOf(ast: ASTNode): readonly Comparison[] {
  const found: Comparison[] = [];
  visit(ast, new Set());
  return found;

  function visit(node: ASTNode, bound: ReadonlySet<string>): void {
    const comparison = comparisonOf(node);
    if (comparison !== undefined && !bound.has(comparison.reference.variable)) found.push(comparison);
    const binding = bindingOf(node);
    if (binding === undefined) for (const child of childrenOf(node)) visit(child, bound);
    else {
      for (const outside of binding.outside) visit(outside, bound);
      for (const inside of binding.inside) visit(inside, new Set([...bound, binding.name]));
    }
  }
}

function comparisonOf(node: ASTNode): Comparison | undefined {
  for (const { operator, subject, literals } of sidesOf(node)) {
    const reference = referenceOf(subject);
    if (reference !== undefined) return { reference, operator, literals };
  }
  return undefined;
}

type Side = { readonly subject: ASTNode } & Omit<Comparison, "reference">;

/** The sides of a comparison that are compared with literals. */
function sidesOf(node: ASTNode): readonly Side[] {
  if (node.op === "in") {
    const [subject, list] = node.args;
    const literals = allKnown(listOf(list) ?? [undefined]);
    return literals === undefined ? [] : [{ subject, operator: "in", literals }];
  }
  if (!isComparison(node)) return [];
  const { op } = node;
  const [left, right] = node.args;
  return [
    { subject: left, operator: op, other: right },
    { subject: right, operator: MIRRORED[op], other: left },
  ].flatMap(({ subject, operator, other }): Side[] => {
    const literals = allKnown([literalOf(other)]);
    const isOrder = operator !== "==" && operator !== "!=";
    return literals === undefined || (isOrder && typeof literals[0] !== "number")
      ? []
      : [{ subject, operator, literals }];
  });
}

function isComparison(node: ASTNode): node is ASTNode & { op: keyof typeof MIRRORED } {
  return Object.hasOwn(MIRRORED, node.op);
}

function allKnown(literals: readonly (Literal | undefined)[]): readonly Literal[] | undefined {
  const known = literals.filter((one) => one !== undefined);
  return known.length === literals.length ? known : undefined;
}

function listOf(node: ASTNode): readonly (Literal | undefined)[] | undefined {
  return node.op === "list" ? node.args.map(literalOf) : undefined;
}

function literalOf(node: ASTNode): Literal | undefined {
  if (node.op === "-_") {
    const positive = literalOf(node.args);
    return typeof positive === "number" ? -positive : undefined;
  }
  if (node.op !== "value") return undefined;
  const value: unknown = node.args;
  if (typeof value === "bigint") return Number(value);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : undefined;
}
