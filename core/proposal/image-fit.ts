// Whether a name of an image, as YAML files write it, is that of an image of an app. Pure.

/** What an app and its images are called. */
export type AppNames = {
  readonly app: string;
  /** Of the source repository. */
  readonly slug: string;
  /** The last part of the folder of the source in a monorepo; undefined for the whole repository. */
  readonly folder?: string | undefined;
  readonly project: string;
  /** Names of the images. */
  readonly images: readonly string[];
};

/** Fits of the name of a container or of an entry are weaker than those of repositories. */
const BY_NAME = 3;

/**
 * How well a reference fits; less is better, undefined if it does not. 1: only this app can be meant. 2: the place that the
 * image would have by default. 3: the name alone, which other apps may have, too. `name`: of the container or the entry.
 */
export function fitOf(
  { repository, name }: { readonly repository: string; readonly name?: string | undefined },
  image: string,
  names: AppNames,
): number | undefined {
  const fits = [
    fitOfRepository(repository, image, names),
    ...(name === undefined ? [] : [offset(fitOfRepository(name, image, names), BY_NAME)]),
  ].filter((one) => one !== undefined);
  return fits.length === 0 ? undefined : Math.min(...fits);
}

function offset(fit: number | undefined, by: number): number | undefined {
  return fit === undefined ? undefined : fit + by;
}

function fitOfRepository(
  repository: string,
  image: string,
  { app, slug, folder, project, images }: AppNames,
): number | undefined {
  const parts = pathOf(repository).toLowerCase().split("/").map(plain);
  const [last = "", around = ""] = parts.toReversed();
  const own = [...new Set([plain(app), plain(slug.toLowerCase())])];
  const wanted = plain(image.toLowerCase());
  const isOnly = images.length === 1;
  const certain =
    isOnly || own.includes(wanted)
      ? [...own, wanted]
      : own.flatMap((one) => [`${one}-${wanted}`, `${wanted}-${one}`, ...(wanted.includes(one) ? [wanted] : [])]);
  // In a monorepo, the only image may be called like its folder, with or without the name of the repository.
  const inMono = isOnly && folder !== undefined ? plain(folder.toLowerCase()) : undefined;
  if (inMono !== undefined) certain.push(...own.flatMap((one) => [`${one}-${inMono}`, `${inMono}-${one}`]));
  const names = [wanted, ...(inMono === undefined ? [] : [inMono])];
  if (certain.includes(last) || (own.includes(around) && names.includes(last))) return 1;
  if (!names.includes(last)) return undefined;
  return parts.join("/") === `${plain(project.toLowerCase())}/${last}` ? 2 : 3;
}

/** The last part of a path; undefined for the whole repository. */
export function folderName(path: string): string | undefined {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .at(-1);
}

function plain(text: string): string {
  return text.replace(/[._]+/g, "-");
}

/** The path of a reference without the registry, the tag and the digest. */
export function pathOf(reference: string): string {
  const [whole = ""] = reference.split("@");
  const bare = whole.replace(/:[^/:]*$/, "");
  const slash = bare.indexOf("/");
  const first = bare.slice(0, Math.max(slash, 0));
  return first === "localhost" || /[.:[]/.test(first) ? bare.slice(slash + 1) : bare;
}
