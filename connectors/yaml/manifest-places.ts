// Where plain Kubernetes manifests name an image: in the containers of pods, whatever the kind that makes the pods. Pure.

import { isMap, isScalar, isSeq, type ParsedNode, type YAMLMap } from "yaml";
import type { YamlDocument, YamlFile } from "./document.ts";
import { type Image, parseImageText, printImage } from "./image-text.ts";
import { type Edit, editOf, type Place, withoutAliases } from "./places.ts";
import { type Path, type Spot, spotsOf } from "./spots.ts";

const CONTAINERS: ReadonlySet<unknown> = new Set(["containers", "initContainers", "ephemeralContainers"]);
/** Definitions of kinds describe fields; they have no pods. */
const NO_PODS: ReadonlySet<unknown> = new Set(["CustomResourceDefinition", "ConfigMap", "Secret"]);

type Found = readonly [Place, Spot];
type Owner = { readonly kind: string; readonly name: string };

/** The containers of all documents of a file, also inside of lists of objects. */
export function manifestPlaces(name: string, file: YamlFile, lineOf: (offset: number) => number): readonly Place[] {
  return file.documents.flatMap((document, index) => {
    const walk = (node: ParsedNode | null, path: Path, owner: Owner): readonly Found[] => {
      if (isSeq(node)) return node.items.flatMap((item, at) => walk(item, [...path, at], owner));
      if (!isMap(node)) return [];
      const here = ownerOf(node) ?? owner;
      if (NO_PODS.has(here.kind)) return [];
      return node.items.flatMap(({ key, value }) => {
        const part = isScalar(key) ? (key.source ?? String(key.value)) : undefined;
        if (part === undefined || here.kind === "") return [];
        const inside = [...path, part];
        if (CONTAINERS.has(part) && isSeq(value)) return containers(value.items, inside, here);
        return walk(value, inside, here);
      });
    };
    const containers = (items: readonly ParsedNode[], path: Path, owner: Owner): readonly Found[] =>
      items.flatMap((item, at) => {
        const image = isMap(item) ? imageOf(file, document, item, [...path, at]) : undefined;
        if (!image || !isMap(item)) return [];
        return [
          [
            containerPlace(image, { file: name, document: index, line: lineOf(image.at) }, textOf(item, "name"), owner),
            image,
          ] as const,
        ];
      });
    return withoutAliases(walk(document.contents, [], { kind: "", name: "" }));
  });
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

function imageOf(file: YamlFile, document: YamlDocument, container: YAMLMap.Parsed, path: Path): Spot | undefined {
  const pair = container.items.find(({ key }) => isScalar(key) && key.source === "image");
  const at = container.range[0];
  return pair && spotsOf(file, document, pair.value, at, [...path, "image"])[0];
}

function ownerOf(map: YAMLMap.Parsed): Owner | undefined {
  const kind = textOf(map, "kind");
  if (kind === "" || textOf(map, "apiVersion") === "") return undefined;
  const metadata = map.items.find(({ key }) => isScalar(key) && key.source === "metadata")?.value;
  return { kind, name: isMap(metadata) ? textOf(metadata, "name") || textOf(metadata, "generateName") : "" };
}

function textOf(map: YAMLMap.Parsed, name: string): string {
  const value = map.items.find(({ key }) => isScalar(key) && key.source === name)?.value;
  return isScalar(value) && value.value !== null ? (value.source ?? String(value.value)) : "";
}
