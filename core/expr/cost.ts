// An upper bound of the work an expression does with given values, found before it is evaluated. CEL has no loops, but
// nested `map` calls multiply and chained `+` doubles; a pipeline file must not be able to stop the process that reads it.

import type { ASTNode } from "@marcbachmann/cel-js";
import { bindingOf, childrenOf } from "./references.ts";
import type { CelValue } from "./values.ts";

/** Less than half a second. */
export const MAX_COST = 5_000_000;

/** Upper bounds for a value: total characters and parts, number of elements, characters and parts of the largest element. */
type Bound = { readonly weight: number; readonly count: number; readonly item: number; readonly value?: CelValue };

const SCALAR: Bound = { weight: 1, count: 0, item: 0 };
/** Counts one for each visited part, plus the size of every value that is built or traversed. */
export function costOf(ast: ASTNode, context: ReadonlyMap<string, CelValue>): number {
  let cost = 0;
  visit(ast, new Map([...context].map(([name, value]) => [name, concrete(value)])), 1);
  return cost;

  function visit(node: ASTNode, names: ReadonlyMap<string, Bound>, times: number): Bound {
    const bound = boundOf(node, names, times);
    cost += times * (1 + (builds(node) ? bound.weight : 0));
    return bound;
  }

  function boundOf(node: ASTNode, names: ReadonlyMap<string, Bound>, times: number): Bound {
    if (cost > MAX_COST) return SCALAR;
    switch (node.op) {
      case "value":
        return typeof node.args === "string" ? { ...SCALAR, weight: 1 + node.args.length } : SCALAR;
      case "id":
        return names.get(node.args) ?? SCALAR;
      case ".":
      case ".?":
        return member(visit(node.args[0], names, times), node.args[1]);
      case "[]":
      case "[?]": {
        const target = visit(node.args[0], names, times);
        const index = node.args[1];
        visit(index, names, times);
        return member(target, index.op === "value" && typeof index.args === "string" ? index.args : undefined);
      }
      case "rcall":
        return call(node, names, times);
      case "+":
        return sum(childrenOf(node).map((child) => visit(child, names, times)));
      case "?:":
        return largest(childrenOf(node).map((child) => visit(child, names, times)));
      case "list":
      case "map":
        return collection(childrenOf(node).map((child) => visit(child, names, times)));
      case "call":
        return made(node.args[0], sum(childrenOf(node).map((child) => visit(child, names, times))));
      default: {
        const parts = childrenOf(node).map((child) => visit(child, names, times));
        // Comparing and searching traverse their operands.
        cost += times * sum(parts).weight;
        return SCALAR;
      }
    }
  }

  function call(node: ASTNode & { op: "rcall" }, names: ReadonlyMap<string, Bound>, times: number): Bound {
    const [method, receiver, args] = node.args;
    const binding = bindingOf(node);
    if (binding === undefined) {
      const parts = [receiver, ...args].map((part) => visit(part, names, times));
      const weight = weightAfter(method, parts, args);
      return { weight, count: weight, item: weight };
    }
    const source = largest(binding.outside.map((part) => visit(part, names, times)));
    const isBind = method === "bind";
    const rounds = isBind ? 1 : source.count;
    const inner = new Map(names).set(binding.name, isBind ? source : element(source));
    const body = sum(binding.inside.map((part) => visit(part, inner, times * Math.max(1, rounds))));
    if (isBind) return body;
    if (method === "filter") return { weight: source.weight, count: source.count, item: source.item };
    if (method === "map") return { weight: 1 + rounds * body.weight, count: rounds, item: body.weight };
    return SCALAR;
  }
}

/** The most characters that `toJson` writes for one part of a value or one character of a text. */
const JSON_CHARACTERS = 25;

/** The size of the value that a function makes of its arguments. */
function made(name: string, from: Bound): Bound {
  if (name === "toJson") return { weight: JSON_CHARACTERS * from.weight, count: 0, item: 0 };
  return name === "fromJson" ? { weight: from.weight, count: from.weight, item: from.weight } : from;
}

/** The size of the value that a method builds from its receiver and arguments. */
function weightAfter(method: string, parts: readonly Bound[], args: readonly ASTNode[]): number {
  const all = sum(parts).weight;
  const [text = SCALAR, ...others] = parts;
  const inserted = others.at(-1)?.weight ?? 0;
  if (method === "join") return all + text.weight * inserted;
  if (method !== "replace") return 2 * all;
  // A replacement that is not longer than the replaced text does not lengthen the result.
  const [from, to] = args.map((arg) => (arg.op === "value" && typeof arg.args === "string" ? arg.args.length : 0));
  const isKnown = args.every((arg) => arg.op === "value");
  if (isKnown && from !== undefined && to !== undefined && from > 0 && to <= from) return all;
  return all + (text.weight + 1) * inserted;
}

function builds(node: ASTNode): boolean {
  return node.op === "+" || node.op === "rcall" || node.op === "call" || node.op === "list" || node.op === "map";
}

function member(target: Bound, name: string | undefined): Bound {
  const { value } = target;
  if (value instanceof Map && name !== undefined) {
    const found = value.get(name);
    return found === undefined ? SCALAR : concrete(found);
  }
  return element(target);
}

function element(bound: Bound): Bound {
  return { weight: bound.item, count: bound.item, item: bound.item };
}

function sum(bounds: readonly Bound[]): Bound {
  const add = (pick: (bound: Bound) => number) => bounds.reduce((total, bound) => total + pick(bound), 0);
  return {
    weight: 1 + add((b) => b.weight),
    count: add((b) => b.count),
    item: Math.max(0, ...bounds.map((b) => b.item)),
  };
}

function largest(bounds: readonly Bound[]): Bound {
  const most = (pick: (bound: Bound) => number) => Math.max(0, ...bounds.map(pick));
  return { weight: most((b) => b.weight), count: most((b) => b.count), item: most((b) => b.item) };
}

function collection(items: readonly Bound[]): Bound {
  return { weight: sum(items).weight, count: items.length, item: largest(items).weight };
}

/** Measures a value only when it is used: most members of the scope are never used. */
function concrete(value: CelValue): Bound {
  if (!Array.isArray(value) && !(value instanceof Map)) return { weight: weigh(value), count: 0, item: 0, value };
  const items = Array.isArray(value) ? value : [...value.values()];
  return {
    value,
    count: items.length,
    get weight() {
      return weigh(value);
    },
    get item() {
      const keys = Array.isArray(value) ? 0 : Math.max(0, ...[...value.keys()].map((key) => key.length));
      return Math.max(keys, 0, ...items.map(weigh));
    },
  };
}

function weigh(value: CelValue): number {
  if (typeof value === "string") return 1 + value.length;
  if (Array.isArray(value)) return value.reduce((total: number, item) => total + weigh(item), 1);
  if (value instanceof Map) {
    let total = 1;
    for (const [key, item] of value) total += key.length + weigh(item);
    return total;
  }
  return 1;
}
