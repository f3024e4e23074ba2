// Finds the variables of an expression, with the members that it reads: `needs.build.outputs.digest`. They come from the
// syntax tree and not from the text, so names inside string literals do not count.

import type { ASTNode } from "@marcbachmann/cel-js";

export type Reference = {
  readonly variable: string;
  /** The members up to the first computed one: `a.b["c"][i].d` gives b, c. */
  readonly path: readonly string[];
  /** The number of members before the first `.?`: these fail when they are missing, the others do not. */
  readonly certain: number;
  /** Offset in the expression's text. */
  readonly offset: number;
};

/** Macros whose first argument names the variable that they bind. */
const COMPREHENSIONS = new Set(["map", "filter", "all", "exists", "exists_one"]);

export function referencesOf(ast: ASTNode): readonly Reference[] {
  const found: Reference[] = [];
  visit(ast, new Set());
  return found;

  function visit(node: ASTNode, bound: ReadonlySet<string>): void {
    const chain = readChain(node);
    if (chain !== undefined) {
      if (!bound.has(chain.reference.variable)) found.push(chain.reference);
      for (const index of chain.indexes) visit(index, bound);
      return;
    }
    const binding = bindingOf(node);
    if (binding !== undefined) {
      for (const outside of binding.outside) visit(outside, bound);
      const inner = new Set([...bound, binding.name]);
      for (const inside of binding.inside) visit(inside, inner);
      return;
    }
    if (isHas(node)) {
      // has(a.b) tests whether the last member exists, so a missing member is not a mistake.
      const argument = node.args[1][0];
      const inner = argument === undefined ? undefined : readChain(argument);
      if (inner !== undefined && !bound.has(inner.reference.variable)) {
        const { path, certain } = inner.reference;
        found.push({ ...inner.reference, certain: Math.min(certain, path.length - 1) });
      }
      return;
    }
    for (const child of childrenOf(node)) visit(child, bound);
  }
}

/** A name that a comprehension or `cel.bind` binds, and the parts in which the name is visible. */
export function bindingOf(
  node: ASTNode,
): { name: string; outside: readonly ASTNode[]; inside: readonly ASTNode[] } | undefined {
  if (node.op !== "rcall") return undefined;
  const [method, receiver, args] = node.args;
  const [first, ...rest] = args;
  if (first?.op !== "id") return undefined;
  if (COMPREHENSIONS.has(method)) return { name: first.args, outside: [receiver], inside: rest };
  const isBind = method === "bind" && receiver.op === "id" && receiver.args === "cel" && args.length === 3;
  return isBind ? { name: first.args, outside: rest.slice(0, 1), inside: rest.slice(1) } : undefined;
}

export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    default:
      return node.args;
  }
}

function isHas(node: ASTNode): node is ASTNode & { op: "call" } {
  return node.op === "call" && node.args[0] === "has" && node.args[1].length === 1;
}

/** The reference that a node is: an identifier with its members. Undefined for any other node, and for computed members. */
export function referenceOf(node: ASTNode): Reference | undefined {
  const chain = readChain(node);
  return chain === undefined || chain.indexes.length > 0 ? undefined : chain.reference;
}

/** An identifier followed by members; `indexes` are computed members, which are separate expressions. */
function readChain(node: ASTNode): { reference: Reference; indexes: readonly ASTNode[] } | undefined {
  const links: { name: string | undefined; optional: boolean }[] = [];
  const indexes: ASTNode[] = [];
  let at = node;
  while (at.op === "." || at.op === ".?" || at.op === "[]" || at.op === "[?]") {
    const optional = at.op === ".?" || at.op === "[?]";
    if (at.op === "." || at.op === ".?") links.unshift({ name: at.args[1], optional });
    else {
      const index = at.args[1];
      const name = index.op === "value" && typeof index.args === "string" ? index.args : undefined;
      if (name === undefined) indexes.push(index);
      links.unshift({ name, optional });
    }
    at = at.args[0];
  }
  if (at.op !== "id") return undefined;
  const path: string[] = [];
  for (const link of links) {
    if (link.name === undefined) break;
    path.push(link.name);
  }
  const firstOptional = links.findIndex((link) => link.optional);
  const certain = firstOptional === -1 ? path.length : Math.min(firstOptional, path.length);
  return { reference: { variable: at.args, path, certain, offset: at.start }, indexes };
}
