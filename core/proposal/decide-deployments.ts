// Which folders and files of a yaml repository deploy an app, from the images that they name. Pure.

import type { Deployment, FoundDeployments } from "./found.ts";
import { type AppNames, fitOf, pathOf } from "./image-fit.ts";
import type { Mention, YamlFacts } from "./yaml-facts.ts";

type Kind<K extends YamlFacts["kind"]> = Extract<YamlFacts, { readonly kind: K }>;
/** A deployment before it is known which of its images are the app's. */
type Candidate = Pick<Deployment, "form" | "path" | "files" | "namespace" | "application"> & {
  readonly mentions: readonly Mention[];
  /** Exactly one place has to name an image. */
  readonly isSingle: boolean;
};

const MAX_DEPLOYMENTS = 100;
const MAX_OTHERS = 20;

export function decideDeployments(
  files: readonly YamlFacts[],
  names: AppNames,
): Pick<FoundDeployments, "deployments" | "others"> & { readonly isCut: boolean } {
  const candidates = [
    ...kustomizeCandidates(files),
    ...valuesCandidates(files, names),
    ...applicationCandidates(files),
    ...manifestCandidates(files, names),
  ];
  const best = bestFits(candidates, names);
  const deployments = candidates.flatMap((one) => {
    const made = deploymentOf(one, names, best);
    return made.images.length === 0 ? [] : [made];
  });
  const others = deployments.length > 0 ? [] : candidates.flatMap(({ mentions }) => mentions).map(shown);
  const distinct = [...new Map(others.map((one) => [one.repository, one])).values()];
  return {
    deployments: deployments.slice(0, MAX_DEPLOYMENTS),
    others: distinct.slice(0, MAX_OTHERS),
    isCut: deployments.length > MAX_DEPLOYMENTS,
  };
}

function shown({ repository, file, line }: Mention): FoundDeployments["others"][number] {
  return { repository, file, line };
}

/** A weaker fit counts only where nothing fits better: other apps of a shared repository may have an image `api`, too. */
function bestFits(candidates: readonly Candidate[], names: AppNames): ReadonlyMap<string, number> {
  const mentions = candidates.flatMap((one) => one.mentions);
  return new Map(
    names.images.map((image) => [
      image,
      mentions.reduce((least, one) => Math.min(least, fitOf(one, image, names) ?? least), Number.POSITIVE_INFINITY),
    ]),
  );
}

function deploymentOf(
  { mentions, isSingle, ...candidate }: Candidate,
  names: AppNames,
  best: ReadonlyMap<string, number>,
): Deployment {
  const found = names.images.map((image) => ({
    image,
    places: mentions.filter((one) => fitOf(one, image, names) === best.get(image)),
  }));
  const [only, second] = found;
  const isOne = only !== undefined && second === undefined;
  return {
    ...candidate,
    images: found.flatMap(({ image, places: [first] }) => {
      if (!first) return [];
      const { repository, file, line, place } = first;
      return [{ image, repository: pathOf(repository), file, line, place }];
    }),
    missing: found.flatMap(({ image, places }) => (places.length === 0 ? [image] : [])),
    // With one image, `at` selects its place.
    ...(isSingle && isOne && only.places.length > 1 ? { at: only.places[0]?.place } : {}),
    unclear: found.flatMap(({ image, places }) =>
      isSingle && places.length > 1 ? [{ image, places: places.map(({ place }) => place) }] : [],
    ),
  };
}

function kustomizeCandidates(files: readonly YamlFacts[]): readonly Candidate[] {
  const all = ofKind(files, "kustomization");
  const used = new Set(all.flatMap(({ uses }) => uses));
  return all
    .filter(({ folder, isComponent }) => !isComponent && !used.has(folder))
    .map(({ folder, namespace }): Candidate => {
      const reached = reachOf(files, folder);
      const mentions = reached.flatMap((one) =>
        one.kind === "kustomization" ? one.entries : one.kind === "manifest" ? one.images : [],
      );
      return { form: "kustomize", path: folder || ".", files: [], namespace, mentions, isSingle: false };
    });
}

/** The kustomization of a folder and all that it uses, nearest first. */
function reachOf(files: readonly YamlFacts[], folder: string): readonly YamlFacts[] {
  const reached = new Set<YamlFacts>();
  let next = [folder];
  while (next.length > 0) {
    const now = files.filter(
      (one) => !reached.has(one) && next.includes(one.kind === "kustomization" ? one.folder : one.file),
    );
    for (const one of now) reached.add(one);
    next = now.flatMap((one) => (one.kind === "kustomization" ? one.uses : []));
  }
  return [...reached];
}

/** Values of one chart: files per environment before the common one, which would change all of them. */
function valuesCandidates(files: readonly YamlFacts[], names: AppNames): readonly Candidate[] {
  const groups = Map.groupBy(ofKind(files, "values"), ({ chart, file }) => chart ?? folderOf(file));
  return [...groups].flatMap(([folder, group]) => {
    const isFit = (one: Mention): boolean => names.images.some((image) => fitOf(one, image, names) !== undefined);
    const base = group.find(({ file }) => /(?:^|\/)values\.ya?ml$/.test(file));
    const variants = group.filter((one) => one !== base);
    const own = variants.filter(({ images }) => images.some(isFit));
    const tagged = variants.flatMap((one) => taggedBy(one, base?.images.filter(isFit) ?? []));
    const named = [...own, ...tagged.filter(({ file }) => !own.some((one) => one.file === file))];
    const chosen = named.length > 0 || !base ? named : [base];
    const rest = chosen.length > 0 ? chosen : group;
    return rest.map(
      ({ file, images }): Candidate => ({
        form: "helm",
        path: folder || ".",
        files: [file],
        mentions: images,
        isSingle: true,
      }),
    );
  });
}

/** A file with the tag of an image that the common file names. */
function taggedBy({ tags, ...rest }: Kind<"values">, base: readonly Mention[]): readonly Kind<"values">[] {
  const images = tags.flatMap((tag) => {
    const named = base.find(({ place }) => place === tag.place);
    return named ? [{ ...tag, repository: named.repository }] : [];
  });
  return images.length === 0 ? [] : [{ ...rest, tags: [], images }];
}

function applicationCandidates(files: readonly YamlFacts[]): readonly Candidate[] {
  return ofKind(files, "application").map(({ file, images, is }) => ({
    form: "argocd",
    path: folderOf(file) || ".",
    files: [file],
    application: is,
    ...(is.namespace === undefined ? {} : { namespace: is.namespace }),
    mentions: images,
    isSingle: true,
  }));
}

/** Manifests that no kustomization uses, by folder. Folders that hold only some of the images belong to the one around them. */
function manifestCandidates(files: readonly YamlFacts[], names: AppNames): readonly Candidate[] {
  const used = new Set(ofKind(files, "kustomization").flatMap(({ uses }) => uses));
  const plain = ofKind(files, "manifest").filter(({ file }) => !used.has(file));
  const isFit = (one: Mention): boolean => names.images.some((image) => fitOf(one, image, names) !== undefined);
  const fitting = plain.filter(({ images }) => images.some(isFit));
  const isWhole = (group: readonly Kind<"manifest">[]): boolean =>
    names.images.every((image) =>
      group.some(({ images }) => images.some((one) => fitOf(one, image, names) !== undefined)),
    );
  const groups = lifted(
    Map.groupBy(fitting.length > 0 ? fitting : plain, ({ file }) => folderOf(file)),
    isWhole,
  );
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([folder, group]) => {
      const [namespace, second] = new Set(group.flatMap(({ namespaces }) => namespaces));
      return {
        form: "plain",
        path: folder || ".",
        files: group.map(({ file }) => file).toSorted(),
        ...(namespace === undefined || second !== undefined ? {} : { namespace }),
        mentions: group.flatMap(({ images }) => images),
        isSingle: false,
      };
    });
}

/** Incomplete groups are put together in the folder around them, as long as that makes a complete one. */
function lifted<T>(
  groups: ReadonlyMap<string, readonly T[]>,
  isWhole: (group: readonly T[]) => boolean,
): ReadonlyMap<string, readonly T[]> {
  const complete = [...groups].filter(([, group]) => isWhole(group));
  const partial = [...groups].filter(([, group]) => !isWhole(group));
  const folders = [...new Set(partial.flatMap(([folder]) => ancestorsOf(folder)))].toSorted(
    (a, b) => b.length - a.length,
  );
  const whole = folders.find((folder) => isWhole(within(partial, folder).flatMap(([, group]) => group)));
  if (whole === undefined) return groups;
  const joined = within(partial, whole);
  const rest = [...complete, ...partial.filter((one) => !joined.includes(one))];
  const more = lifted(new Map(rest), isWhole);
  return new Map([...more, [whole, joined.flatMap(([, group]) => group)]]);
}

function within<T>(groups: readonly (readonly [string, T])[], folder: string): readonly (readonly [string, T])[] {
  return groups.filter(([one]) => folder === "" || one === folder || one.startsWith(`${folder}/`));
}

/** The folders around a folder, and the repository: "". */
function ancestorsOf(folder: string): readonly string[] {
  const parts = folder.split("/").filter((part) => part !== "");
  return parts.map((_, at) => parts.slice(0, at).join("/"));
}

function folderOf(file: string): string {
  return file.split("/").slice(0, -1).join("/");
}

function ofKind<K extends YamlFacts["kind"]>(files: readonly YamlFacts[], kind: K): readonly Kind<K>[] {
  return files.filter((one): one is Kind<K> => one.kind === kind);
}
