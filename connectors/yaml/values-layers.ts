// Helm values of several files: the later ones replace values of the earlier ones. Pure.

import { type Alias, isAlias, isMap, isScalar, isSeq, type ParsedNode } from "yaml";
import { parseYaml, selectDocument, type YamlFile } from "./document.ts";
import { type Place, withoutAliases } from "./places.ts";
import { isSameOrBelow, type Path, printPath, type Spot, samePath, spotsOf } from "./spots.ts";
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
    return { file, spots, aliases: aliasesIn(document.contents, []) };
  });
  refuseCutAliases(layers);
  return layersOf(
    files,
    layers.map(({ spots }) => spots),
  );
}

function layersOf(files: readonly TextFile[], layers: readonly (readonly Spot[])[]): Layers {
  const inForce = layers.flatMap((spots, index) => {
    const later = layers.slice(index + 1).flat();
    return spots.filter((spot) => !later.some((one) => replaces(one.path, spot.path)));
  });
  const lineOf = (offset: number, file: string): number => {
    const text = files.find(({ name }) => name === file)?.text ?? "";
    return text.slice(0, offset).split("\n").length;
  };
  const source = { file: files[0]?.name ?? "", document: 0, prefix: "", lineOf };
  return {
    places: withoutAliases(valuesPlaces(inForce, source)),
    hiddenBy: (spot) => layers.flat().filter((one) => one.file !== spot.file && samePath(one.path, spot.path)),
  };
}

type AliasAt = { readonly path: Path; readonly alias: Alias.Parsed };

function aliasesIn(node: ParsedNode | null, path: Path): readonly AliasAt[] {
  if (isAlias(node)) return [{ path, alias: node }];
  if (isSeq(node)) return node.items.flatMap((item, index) => aliasesIn(item, [...path, index]));
  if (!isMap(node)) return [];
  return node.items.flatMap(({ key, value }) => aliasesIn(value, [...path, isScalar(key) ? (key.source ?? "") : ""]));
}

/** An image that an alias stands for is looked at where its anchor is, so it must be whole there. */
function refuseCutAliases(
  layers: readonly { readonly file: YamlFile; readonly spots: readonly Spot[]; readonly aliases: readonly AliasAt[] }[],
): void {
  for (const [index, { file, aliases }] of layers.entries()) {
    const later = layers.slice(index + 1).flatMap(({ spots }) => spots);
    for (const { path, alias } of aliases) {
      const cut = later.find((one) => one.path.length > path.length && isSameOrBelow(one.path, path));
      if (!cut || isScalar(file.targets.get(alias))) continue;
      const problem = `${cut.file} replaces a part of it`;
      throw file.wrong(
        `${printPath(path)} is the alias *${alias.source}, and ${problem}; write it in full`,
        alias.range[0],
      );
    }
  }
}

/** A value replaces what is above or below it, and a list the whole list. */
function replaces(later: Path, earlier: Path): boolean {
  if (isSameOrBelow(later, earlier)) return true;
  const list = later.findIndex((part) => typeof part === "number");
  return list !== -1 && typeof earlier[list] === "number" && samePath(later.slice(0, list), earlier.slice(0, list));
}
