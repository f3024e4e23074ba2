// Finds the values that an expression compares with literal texts, numbers and booleans, so that checks can report
// comparisons that are never true.

import type { ASTNode } from "@marcbachmann/cel-js";
import { bindingOf, childrenOf, type Reference, referenceOf } from "./references.ts";

export type Comparison = {
  readonly reference: Reference;
  /** `in` is a comparison with any of the literals. */
  readonly operator: "==" | "!=" | "in";
  readonly literals: readonly (string | number | boolean)[];
};

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
  if (node.op !== "==" && node.op !== "!=" && node.op !== "in") return undefined;
  const [left, right] = node.args;
  const reference = referenceOf(left) ?? (node.op === "in" ? undefined : referenceOf(right));
  const other = referenceOf(left) === undefined ? left : right;
  const literals = node.op === "in" ? listOf(other) : [literalOf(other)];
  if (reference === undefined || literals === undefined) return undefined;
  const known = literals.filter((one) => one !== undefined);
  return known.length === literals.length ? { reference, operator: node.op, literals: known } : undefined;
}

function listOf(node: ASTNode): readonly (string | number | boolean | undefined)[] | undefined {
  return node.op === "list" ? node.args.map(literalOf) : undefined;
}

function literalOf(node: ASTNode): string | number | boolean | undefined {
  if (node.op !== "value") return undefined;
  const value: unknown = node.args;
  if (typeof value === "bigint") return Number(value);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : undefined;
}
