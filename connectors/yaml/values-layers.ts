// Helm values of several files: the later ones replace values of the earlier ones. Pure.

import { parseYaml, selectDocument } from "./document.ts";
import { type Place, withoutAliases } from "./places.ts";
import { type Path, type Spot, samePath, spotsOf } from "./spots.ts";
import { valuesPlaces } from "./values-places.ts";

type TextFile = { readonly name: string; readonly text: string };

export type Layers = {
  readonly places: readonly Place[];
  /** Earlier values at the same path as this one. */
  readonly hiddenBy: (spot: Spot) => readonly Spot[];
};

/** The values of these files, in the order in which Helm reads them. Throws `file-invalid`. */
export function readLayers(files: readonly TextFile[]): Layers {
  const layers = files.map(({ name, text }) => {
    const file = parseYaml(name, text);
    const document = selectDocument(file, undefined, "a file of Helm values has one");
    const spots = spotsOf(file, document.contents, 0, []).map((spot): Spot => ({ ...spot, file: name }));
    return { name, lineOf: file.lineOf, spots };
  });
  const linesOf = new Map(layers.map(({ name, lineOf }) => [name, lineOf]));
  const lineOf = (offset: number, file: string): number => linesOf.get(file)?.(offset) ?? 1;
  return layersOf(
    layers.map(({ spots }) => spots),
    { file: files[0]?.name ?? "", document: 0, prefix: "", lineOf },
  );
}

function layersOf(layers: readonly (readonly Spot[])[], source: Parameters<typeof valuesPlaces>[1]): Layers {
  const inForce = layers.flatMap((spots, index) => {
    const isReplaced = replacedBy(layers.slice(index + 1).flat());
    return spots.filter((spot) => !isReplaced(spot));
  });
  return {
    places: withoutAliases(valuesPlaces(inForce, source)),
    hiddenBy: (spot) =>
      layers.flat().filter((one) => one.file !== spot.file && !one.alias && samePath(one.path, spot.path)),
  };
}

/**
 * Tells whether one of these values replaces an earlier one: a value replaces what is at its place, above it or below it, and a
 * list the whole list.
 */
function replacedBy(later: readonly Spot[]): (spot: Spot) => boolean {
  const places = new Set(later.map(({ path }) => keyOf(path)));
  const above = new Set(
    later.flatMap(({ path }) => wholeOf(path).map((_, index, all) => keyOf(all.slice(0, index + 1)))),
  );
  return ({ path }) =>
    above.has(keyOf(wholeOf(path))) || path.some((_, index) => places.has(keyOf(path.slice(0, index + 1))));
}

/** Up to the first list. */
function wholeOf(path: Path): Path {
  const list = path.findIndex((part) => typeof part === "number");
  return list === -1 ? path : path.slice(0, list);
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}
