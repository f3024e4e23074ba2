// Which images a repository has, from its Dockerfiles: the folder of the app, and the context of each. Pure.

import type { FoundImages } from "@gantry/core/proposal/found.ts";
import { joined, marksOf, saidBy } from "./decide-build.ts";
import type { Folder } from "./folder.ts";

type Image = Pick<FoundImages["images"][number], "name" | "context" | "dockerfile" | "file" | "isGuess">;
export type Images = Pick<FoundImages, "folder" | "folderFrom" | "leftOut"> & { readonly images: readonly Image[] };

export type Dockerfiles = {
  /** The name of the app. */
  readonly app: string;
  /** The folder of the app, if a person has named it. */
  readonly folder: string | undefined;
  /** Below the repository. */
  readonly files: readonly string[];
  /** The folders of these files and those around them, by path below the repository. */
  readonly folders: { readonly [path: string]: Folder };
  /** What each file copies from its context: the first part of each path. */
  readonly copies?: { readonly [file: string]: readonly string[] };
};

/** As many as an app may have. */
const MAX_IMAGES = 20;
const NOT_RELEASED = /^(?:dev|development|test|tests|testing|local|debug|ci|lint|e2e|devcontainer)$/i;
/** Folders that hold Dockerfiles of what is beside them. */
const HOLDERS: readonly string[] = [
  "docker",
  "dockerfiles",
  "container",
  "containers",
  "deploy",
  "deployment",
  "ops",
  "infra",
];

export function decideImages({ app, folder, files, folders, copies = {} }: Dockerfiles): Images {
  const released = files.filter((file) => !isForDevelopment(file));
  const used = (released.length > 0 ? released : files).slice(0, MAX_IMAGES);
  const placed = used.map((file) => ({ file, ...contextOf(file, folders) }));
  const top =
    folder === undefined
      ? topOf(
          placed.map(({ context }) => context),
          folders,
        )
      : { path: joined(folder), from: "" };
  const images = placed.map(({ file, ...one }) => {
    // Such as the binaries of a Go module around it, which CI builds there.
    const copiesFromAround =
      !hasProject(one.context, folders) &&
      hasProject(top.path, folders) &&
      (copies[file] ?? []).some((first) => folders[one.context]?.names.includes(first) === false);
    // The context is inside of the folder of the app.
    const context = isWithin(one.context, top.path) && !copiesFromAround ? one.context : top.path;
    const isGuess = one.isGuess || (copiesFromAround && one.context !== top.path);
    return { file, isGuess, context: below(context, top.path), dockerfile: below(file, context) };
  });
  const names = namesOf(app, images);
  const leftOut = files.flatMap((file) => {
    if (used.includes(file)) return [];
    const why = isForDevelopment(file)
      ? "its name says that it is not released"
      : `an app has at most ${MAX_IMAGES} images`;
    return [{ file, why }];
  });
  return {
    folder: top.path,
    folderFrom: top.from,
    images: images.map((one, at) => ({ name: names[at] ?? app, ...one })),
    leftOut: leftOut.slice(0, MAX_IMAGES),
  };
}

/** The first part of each path that the text of a Dockerfile copies from its context. Patterns, variables and addresses are left out. */
export function copiedBy(dockerfile: string): readonly string[] {
  const lines = dockerfile.replace(/\\\r?\n/g, " ").split("\n");
  return lines.flatMap((line) => {
    const given = /^\s*(?:COPY|ADD)\s+(.+)$/i.exec(line)?.[1];
    if (given === undefined || /--from=|<<|^\s*\[/.test(given)) return [];
    const words = given.split(/\s+/).filter((word) => word !== "" && !word.startsWith("--"));
    return words.slice(0, -1).flatMap((word) => {
      const [first = ""] = word.split("/").filter((part) => part !== "" && part !== ".");
      return first === "" || /[*?$[]|:\/\//.test(word) ? [] : [first];
    });
  });
}

function isForDevelopment(file: string): boolean {
  return (
    NOT_RELEASED.test(saidBy(file) ?? "") ||
    file
      .split("/")
      .slice(0, -1)
      .some((part) => NOT_RELEASED.test(part))
  );
}

function contextOf(
  file: string,
  folders: Dockerfiles["folders"],
): { readonly context: string; readonly isGuess: boolean } {
  const parts = file.split("/").slice(0, -1);
  const own = parts.join("/") || ".";
  const holder = parts.findIndex((part) => HOLDERS.includes(part.toLowerCase()));
  if (holder < 0 || hasProject(own, folders)) return { context: own, isGuess: false };
  return { context: parts.slice(0, holder).join("/") || ".", isGuess: true };
}

function hasProject(path: string, folders: Dockerfiles["folders"]): boolean {
  const folder = folders[path];
  return folder !== undefined && marksOf(folder).length > 0;
}

/** The nearest folder around all contexts that has a project: its lock file or its modules are those of the images, too. */
function topOf(
  contexts: readonly string[],
  folders: Dockerfiles["folders"],
): { readonly path: string; readonly from: string } {
  const common = contexts
    .map((one) => partsOf(one))
    .reduce((a, b) => a.slice(0, sharedOf(a, b)), partsOf(contexts[0] ?? "."));
  const around = common.map((_, at) => common.slice(0, common.length - at).join("/")).concat(".");
  const member = folders[around[0] ?? "."];
  const workspace = member && isMember(member) ? around.find((path) => hasLock(folders[path])) : undefined;
  const path = workspace ?? around.find((one) => hasProject(one, folders)) ?? (common.join("/") || ".");
  const [mark] = folders[path] ? marksOf(folders[path]) : [];
  return { path, from: mark ? joined(path, mark.file.split(" ")[0] ?? "") : "" };
}

const LOCKS: readonly string[] = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "uv.lock"];

function hasLock(folder: Folder | undefined): boolean {
  return folder !== undefined && LOCKS.some((one) => folder.names.includes(one));
}

/** Its lock file may be that of a workspace around it. */
function isMember(folder: Folder): boolean {
  return ["package.json", "pyproject.toml"].some((one) => folder.names.includes(one)) && !hasLock(folder);
}

function sharedOf(a: readonly string[], b: readonly string[]): number {
  const differs = a.findIndex((part, at) => part !== b[at]);
  return differs < 0 ? a.length : differs;
}

function partsOf(path: string): readonly string[] {
  return path === "." ? [] : path.split("/");
}

function isWithin(path: string, folder: string): boolean {
  return folder === "." || path === folder || path.startsWith(`${folder}/`);
}

/** `path` below `folder`, which is around it. */
function below(path: string, folder: string): string {
  if (path === folder) return ".";
  return folder === "." ? path : path.slice(folder.length + 1);
}

/** One image has the name of the app. Several are told apart by their files, their contexts, or both. */
function namesOf(app: string, images: readonly Pick<Image, "context" | "dockerfile" | "file">[]): readonly string[] {
  if (images.length <= 1) return images.map(() => app);
  const names: string[] = [];
  for (const { context, dockerfile, file } of images) {
    const said = saidBy(file);
    const folder = dockerfile.includes("/")
      ? dockerfile.split("/").at(-2)
      : context === "."
        ? undefined
        : context.split("/").at(-1);
    const holder = folder !== undefined && HOLDERS.includes(folder.toLowerCase()) ? undefined : folder;
    const wanted = [
      said ?? holder ?? app,
      [holder, said].filter((one) => one !== undefined).join("-"),
      file.replace(/\/?Dockerfile$/i, ""),
    ];
    const free = wanted.map(plainName).find((one) => one !== "" && !names.includes(one));
    names.push(free ?? `${plainName(wanted[0] ?? app)}-${names.length + 1}`);
  }
  return names;
}

function plainName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 100);
}
