// Where an Argo CD application names an image: in its Helm values (as a text, as an object, as parameters) and among the images
// of kustomize, for one source or several. Pure.

import { isMap, isSeq, type ParsedNode } from "yaml";
import { blockTextAt } from "./block-text.ts";
import { parseYaml, type YamlDocument, type YamlFile } from "./document.ts";
import { type Image, parseImageText, printImage } from "./image-text.ts";
import { editOf, type Place } from "./places.ts";
import { parsePath } from "./set-path.ts";
import { type Path, printPath, type Spot, spotsOf } from "./spots.ts";
import { valuesPlaces } from "./values-places.ts";

type Source = { readonly file: string; readonly document: number; readonly lineOf: (offset: number) => number };

/** The places of all applications of a file, or of the one with this name. */
export function applicationPlaces(
  name: string,
  file: YamlFile,
  lineOf: (offset: number) => number,
  application: string | undefined,
): readonly Place[] {
  return file.documents.flatMap((document, index) => {
    const kind = document.getIn(["kind"]);
    const isSet = kind === "ApplicationSet";
    const own = String(document.getIn(["metadata", "name"]) ?? "");
    if ((!isSet && kind !== "Application") || (application !== undefined && application !== own)) return [];
    const spec: Path = isSet ? ["spec", "template", "spec"] : ["spec"];
    const sources = document.getIn([...spec, "sources"], true);
    const paths: Path[] = isSeq(sources)
      ? sources.items.map((_, at) => [...spec, "sources", at])
      : [[...spec, "source"]];
    return paths.flatMap((path) => sourcePlaces(file, document, path, { file: name, document: index, lineOf }, own));
  });
}

function sourcePlaces(
  file: YamlFile,
  document: YamlDocument,
  path: Path,
  source: Source,
  application: string,
): readonly Place[] {
  const helm: Path = [...path, "helm"];
  const values = spotsAt(file, document, [...helm, "valuesObject"]);
  // Argo CD does not look at the text where there is an object. Parameters come after both.
  const base = values.length > 0 ? values : textSpots(source.file, file, document, [...helm, "values"]);
  const parameters = parameterSpots(file, document, [...helm, "parameters"]);
  const covered = new Set(parameters.map((spot) => printPath(spot.path)));
  const spots = [...base.filter((spot) => !covered.has(printPath(spot.path))), ...parameters];
  return [
    ...valuesPlaces(spots, { ...source, prefix: application === "" ? "" : `${application}: ` }),
    ...kustomizePlaces(file, document, [...path, "kustomize", "images"], source, application),
  ];
}

function spotsAt(file: YamlFile, document: YamlDocument, path: Path): readonly Spot[] {
  const node = document.getIn(path, true) as ParsedNode | undefined;
  if (!isMap(node)) return [];
  const inside = spotsOf(file, document, node as ParsedNode, node.range?.[0] ?? 0, []);
  return inside.map((spot) => ({ ...spot, write: { in: "document", path: [...path, ...spot.path] } }));
}

function textSpots(name: string, file: YamlFile, document: YamlDocument, path: Path): readonly Spot[] {
  const text = document.getIn(path);
  if (typeof text !== "string" || text.trim() === "") return [];
  const block = blockTextAt(file, document, path);
  const inner = parseYaml(name, paddedText(file, block?.start ?? 0, text));
  const [only] = inner.documents;
  if (!only) return [];
  // Offsets are for lines: any of the same line will do.
  const outer = (offset: number): number => offsetOfLine(file.text, lineAt(inner.text, offset));
  return spotsOf(inner, only, only.contents, 0, []).map((spot) => ({
    ...spot,
    at: outer(spot.at),
    ...(spot.alias && { alias: { ...spot.alias, anchor: outer(spot.alias.anchor) } }),
    write: { in: "text", text: path, path: spot.path },
  }));
}

/** The text behind as many empty lines as the file has before it: errors then name the line of the file. */
export function paddedText(file: YamlFile, start: number, text: string): string {
  return "\n".repeat(lineAt(file.text, start) - 1) + text;
}

function parameterSpots(file: YamlFile, document: YamlDocument, path: Path): readonly Spot[] {
  const list = document.getIn(path, true);
  if (!isSeq(list)) return [];
  return list.items.flatMap((item, at) => {
    if (!isMap(item)) return [];
    const key = parsePath(String(item.get("name") ?? "").replaceAll("\\.", "."));
    const [value] = spotsOf(
      file,
      document,
      (item.get("value", true) ?? null) as ParsedNode | null,
      item.range?.[0] ?? 0,
      [],
    );
    if (!key || !value) return [];
    const plain = key.filter((part) => typeof part !== "object");
    return [{ ...value, path: plain, write: { in: "list", path: [...path, at, "value"] } } as const];
  });
}

/** Entries read `new:tag`, `new@digest`, or with the name that the manifests have: `old=new:tag`. */
function kustomizePlaces(
  file: YamlFile,
  document: YamlDocument,
  path: Path,
  { file: name, document: index, lineOf }: Source,
  application: string,
): readonly Place[] {
  const list = document.getIn(path, true);
  if (!isSeq(list)) return [];
  return list.items.flatMap((item, at) => {
    const [spot] = isMap(item) ? [] : spotsOf(file, document, item as ParsedNode, 0, [...path, at]);
    if (!spot) return [];
    const { text } = spot;
    const [first = "", second] = text.split("=");
    const image = parseImageText(second ?? first);
    const label = `${application === "" ? "" : `${application}: `}kustomize.images[${at}]`;
    const own = `kustomize.images[${at}]`;
    return [
      {
        file: name,
        document: index,
        line: lineOf(spot.at),
        label,
        isAt: (one: string) => one === label || one === own,
        repositories: [...(image ? [image.repository] : []), ...(second === undefined ? [] : [first])],
        shown: text,
        editsFor: (wanted: Image) => {
          const old = second === undefined ? (image?.repository ?? first) : first;
          const now = printImage(wanted.repository, wanted.tag, wanted.digest);
          const isDone = image?.repository === wanted.repository && image.digest === wanted.digest;
          if (isDone && (wanted.tag === undefined || wanted.tag === image.tag)) return [];
          const value = old === wanted.repository ? now : `${old}=${now}`;
          return [editOf(spot, value)];
        },
      },
    ];
  });
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (let at = 1; at < line; at++) offset = text.indexOf("\n", offset) + 1;
  return offset;
}
