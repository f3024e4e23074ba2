// Where plain Kubernetes manifests name an image: in the containers of pods, whatever the kind that makes the pods. Pure.

import { isAlias, isMap, isScalar, isSeq, type ParsedNode, type YAMLMap } from "yaml";
import { behindAlias, isMergeKey, mergeSources, scalarOf, type YamlFile } from "./document.ts";
import { type Image, parseImageText, printImage } from "./image-text.ts";
import { type Edit, editOf, type Place, type PlaceOfSpots, withoutAliases } from "./places.ts";
import { mergedSpot, type Path, type Spot, spotsOf, throughAlias } from "./spots.ts";

const CONTAINERS: ReadonlySet<unknown> = new Set(["containers", "initContainers", "ephemeralContainers"]);
/** Definitions of kinds describe fields; they have no pods. */
const NO_PODS: ReadonlySet<unknown> = new Set(["CustomResourceDefinition", "ConfigMap", "Secret"]);

/** The first alias, or merge key, on the way to a value. */
type Alias = { readonly name: string; readonly at: number } | undefined;
type Owner = { readonly kind: string; readonly name: string };

/** The containers of all documents of a file, also inside of lists of objects, behind aliases and merge keys. */
export function manifestPlaces(name: string, file: YamlFile): readonly Place[] {
  return file.documents.flatMap((document, index) => {
    const containers = (
      items: readonly ParsedNode[],
      path: Path,
      owner: Owner,
      outer: Alias,
    ): readonly PlaceOfSpots[] =>
      items.flatMap((item, at) => {
        const alias = outer ?? aliasOf(item);
        const container = behindAlias(file, item);
        const image = isMap(container) ? imageOf(file, container, [...path, at]) : undefined;
        if (!image || !isMap(container)) return [];
        const [spot = image] = throughAlias([image], alias);
        const here = { file: name, document: index, line: file.lineOf(spot.at) };
        return [[containerPlace(spot, here, textOf(file, container, "name"), owner), [spot]] as const];
      });
    const walk = (node: ParsedNode | null, path: Path, owner: Owner, outer: Alias): readonly PlaceOfSpots[] => {
      if (isAlias(node)) return walk(behindAlias(file, node), path, owner, outer ?? aliasOf(node));
      if (isSeq(node)) return node.items.flatMap((item, at) => walk(item, [...path, at], owner, outer));
      if (!isMap(node)) return [];
      const here = ownerOf(file, node) ?? owner;
      if (NO_PODS.has(here.kind) || here.kind === "") return [];
      return entriesOf(file, node, outer).flatMap(({ part, value, alias }) => {
        const inside = [...path, part];
        const list = behindAlias(file, value);
        if (CONTAINERS.has(part) && isSeq(list)) return containers(list.items, inside, here, alias ?? aliasOf(value));
        return walk(value, inside, here, alias);
      });
    };
    return withoutAliases(walk(document.contents, [], { kind: "", name: "" }, undefined));
  });
}

type Entry = { readonly part: string; readonly value: ParsedNode | null; readonly alias: Alias };

/** The entries of a mapping, and those that only its merge keys bring. */
function entriesOf(file: YamlFile, map: YAMLMap.Parsed, outer: Alias): readonly Entry[] {
  const own = map.items.flatMap(({ key, value }): Entry[] => {
    const part = isScalar(key) ? (key.source ?? String(key.value)) : undefined;
    return part === undefined || isMergeKey(key) ? [] : [{ part, value, alias: outer }];
  });
  const merged = mergeSources(file, map).flatMap(({ at, source }) =>
    entriesOf(file, source, outer ?? { name: "<<", at }),
  );
  // If several entries have the same key, the first one is used.
  return [...new Map([...own, ...merged].toReversed().map((entry) => [entry.part, entry])).values()].toReversed();
}

function aliasOf(node: ParsedNode | null): Alias {
  return isAlias(node) ? { name: node.source, at: node.range[0] } : undefined;
}

function containerPlace(
  spot: Spot,
  at: Pick<Place, "file" | "document" | "line">,
  container: string,
  owner: Owner,
): Place {
  const workload = `${owner.kind}/${owner.name}`;
  const label = `${workload}/${container}`;
  const now = parseImageText(spot.text);
  return {
    ...at,
    label,
    isAt: (one) => one === label || one === workload,
    repositories: now ? [now.repository] : [],
    container,
    shown: spot.text,
    editsFor: (image) => editsOf(spot, image),
  };
}

function editsOf(spot: Spot, image: Image): readonly Edit[] {
  const now = parseImageText(spot.text);
  const isTag = image.tag === undefined || now?.tag === image.tag;
  if (now?.repository === image.repository && now.digest === image.digest && isTag) return [];
  return [editOf(spot, printImage(image.repository, image.tag, image.digest))];
}

function imageOf(file: YamlFile, container: YAMLMap.Parsed, path: Path): Spot | undefined {
  const pair = container.items.find(({ key }) => isScalar(key) && key.source === "image");
  const at = container.range[0];
  return pair ? spotsOf(file, pair.value, at, [...path, "image"])[0] : mergedSpot(file, container, "image", path);
}

function ownerOf(file: YamlFile, map: YAMLMap.Parsed): Owner | undefined {
  const kind = textOf(file, map, "kind");
  if (kind === "" || textOf(file, map, "apiVersion") === "") return undefined;
  const pair = map.items.find(({ key }) => isScalar(key) && key.source === "metadata");
  const metadata = behindAlias(file, pair?.value ?? null);
  const name = isMap(metadata) ? textOf(file, metadata, "name") || textOf(file, metadata, "generateName") : "";
  return { kind, name };
}

function textOf(file: YamlFile, map: YAMLMap.Parsed, name: string): string {
  const value = scalarOf(file, map, name);
  return value && value.value !== null ? (value.source ?? String(value.value)) : "";
}
