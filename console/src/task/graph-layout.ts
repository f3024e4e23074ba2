// The layout of a graph: layers from left to right by the longest path, sorted so that few lines cross. Pure and
// deterministic: the same jobs always have the same positions.

export type Box = {
  readonly id: string;
  readonly needs: readonly string[];
  readonly width: number;
  readonly height: number;
};

export type Placed = { readonly id: string; readonly x: number; readonly y: number };
export type Point = readonly [x: number, y: number];
export type Line = { readonly from: string; readonly to: string; readonly points: readonly Point[] };
export type Layout = {
  readonly boxes: readonly Placed[];
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
};

export type Gaps = { readonly x: number; readonly y: number };

/** A place in a layer: a box, or a lane for a line that passes through the layer. */
type Slot = { readonly key: string; readonly height: number; readonly box: Box | undefined };
type Edge = { readonly from: Box; readonly to: Box; readonly slots: readonly string[] };

const SWEEPS = 4;
/** Height of a lane, in pixels. */
const LANE = 12;

/** A need that is unknown, or that would close a cycle, has no line. */
export function layoutGraph(given: readonly Box[], gaps: Gaps): Layout {
  const boxes = [...new Map(given.map((box) => [box.id, box])).values()];
  const depth = depths(boxes);
  const layers: Slot[][] = [];
  const put = (layer: number, slot: Slot): void => {
    while (layers.length <= layer) layers.push([]);
    layers[layer]?.push(slot);
  };
  for (const box of boxes) put(depth.get(box.id) ?? 0, { key: box.id, height: box.height, box });
  const edges = edgesOf(boxes, depth, put);
  sortLayers(layers, edges);
  return place(layers, edges, gaps);
}

/** The layer of every box: one after the last layer of the boxes it needs. */
function depths(boxes: readonly Box[]): ReadonlyMap<string, number> {
  const byId = new Map(boxes.map((box) => [box.id, box]));
  const found = new Map<string, number>();
  const open = new Set<string>();
  const visit = (box: Box): number => {
    const known = found.get(box.id);
    if (known !== undefined) return known;
    open.add(box.id);
    const before = box.needs.flatMap((id) => {
      const need = byId.get(id);
      return need && !open.has(id) ? [visit(need)] : [];
    });
    open.delete(box.id);
    const depth = before.length === 0 ? 0 : Math.max(...before) + 1;
    found.set(box.id, depth);
    return depth;
  };
  for (const box of boxes) visit(box);
  return found;
}

function edgesOf(
  boxes: readonly Box[],
  depth: ReadonlyMap<string, number>,
  put: (layer: number, slot: Slot) => void,
): readonly Edge[] {
  const byId = new Map(boxes.map((box) => [box.id, box]));
  return boxes.flatMap((to) =>
    [...new Set(to.needs)].flatMap((id) => {
      const from = byId.get(id);
      const start = depth.get(id) ?? 0;
      const end = depth.get(to.id) ?? 0;
      if (!from || start >= end) return [];
      const lanes: string[] = [];
      for (let layer = start + 1; layer < end; layer += 1) {
        const key = `${id}\n${to.id}\n${layer}`;
        put(layer, { key, height: LANE, box: undefined });
        lanes.push(key);
      }
      return [{ from, to, slots: [id, ...lanes, to.id] }];
    }),
  );
}

/** Barycentre sweeps, forward and backward: every slot moves to the mean position of its neighbours. */
function sortLayers(layers: Slot[][], edges: readonly Edge[]): void {
  const before = new Map<string, string[]>();
  const after = new Map<string, string[]>();
  for (const { slots } of edges) {
    for (const [at, key] of slots.slice(0, -1).entries()) {
      const next = slots[at + 1] ?? key;
      after.set(key, [...(after.get(key) ?? []), next]);
      before.set(next, [...(before.get(next) ?? []), key]);
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isForward = sweep % 2 === 0;
    const order = isForward ? layers.keys() : [...layers.keys()].reverse();
    for (const at of order) sortLayer(layers, at, isForward ? before : after, isForward ? at - 1 : at + 1);
  }
}

function sortLayer(layers: Slot[][], at: number, near: ReadonlyMap<string, string[]>, other: number): void {
  const layer = layers[at] ?? [];
  const places = new Map((layers[other] ?? []).map((slot, index) => [slot.key, index]));
  const weigh = (slot: Slot, index: number): number => {
    const found = (near.get(slot.key) ?? []).flatMap((key) => places.get(key) ?? []);
    return found.length === 0 ? index : found.reduce((sum, one) => sum + one, 0) / found.length;
  };
  const weighed = layer.map((slot, index) => ({ slot, index, weight: weigh(slot, index) }));
  layers[at] = weighed.toSorted((a, b) => a.weight - b.weight || a.index - b.index).map(({ slot }) => slot);
}

function place(layers: readonly (readonly Slot[])[], edges: readonly Edge[], gaps: Gaps): Layout {
  const heights = layers.map((layer) => layer.reduce((sum, slot) => sum + slot.height, gaps.y * (layer.length - 1)));
  const height = Math.max(0, ...heights);
  const boxes: Placed[] = [];
  const middle = new Map<string, { left: number; right: number; y: number }>();
  let x = 0;
  for (const [at, layer] of layers.entries()) {
    const width = Math.max(0, ...layer.map((slot) => slot.box?.width ?? 0));
    let y = (height - (heights[at] ?? 0)) / 2;
    for (const slot of layer) {
      const right = x + (slot.box?.width ?? width);
      middle.set(slot.key, { left: x, right, y: y + slot.height / 2 });
      if (slot.box) boxes.push({ id: slot.key, x, y });
      y += slot.height + gaps.y;
    }
    x += width + gaps.x;
  }
  const lines = edges.map(({ from, to, slots }) => ({
    from: from.id,
    to: to.id,
    points: slots.flatMap((key, index): Point[] => {
      const found = middle.get(key);
      if (!found) return [];
      const enter: Point = [found.left, found.y];
      const leave: Point = [found.right, found.y];
      if (index === 0) return [leave];
      return index === slots.length - 1 ? [enter] : [enter, leave];
    }),
  }));
  return { boxes, lines, width: Math.max(0, x - gaps.x), height };
}

/** The points as an SVG path: horizontal where it leaves and arrives, curved between layers. */
export function pathOf(points: readonly Point[]): string {
  return points
    .map(([x, y], at) => {
      const last = points[at - 1];
      if (!last) return `M${x} ${y}`;
      const [fromX, fromY] = last;
      if (fromY === y) return `L${x} ${y}`;
      const bend = (fromX + x) / 2;
      return `C${bend} ${fromY} ${bend} ${y} ${x} ${y}`;
    })
    .join("");
}
