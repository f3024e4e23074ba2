// What a YAML file says about the deployments of apps: which of the forms it has, and which images it names. Pure.

import { posix } from "node:path";
import type { Declared, Mention, YamlFacts } from "@gantry/core/proposal/yaml-facts.ts";
import { isMap, isScalar } from "yaml";
import { applicationPlaces } from "./application-places.ts";
import { contentOf, parseYaml, type YamlDocument, type YamlFile } from "./document.ts";
import { parseImageText } from "./image-text.ts";
import { manifestPlaces } from "./manifest-places.ts";
import type { Place } from "./places.ts";
import { spotsOf } from "./spots.ts";
import { valuesPlaces } from "./values-places.ts";

export type FactsFile = {
  /** Below the repository. */
  readonly file: string;
  readonly text: string;
  /** The folder of the chart that it is part of. */
  readonly chart: string | undefined;
};

const KUSTOMIZATION = /(?:^|\/)(?:kustomization\.ya?ml|Kustomization)$/;
/** Files with images that are no values of charts. */
const NO_VALUES = /(?:^|\/)(?:(?:docker-)?compose[^/]*|\.[^/]+|bitbucket-pipelines|azure-pipelines|Chart)\.ya?ml$/;

export function isKustomization(file: string): boolean {
  return KUSTOMIZATION.test(file);
}

/** Throws `file-invalid` with file and line for a file that cannot be read. */
export function factsOf({ file, text, chart }: FactsFile): readonly YamlFacts[] {
  const parsed = parseYaml(file, text);
  if (isKustomization(file)) return [kustomizationOf(file, parsed)];
  const isObject = parsed.documents.some((one) => textAt(one, "kind") !== "" && textAt(one, "apiVersion") !== "");
  if (!isObject) return NO_VALUES.test(file) ? [] : valuesOf(file, parsed, chart);
  const applications = parsed.documents.flatMap((one): YamlFacts[] => {
    if (!/^Application(?:Set)?$/.test(textAt(one, "kind"))) return [];
    const is = declaredBy(one);
    const places = applicationPlaces(file, parsed, is.name);
    return places.length === 0 ? [] : [{ kind: "application", file, images: places.flatMap(mentionOf), is }];
  });
  const images = manifestPlaces(file, parsed).flatMap(mentionOf);
  const namespaces = parsed.documents.flatMap((one) => textAt(one, "metadata", "namespace") || []);
  const manifest: YamlFacts = { kind: "manifest", file, images, namespaces: [...new Set(namespaces)] };
  return [...applications, ...(images.length > 0 ? [manifest] : [])];
}

function mentionOf({ repositories: [first], file, line, label, container }: Place): readonly Mention[] {
  if (first === undefined || first === "" || first.includes("{{")) return [];
  return [{ repository: first, ...(container ? { name: container } : {}), file, line, place: label }];
}

function valuesOf(file: string, parsed: YamlFile, chart: string | undefined): readonly YamlFacts[] {
  const [document, second] = parsed.documents;
  if (!document || second || !isMap(document.contents)) return [];
  const spots = spotsOf(parsed, document.contents, 0, []);
  const { lineOf } = parsed;
  // What an alias stands for is named where its anchor is.
  const places = valuesPlaces(spots, { file, document: 0, prefix: "", lineOf }).flatMap(([place, of]) =>
    of.every(({ alias }) => alias !== undefined) ? [] : [place],
  );
  const tags = places.flatMap(({ repositories, line, label }) =>
    repositories.length === 0 ? [{ repository: "", file, line, place: label }] : [],
  );
  const images = places.flatMap(mentionOf);
  return images.length + tags.length === 0 ? [] : [{ kind: "values", file, chart, images, tags }];
}

function kustomizationOf(file: string, parsed: YamlFile): YamlFacts {
  const folder = folderOf(file);
  const [document] = parsed.documents;
  const root = document && isMap(document.contents) ? document : undefined;
  const paths = root ? ["resources", "bases", "components"].flatMap((key) => listAt(parsed, root, key)) : [];
  const namespace = root ? textAt(root, "namespace") : "";
  return {
    kind: "kustomization",
    file,
    folder,
    isComponent: root !== undefined && textAt(root, "kind") === "Component",
    uses: paths.flatMap((path) => (typeof path === "string" ? (inside(folder, path) ?? []) : [])),
    entries: root ? entriesOf(file, parsed, root) : [],
    namespace: namespace === "" ? undefined : namespace,
  };
}

/** Undefined for what is elsewhere: another repository, or outside of this one. */
function inside(folder: string, path: string): string | undefined {
  if (/^[a-z+]+:\/\/|^[^/]*:|^\//i.test(path) || path.includes("?ref=")) return undefined;
  const whole = posix.normalize(posix.join(folder, path)).replace(/\/$/, "");
  if (whole === ".." || whole.startsWith("../")) return undefined;
  return whole === "." ? "" : whole;
}

function entriesOf(file: string, parsed: YamlFile, document: YamlDocument): readonly Mention[] {
  return listAt(parsed, document, "images").flatMap((entry, at): Mention[] => {
    if (typeof entry !== "object" || entry === null) return [];
    const { name, newName }: { name?: unknown; newName?: unknown } = entry;
    if (typeof name !== "string") return [];
    const node: unknown = document.getIn(["images", at], true);
    const offset = isMap(node) ? (node.range?.[0] ?? 0) : 0;
    const repository = typeof newName === "string" && newName !== "" ? newName : name;
    const image = parseImageText(repository)?.repository ?? repository;
    return [{ repository: image, name, file, line: parsed.lineOf(offset), place: `images[name=${name}]` }];
  });
}

function declaredBy(document: YamlDocument): Declared {
  const spec = textAt(document, "kind") === "ApplicationSet" ? ["spec", "template", "spec"] : ["spec"];
  const given = (value: string): string | undefined => (value === "" || value.includes("{{") ? undefined : value);
  return {
    name: textAt(document, "metadata", "name"),
    project: given(textAt(document, ...spec, "project")),
    cluster: given(textAt(document, ...spec, "destination", "name")),
    server: given(textAt(document, ...spec, "destination", "server")),
    namespace: given(textAt(document, ...spec, "destination", "namespace")),
  };
}

function listAt(file: YamlFile, document: YamlDocument, key: string): readonly unknown[] {
  const whole = contentOf(file, document, document.contents);
  const value: unknown =
    typeof whole === "object" && whole !== null ? Object.entries(whole).find(([one]) => one === key)?.[1] : undefined;
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** Empty where there is no text. */
function textAt(document: YamlDocument, ...path: string[]): string {
  const node: unknown = isMap(document.contents) ? document.getIn(path, true) : undefined;
  if (!isScalar(node) || node.value === null) return "";
  return typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
}

function folderOf(file: string): string {
  return file.split("/").slice(0, -1).join("/");
}
