// Where Helm values name an image: a mapping with `repository`, `tag` and `digest` apart, or one text. Pure.

import {
  type Image,
  type ImageText,
  parseImageText,
  printImage,
  rankOf,
  splitHost,
  tagWithDigest,
} from "./image-text.ts";
import { type Edit, editOf, isPathAt, type Place, type PlaceOfSpots, refusal } from "./places.ts";
import { parsePath } from "./set-path.ts";
import { type Path, printPath, type Spot, samePath, type Write } from "./spots.ts";

type Source = {
  readonly file: string;
  readonly document: number;
  /** Before the labels of these places, such as the name of the application; may be empty. */
  readonly prefix: string;
  readonly lineOf: (offset: number, file: string) => number;
};

/** The keys that charts use, in order of preference. */
const KEYS = {
  registry: ["registry", "imageRegistry"],
  repository: ["repository", "imageRepository", "imageName", "image", "name"],
  tag: ["tag", "imageTag"],
  /** `sha` has no `sha256:` before it. */
  digest: ["digest", "imageDigest", "sha"],
} as const;
type Field = keyof typeof KEYS;
type Fields = {
  readonly [F in Field]?: Spot;
} & {
  /** `name: web` beside `repository: harbor.example/apps`: the last part of the path. */
  readonly last?: Spot;
};

/** Charts of Bitnami's kind put this registry before every image. */
const GLOBAL_REGISTRIES: readonly Path[] = [
  ["global", "imageRegistry"],
  ["global", "image", "registry"],
];

/** All places among the values, in the order of the file. */
export function valuesPlaces(spots: readonly Spot[], source: Source): readonly PlaceOfSpots[] {
  const global = spots.find(({ path, text }) => text !== "" && GLOBAL_REGISTRIES.some((one) => samePath(one, path)));
  const groups = [...Map.groupBy(spots, ({ path }) => printPath(path.slice(0, -1))).values()];
  const inFields = groups.flatMap((siblings) => {
    const fields = fieldsOf(siblings);
    return fields ? [fields] : [];
  });
  const used = new Set(inFields.flatMap((fields) => Object.values(fields)));
  const asText = spots.flatMap((spot) => {
    const image = used.has(spot) ? undefined : imageIn(spot);
    return image ? [[textPlace(spot, image, global, source), [spot]] as const] : [];
  });
  const asFields = inFields.map((fields) => [fieldsPlace(fields, global, source), Object.values(fields)] as const);
  return [...asFields, ...asText];
}

function fieldsOf(siblings: readonly Spot[]): Fields | undefined {
  const pick = (field: Field): Spot | undefined =>
    KEYS[field].flatMap((key) => siblings.find(({ path }) => path.at(-1) === key) ?? [])[0];
  const [registry, repository, tag, digest] = [pick("registry"), pick("repository"), pick("tag"), pick("digest")];
  const version = tag ?? digest;
  const parent = (version ?? repository)?.path.at(-2);
  const isImage = typeof parent === "string" && /image$/i.test(parent);
  const rest = { ...(registry && { registry }), ...(tag && { tag }), ...(digest && { digest }) };
  if (repository && isRepository(repository, version, isImage)) {
    const name = siblings.find(({ path, text }) => path.at(-1) === "name" && text !== "");
    const last = isImage && repository.path.at(-1) === "repository" ? name : undefined;
    return { repository, ...rest, ...(last && { last }) };
  }
  return version && isImage ? rest : undefined;
}

/** `image: web` beside a `tag`, and `name: web` of something called image; `image: web:v1` is one text. */
function isRepository({ path, text }: Spot, version: Spot | undefined, isImage: boolean): boolean {
  const key = path.at(-1);
  if (key === "repository" || key === "imageRepository") return text !== "";
  const image = parseImageText(text);
  if (!version || !image || image.tag !== undefined || image.digest !== undefined) return false;
  return key === "name" ? isImage : true;
}

/** A text that can only be an image: it is called so, or has a registry and a tag or digest. */
function imageIn({ path, text }: Spot): ImageText | undefined {
  const image = parseImageText(text);
  const key = path.findLast((part) => typeof part === "string");
  if (!image || typeof key !== "string" || /policy|secret/i.test(key)) return undefined;
  if (/images?$/i.test(key)) return image;
  const isWhole = splitHost(image.repository).host !== undefined && (image.tag ?? image.digest) !== undefined;
  return isWhole ? image : undefined;
}

function textPlace(
  spot: Spot,
  { repository, tag, digest }: ImageText,
  everywhere: Spot | undefined,
  source: Source,
): Place {
  const { text, path } = spot;
  const place = placed(spot, path, source);
  const global = splitHost(repository).host === undefined ? everywhere : undefined;
  return {
    ...place,
    isAt: isAtPath(source, path, []),
    repositories: [...(global ? [`${withoutSlash(global.text)}/${repository}`] : []), repository],
    shown: text,
    editsFor: (image) => {
      if (global) refuseOtherRegistry(global, image, place);
      const name = global ? splitHost(image.repository).path : repositoryFor(repository, image);
      const isDone = name === repository && digest === image.digest && (image.tag ?? tag) === tag;
      return isDone ? [] : [editOf(spot, printImage(name, image.tag, image.digest))];
    },
  };
}

function fieldsPlace(fields: Fields, everywhere: Spot | undefined, source: Source): Place {
  const { registry, repository, tag, digest, last } = fields;
  const first = repository ?? tag ?? digest ?? registry;
  if (!first) throw new Error("an image without fields");
  const path = first.path.slice(0, -1);
  const written = repository?.text ?? "";
  // With a registry before a repository that has one, the chart would name no image: it uses none of the others here.
  const global = splitHost(written).host === undefined ? everywhere : undefined;
  const host = withoutSlash(global?.text || registry?.text || "");
  const full = host && repository ? `${host}/${written}` : written;
  const place = placed(first, path, source);
  return {
    ...place,
    isAt: isAtPath(
      source,
      path,
      Object.values(fields).map((spot) => spot.path),
    ),
    repositories: repository ? [full, written, ...(last ? [`${full}/${last.text}`] : [])] : [],
    shown: printImage(full, tag?.text, digest?.text),
    editsFor: (image) => [
      ...(repository ? repositoryEdits({ registry, repository, everywhere, global, full, last }, image, place) : []),
      ...versionEdits(fields, image, place),
    ],
  };
}

type Name = {
  readonly registry: Spot | undefined;
  readonly repository: Spot;
  readonly everywhere: Spot | undefined;
  /** The same, if it counts for the repository as it is written. */
  readonly global: Spot | undefined;
  readonly full: string;
  readonly last: Spot | undefined;
};

function repositoryEdits(name: Name, wanted: Image, place: Pick<Place, "file" | "line" | "label">): readonly Edit[] {
  const { registry, repository, everywhere, global, full, last } = name;
  const ending = `/${last?.text}`;
  // Charts that read `name` put it behind the repository; with those that do not, the repository is whole.
  const isSplit = last && rankOf(full, wanted) === undefined && wanted.repository.endsWith(ending);
  const image = isSplit ? { ...wanted, repository: wanted.repository.slice(0, -ending.length) } : wanted;
  if (full === image.repository || repository.text === image.repository) return [];
  const { host = "", path } = splitHost(image.repository);
  const isWhole = splitHost(repository.text).host !== undefined && (registry?.text ?? "") === "";
  if (!global && (!registry || isWhole)) return set(repository, repositoryFor(repository.text, image));
  // It counts for every repository without a host, so for this one after the edit.
  if (everywhere) refuseOtherRegistry(everywhere, image, place);
  if (global || !registry) return set(repository, path);
  // Charts that put the two together without a slash have it in the registry.
  return [...set(registry, registry.text.endsWith("/") ? `${host}/` : host), ...set(repository, path)];
}

/** The chart puts this registry before the image, so another one would come out. */
function refuseOtherRegistry(
  { path, text }: Spot,
  { repository }: Image,
  place: Pick<Place, "file" | "line" | "label">,
): void {
  const { host = "" } = splitHost(repository);
  if (withoutSlash(text) !== host)
    throw refusal(place, `${printPath(path)} is ${text}, and the image is in ${host}; change it by hand`);
}

function versionEdits(
  { registry, repository, tag, digest }: Fields,
  image: Image,
  place: Pick<Place, "file" | "line" | "label">,
): readonly Edit[] {
  if (digest) {
    // A tag that carried the digest would bring it a second time.
    const plain = image.tag ?? tag?.text.split("@")[0] ?? "";
    const isBare = digest.path.at(-1) === "sha";
    return [
      ...(tag ? set(tag, plain) : []),
      ...set(digest, isBare ? (image.digest.split(":")[1] ?? "") : image.digest),
    ];
  }
  if (tag) return isTagOf(tag.text, image) ? [] : set(tag, tagWithDigest(image));
  const sibling = repository ?? registry;
  if (!sibling) return [];
  if (sibling.write.in === "list") throw refusal(place, "it has no tag and no digest; add one of them");
  return [{ ...editOf(sibling, tagWithDigest(image)), write: beside(sibling.write, "tag") }];
}

function isTagOf(text: string, { tag, digest }: Image): boolean {
  return tag === undefined ? text.endsWith(`@${digest}`) : text === `${tag}@${digest}`;
}

/** A chart may put the registry before a repository that is written without one, so such a text stays. */
function repositoryFor(written: string, image: Image): string {
  const { host, path } = splitHost(written);
  return host === undefined && path === splitHost(image.repository).path ? written : image.repository;
}

function withoutSlash(host: string): string {
  return host.replace(/\/$/, "");
}

function set(spot: Spot, value: string): readonly Edit[] {
  return spot.text === value ? [] : [editOf(spot, value)];
}

function beside(write: Exclude<Write, { in: "list" }>, key: string): Write {
  return { ...write, path: [...write.path.slice(0, -1), key] };
}

function placed(spot: Spot, path: Path, { document, prefix, lineOf, ...source }: Source) {
  const { at, file = source.file } = spot;
  return { file, document, line: lineOf(at, file), label: `${prefix}${printPath(path)}`, path };
}

function isAtPath({ prefix }: Source, path: Path, fields: readonly Path[]): Place["isAt"] {
  return (at) => isPathAt(parsePath(at.startsWith(prefix) ? at.slice(prefix.length) : at), path, fields);
}
