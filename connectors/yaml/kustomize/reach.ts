// Which images reach the entries of a kustomization, and by what name: its manifests, those of what it uses, and its patches, as the
// entries of its bases and components have renamed them. Nothing is known where a part is elsewhere, is generated or cannot be read.

import { posix } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { isFolderInside, readInside, yamlFilesInside } from "../files.ts";
import { isKustomization } from "../read-facts.ts";
import type { TextFile } from "../set-images.ts";
import { patchImages, podImages } from "./pod-images.ts";

const MAX_FILES = 200;
const MAX_DEPTH = 20;
const KUSTOMIZATIONS = ["kustomization.yaml", "kustomization.yml", "Kustomization"] as const;

const patch = z.union([
  z.string(),
  z.object({ path: z.string().optional(), patch: z.string().optional() }).transform((one) => one.path ?? one.patch),
]);
const texts = z.array(z.string()).nullish();
const kustomization = z.object({
  kind: z.enum(["Kustomization", "Component"]).nullish(),
  resources: texts,
  bases: texts,
  components: texts,
  patches: z.array(patch).nullish(),
  patchesJson6902: z.array(patch).nullish(),
  patchesStrategicMerge: texts,
  images: z.array(z.object({ name: z.string(), newName: z.string().nullish() })).nullish(),
  /** Says which fields are images, apart from those of containers. */
  configurations: texts,
  /** Set values after the entries. */
  replacements: z.unknown().optional(),
  // What these write is not known here.
  helmCharts: z.null().optional(),
  helmChartInflationGenerator: z.null().optional(),
  generators: z.null().optional(),
  transformers: z.null().optional(),
});
type Kustomization = z.output<typeof kustomization>;

export type Reach = {
  /** The images as the entries see them, without tag and digest. */
  readonly images: readonly string[];
  /** All files. Empty unless entries may set more fields than the images of containers. */
  readonly configured: readonly TextFile[];
};

/** What reaches the entries of any of these kustomizations; undefined when not all of it is known. */
export async function reachOf(root: string, kustomizations: readonly TextFile[]): Promise<Reach | undefined> {
  const tree: Tree = { root, texts: new Map(), isConfigured: false };
  try {
    const images = new Set<string>();
    for (const file of kustomizations) {
      const read = readKustomization(tree, file);
      // A component is used by others, whose manifests are not known here.
      if (read.kind === "Component") return undefined;
      for (const image of await arriving(tree, { file: file.name, read, incoming: [], depth: 0 })) images.add(image);
    }
    const configured = tree.isConfigured ? [...tree.texts].map(([name, text]) => ({ name, text })) : [];
    return { images: [...images], configured };
  } catch (error) {
    // A part may be made by something else, or lie outside: then nobody knows.
    if (error instanceof Unknown || error instanceof GantryError) return undefined;
    throw error;
  }
}

/** Not all of a kustomization is known. */
class Unknown extends Error {}

type Tree = { readonly root: string; readonly texts: Map<string, string>; isConfigured: boolean };
type Visit = {
  readonly file: string;
  readonly read: Kustomization;
  /** The images of the kustomization that uses a component. */
  readonly incoming: readonly string[];
  readonly depth: number;
};

/** The images at the entries of a kustomization: kustomize applies its patches, and all of its components, before. */
async function arriving(tree: Tree, { file, read, incoming, depth }: Visit): Promise<readonly string[]> {
  if (depth > MAX_DEPTH) throw new Unknown();
  const images = [...incoming];
  for (const path of [...(read.resources ?? []), ...(read.bases ?? [])]) {
    const found = await fileAt(tree, file, path);
    if (isKustomization(found.name)) images.push(...(await leaving(tree, found, [], depth)));
    else images.push(...documentsOf(found.text).flatMap(podImages));
  }
  let all: readonly string[] = images;
  for (const path of read.components ?? []) all = await leaving(tree, await fileAt(tree, file, path), all, depth);
  const patches = [...(read.patches ?? []), ...(read.patchesJson6902 ?? []), ...(read.patchesStrategicMerge ?? [])];
  const patched = await Promise.all(
    patches.map(async (one = "") => {
      const text = /[\n{[:]/.test(one) ? one : (await fileAt(tree, file, one)).text;
      return documentsOf(text).flatMap(patchImages);
    }),
  );
  return [...new Set([...all, ...patched.flat()])];
}

/** The images as another kustomization sees them. */
async function leaving(
  tree: Tree,
  found: TextFile,
  incoming: readonly string[],
  depth: number,
): Promise<readonly string[]> {
  const read = readKustomization(tree, found);
  if (JSON.stringify(read.replacements ?? "").includes("image")) throw new Unknown();
  const images = await arriving(tree, { file: found.name, read, incoming, depth: depth + 1 });
  return images.map((image) =>
    (read.images ?? []).reduce((name, entry) => (name === entry.name ? entry.newName || name : name), image),
  );
}

function readKustomization(tree: Tree, { name, text }: TextFile): Kustomization {
  tree.texts.set(name, text);
  const [document] = documentsOf(text);
  const read = kustomization.safeParse(document ?? {});
  if (!read.success) throw new Unknown();
  const { resources, bases, components, patches, patchesJson6902, patchesStrategicMerge, configurations } = read.data;
  const used = [resources, bases, components, patches, patchesJson6902, patchesStrategicMerge];
  if (used.every((one) => (one ?? []).length === 0)) throw new Unknown();
  if ((configurations ?? []).length > 0) tree.isConfigured = true;
  return read.data;
}

function documentsOf(text: string): readonly unknown[] {
  const documents = parseAllDocuments(text, { merge: true, logLevel: "error" });
  if (!Array.isArray(documents)) return [];
  return documents.map((one) => {
    if (one.errors.length > 0) throw new Unknown();
    try {
      return one.toJS({ maxAliasCount: 1_000 }) as unknown;
    } catch {
      // Too many aliases.
      throw new Unknown();
    }
  });
}

/** A folder means its kustomization. */
async function fileAt(tree: Tree, from: string, path: string): Promise<TextFile> {
  if (/^[a-z+]+:\/\/|^[^/]*:|^\//i.test(path) || path.includes("?ref=")) throw new Unknown();
  const whole = posix.normalize(posix.join(posix.dirname(from), path));
  if (whole === ".." || whole.startsWith("../")) throw new Unknown();
  const isFolder = await isFolderInside(tree.root, whole);
  const [name = whole] = isFolder ? await yamlFilesInside(tree.root, whole, KUSTOMIZATIONS) : [whole];
  const text = tree.texts.get(name) ?? (await readInside(tree.root, name));
  tree.texts.set(name, text);
  if (tree.texts.size > MAX_FILES) throw new Unknown();
  return { name, text };
}
