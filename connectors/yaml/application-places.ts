// Where an Argo CD application names an image: in its Helm values (as a text, as an object, as parameters) and among the images
// of kustomize, for one source or several. Pure.

import { isAlias, isMap, isScalar, isSeq, type ParsedNode } from "yaml";
import { blockTextOf } from "./block-text.ts";
import { behindAlias, mergedPair, pairOf, parseYaml, scalarOf, type YamlFile } from "./document.ts";
import { parseImageText, printImage } from "./image-text.ts";
import { editOf, type Place, type PlaceOfSpots, withoutAliases } from "./places.ts";
import { parsePath } from "./set-path.ts";
import { isSameOrBelow, type Path, type Spot, samePath, spotsOf, throughAlias } from "./spots.ts";
import { valuesPlaces } from "./values-places.ts";

type Source = { readonly file: string; readonly document: number };

/** The places of all applications of a file, or of the one with this name. */
export function applicationPlaces(name: string, file: YamlFile, application: string | undefined): readonly Place[] {
  return file.documents.flatMap((document, index) => {
    const kind = document.getIn(["kind"]);
    const isSet = kind === "ApplicationSet";
    const own = String(document.getIn(["metadata", "name"]) ?? "");
    if ((!isSet && kind !== "Application") || (application !== undefined && application !== own)) return [];
    const top: Located = { node: document.contents, path: [], alias: undefined };
    const spec = below(file, top, ...(isSet ? ["spec", "template", "spec"] : ["spec"]));
    const several = below(file, spec, "sources");
    const sources = isSeq(several?.node) ? itemsOf(file, several) : [below(file, spec, "source")];
    const here: Source = { file: name, document: index };
    return withoutAliases(sources.flatMap((source) => (source ? sourcePlaces(file, source, here, own) : [])));
  });
}

/** A node with the way to it, and with the first alias or merge key on this way. */
type Located = {
  readonly node: ParsedNode | null;
  readonly path: Path;
  readonly alias: { readonly name: string; readonly at: number } | undefined;
};

/** Follows keys, also where an alias or a merge key stands for the mapping. */
function below(file: YamlFile, from: Located | undefined, ...keys: readonly string[]): Located | undefined {
  return keys.reduce<Located | undefined>((at, key) => {
    if (!at || !isMap(at.node)) return undefined;
    const own = pairOf(file, at.node, key);
    const merged = own ? undefined : mergedPair(file, at.node, key);
    const pair = own ?? merged?.pair;
    if (!pair) return undefined;
    const alias = at.alias ?? (merged && { name: "<<", at: merged.at });
    return located(file, pair.value, [...at.path, key], alias);
  }, from);
}

function itemsOf(file: YamlFile, { node, path, alias }: Located): readonly Located[] {
  return isSeq(node) ? node.items.map((item, index) => located(file, item, [...path, index], alias)) : [];
}

function located(file: YamlFile, node: ParsedNode | null, path: Path, alias: Located["alias"]): Located {
  const own = isAlias(node) ? { name: node.source, at: node.range[0] } : undefined;
  return { node: behindAlias(file, node), path, alias: alias ?? own };
}

function sourcePlaces(file: YamlFile, from: Located, source: Source, application: string): readonly PlaceOfSpots[] {
  const values = spotsAt(file, below(file, from, "helm", "valuesObject"));
  // Argo CD does not look at the text where there is an object. Parameters come after both.
  const base = values.length > 0 ? values : textSpots(source.file, file, below(file, from, "helm", "values"));
  const parameters = parameterSpots(file, below(file, from, "helm", "parameters"));
  // A parameter replaces a single value above it, and all that is below it.
  const isReplaced = ({ path }: Spot): boolean => parameters.some((one) => isSameOrBelow(one.path, path));
  const spots = [...base.filter((spot) => !isReplaced(spot)), ...parameters];
  return [
    ...valuesPlaces(spots, { ...source, lineOf: file.lineOf, prefix: application === "" ? "" : `${application}: ` }),
    ...kustomizePlaces(file, below(file, from, "kustomize", "images"), source, application),
  ];
}

function spotsAt(file: YamlFile, from: Located | undefined): readonly Spot[] {
  if (!from || !isMap(from.node)) return [];
  const inside = spotsOf(file, from.node, from.node.range[0], []).map(
    (spot): Spot => ({ ...spot, write: { in: "document", path: [...from.path, ...spot.path] } }),
  );
  return throughAlias(inside, from.alias);
}

function textSpots(name: string, file: YamlFile, from: Located | undefined): readonly Spot[] {
  const text = isScalar(from?.node) ? from.node.value : undefined;
  if (!from || typeof text !== "string" || text.trim() === "") return [];
  const block = blockTextOf(file, from.node);
  const inner = parseYaml(name, paddedText(file, block?.start ?? 0, text));
  const [only] = inner.documents;
  if (!only) return [];
  // Offsets are for lines: any of the same line will do, if different values keep different ones.
  const outer = (offset: number): number => {
    const line = inner.lineOf(offset);
    return file.startOf(line) + offset - inner.startOf(line);
  };
  const spots = spotsOf(inner, only.contents, 0, []).map(
    (spot): Spot => ({
      ...spot,
      at: outer(spot.at),
      ...(spot.alias && { alias: { ...spot.alias, anchor: outer(spot.alias.anchor) } }),
      ...(spot.merged === undefined ? {} : { merged: outer(spot.merged) }),
      write: { in: "text", text: from.path, path: spot.path },
    }),
  );
  return throughAlias(spots, from.alias);
}

/** The text behind as many empty lines as the file has before it: errors then name the line of the file. */
export function paddedText(file: YamlFile, start: number, text: string): string {
  return "\n".repeat(file.lineOf(start) - 1) + text;
}

/** If several parameters have the same name, the last one is used; those that are forced to be texts come last. */
function parameterSpots(file: YamlFile, list: Located | undefined): readonly Spot[] {
  const all = (list ? itemsOf(file, list) : []).flatMap((item) => {
    const { node } = item;
    const name = isMap(node) ? scalarOf(file, node, "name") : undefined;
    const value = below(file, item, "value");
    const key = parsePath(String(name?.value ?? "").replaceAll("\\.", "."));
    if (!isMap(node) || !key || !value) return [];
    const isForced = scalarOf(file, node, "forceString")?.value === true;
    const own = pairOf(file, node, "value")?.value ?? null;
    const plain = key.filter((part) => typeof part !== "object");
    return throughAlias(spotsOf(file, item.alias ? value.node : own, node.range[0], []), item.alias).map((spot) => ({
      isForced,
      spot: { ...spot, path: plain, write: { in: "list", path: value.path } } satisfies Spot,
    }));
  });
  const sorted = all.toSorted((a, b) => Number(a.isForced) - Number(b.isForced)).map(({ spot }) => spot);
  return sorted.filter((spot, index) => !sorted.slice(index + 1).some(({ path }) => samePath(path, spot.path)));
}

/** Entries read `new:tag`, `new@digest`, or with the name that the manifests have: `old=new:tag`. */
function kustomizePlaces(
  file: YamlFile,
  list: Located | undefined,
  { file: name, document: index }: Source,
  application: string,
): readonly PlaceOfSpots[] {
  if (!list || !isSeq(list.node)) return [];
  return list.node.items.flatMap((item, at): readonly PlaceOfSpots[] => {
    const inside = isMap(item) ? [] : spotsOf(file, item, item.range[0], [...list.path, at]);
    const [spot] = throughAlias(inside, list.alias);
    if (!spot) return [];
    const { text } = spot;
    const [first = "", second] = text.split("=");
    const image = parseImageText(second ?? first);
    const label = `${application === "" ? "" : `${application}: `}kustomize.images[${at}]`;
    const own = `kustomize.images[${at}]`;
    const place: Place = {
      file: name,
      document: index,
      line: file.lineOf(spot.at),
      label,
      isAt: (one) => one === label || one === own,
      repositories: [...(image ? [image.repository] : []), ...(second === undefined ? [] : [first])],
      shown: text,
      editsFor: (wanted) => {
        const old = second === undefined ? (image?.repository ?? first) : first;
        const now = printImage(wanted.repository, wanted.tag, wanted.digest);
        const isDone = image?.repository === wanted.repository && image.digest === wanted.digest;
        if (isDone && (wanted.tag === undefined || wanted.tag === image.tag)) return [];
        const value = old === wanted.repository ? now : `${old}=${now}`;
        return [editOf(spot, value)];
      },
    };
    return [[place, [spot]]];
  });
}
