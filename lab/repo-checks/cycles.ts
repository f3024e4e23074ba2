// Cycles in a graph of imports.

/**
 * The groups of two or more nodes that reach each other (strongly connected components, after Tarjan), and nodes that
 * name themselves. Names that are not keys of the graph are ignored.
 */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const cycles: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();

  const walk = (node: string): number => {
    const number = order.size;
    order.set(node, number);
    let low = number;
    stack.push(node);
    onStack.add(node);
    for (const next of graph.get(node) ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) low = Math.min(low, walk(next));
      else if (onStack.has(next)) low = Math.min(low, lowest.get(next) ?? order.get(next) ?? low);
    }
    lowest.set(node, low);
    if (low === number) {
      const group = stack.splice(stack.indexOf(node));
      for (const one of group) onStack.delete(one);
      if (group.length > 1 || graph.get(node)?.includes(node)) cycles.push(group);
    }
    return low;
  };
  for (const node of graph.keys()) if (!order.has(node)) walk(node);
  return cycles;
}
