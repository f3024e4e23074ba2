// Decides how each image of an app is built, from what its folders contain and what the app says. Pure.

import type { BuildKind as Kind } from "@gantry/core/app/app-shape.ts";
import type { Commands, Folder } from "./folder.ts";
import { DOTNET_FILE, KIND_TABLE } from "./kinds.ts";
import { LOCK_FILES, lockFolder, managerOf, type NodeKind, readPackageJson } from "./node-commands.ts";

/** An image as the app describes it. `context` and `dockerfile` as in core/app/app-shape.ts. */
export type Wanted = {
  readonly name: string;
  readonly repository: string;
  readonly context: string;
  readonly dockerfile: string;
  readonly kind?: Kind | undefined;
  readonly install?: readonly string[] | undefined;
  readonly test?: readonly string[] | undefined;
  readonly build?: readonly string[] | undefined;
};

export type Sources = {
  /** The folder of the app below the workspace. */
  readonly folder: string;
  /** By path below the workspace. Absent: there is no such folder. */
  readonly folders: { readonly [path: string]: Folder };
  /** Whether there is a file at this path below the workspace. */
  readonly hasFile: (path: string) => boolean;
  /** Dockerfiles below the folder of the app, by path below it. */
  readonly dockerfiles: readonly string[];
};

export type Plan = Commands & {
  readonly name: string;
  readonly repository: string;
  readonly kind: Kind;
  /** Where its commands run, below the workspace. */
  readonly folder: string;
  /** Below the workspace. */
  readonly context: string;
  /** Below the context. */
  readonly dockerfile: string;
  readonly formats: readonly string[];
  /** Programs that the commands of this kind need. Empty if the app has its own commands only. */
  readonly tools: readonly string[];
  /** Why, for people. */
  readonly why: string;
};

export type Unclear = { readonly problem: string; readonly todo: string };

/** The image that an app without `images` has: the Dockerfile of its folder. */
export function decidePlan(wanted: Wanted, sources: Sources, earlier: readonly Plan[]): Plan | Unclear {
  const context = joined(sources.folder, wanted.context);
  const top = sources.folders[sources.folder];
  const there = sources.folders[context];
  if (!there) return noFolder(wanted, sources);
  const contextFolder = top && top.path !== there.path ? { ...there, top } : there;
  const dockerfile = joined(context, wanted.dockerfile);
  if (!sources.hasFile(dockerfile)) return noDockerfile(wanted, dockerfile, sources);
  const found = findProject(wanted, contextFolder, top);
  if ("problem" in found) return found;
  const { kind, folder, why } = found;
  const entry = KIND_TABLE[kind];
  const own = ownCommands(wanted);
  const isOwn = Object.keys(own).length === 3;
  if (NODE.includes(kind) && !isOwn && !readPackageJson(folder.texts["package.json"] ?? "")) return noJson(folder);
  const commands = { ...entry.commands(folder), ...own };
  // Images of one folder have the same tests.
  const isTested = own.test === undefined && earlier.some((one) => one.folder === folder.path && one.kind === kind);
  return {
    ...commands,
    test: isTested ? "" : commands.test,
    name: wanted.name,
    repository: wanted.repository,
    kind,
    folder: folder.path,
    context,
    dockerfile: wanted.dockerfile,
    formats: entry.formats,
    tools: isOwn ? [] : entry.tools(folder),
    why,
  };
}

function ownCommands({ install, test, build }: Wanted): Partial<Commands> {
  const given = Object.entries({ install, test, build }).filter(([, commands]) => commands !== undefined);
  return Object.fromEntries(given.map(([name, commands]) => [name, commands?.join("\n") ?? ""]));
}

type Project = { readonly kind: Kind; readonly folder: Folder; readonly why: string };

/** A monorepo may have the project file in the folder of the app, and a folder per image below it. */
function findProject(wanted: Wanted, context: Folder, top: Folder | undefined): Project | Unclear {
  const candidates = top && top.path !== context.path ? [context, top] : [context];
  const folder = candidates.find((one) => marksOf(one).length > 0);
  if (wanted.kind !== undefined) {
    const at = wanted.kind === "dockerfile" ? context : (folder ?? context);
    return { kind: wanted.kind, folder: at, why: `${at.path}: ${KIND_TABLE[wanted.kind].title}, as the app says` };
  }
  if (folder) return only(folder, marksOf(folder));
  return {
    kind: "dockerfile",
    folder: context,
    why: `${context.path}: no project file, so only the Dockerfile is built`,
  };
}

/** A file that says of what kind a project is. `kinds`: more than one if that does not follow from it. */
type Mark = { readonly file: string; readonly kinds: readonly Kind[] };

function only(folder: Folder, marks: readonly Mark[]): Project | Unclear {
  const kinds = [...new Set(marks.flatMap((mark) => mark.kinds))];
  const [kind] = kinds;
  const files = marks.map(({ file }) => file).join(", ");
  if (kind !== undefined && kinds.length === 1 && marks.every((mark) => mark.kinds.length > 0))
    return { kind, folder, why: `${folder.path}: ${KIND_TABLE[kind].title} (${files})` };
  const words = marks
    .map((mark) => `${mark.file} (${mark.kinds.join(" or ") || "a tool that CI does not know"})`)
    .join(" and ");
  const choices = marks.some((mark) => mark.kinds.length === 0) ? [...kinds, "dockerfile" as const] : kinds;
  return {
    problem: `The folder ${folder.path} has ${words}.`,
    todo: `Write the kind into the image of the app, one of ${choices.map((one) => `\`kind: ${one}\``).join(", ")}, and its own commands under \`install\`, \`test\` and \`build\` if it needs others.`,
  };
}

/** Empty for a folder without a project of its own. */
export function marksOf(folder: Folder): readonly Mark[] {
  const { names } = folder;
  const has = (name: string): boolean => names.includes(name);
  const first = (...files: readonly string[]): readonly string[] => files.filter(has).slice(0, 1);
  const mark = (kinds: readonly Kind[], files: readonly string[]): readonly Mark[] =>
    files.map((file) => ({ file, kinds }));
  return [
    ...nodeMarks(folder),
    ...mark(["maven"], first("pom.xml")),
    ...mark(["gradle"], first("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")),
    ...mark(["go"], first("go.mod")),
    ...pythonMarks(folder),
    ...mark(["dotnet"], names.filter((name) => DOTNET_FILE.test(name)).slice(0, 1)),
  ];
}

const NODE: readonly Kind[] = ["npm", "pnpm", "yarn"] satisfies readonly NodeKind[];
/** Lock files of tools that CI has no kind for. Another tool would install other versions. */
const OTHER_NODE_LOCKS: readonly string[] = ["bun.lock", "bun.lockb", "deno.lock"];
const OTHER_PYTHON_LOCKS: readonly string[] = ["pdm.lock", "Pipfile.lock", "Pipfile"];

function nodeMarks(folder: Folder): readonly Mark[] {
  if (!folder.names.includes("package.json")) return [];
  const at = lockFolder(folder);
  const shown = (file: string): string => (at === folder ? file : `${file} of ${at.path}`);
  const manager = managerOf(at);
  const kindsOf = (name: string): readonly Kind[] => NODE.filter((one) => one === name);
  if (manager !== undefined) return [{ file: shown("package.json"), kinds: kindsOf(manager) }];
  const locks = Object.entries(LOCK_FILES).filter(([name]) => at.names.includes(name));
  const marks: readonly Mark[] = [
    ...locks.map(([file, kind]) => ({ file: shown(file), kinds: [kind] })),
    ...OTHER_NODE_LOCKS.filter((name) => at.names.includes(name)).map((file) => ({ file: shown(file), kinds: [] })),
  ];
  if (marks.length > 0) return marks;
  if (at.names.includes("pnpm-workspace.yaml")) return [{ file: shown("pnpm-workspace.yaml"), kinds: ["pnpm"] }];
  return [{ file: "package.json", kinds: ["npm"] }];
}

function pythonMarks({ names, texts, top }: Folder): readonly Mark[] {
  const has = (name: string): boolean => names.includes(name);
  const tables = tablesOf(texts["pyproject.toml"] ?? "");
  if (has("uv.lock")) return [{ file: "uv.lock", kinds: ["uv"] }];
  if (has("poetry.lock") || tables.has("tool.poetry"))
    return [{ file: has("poetry.lock") ? "poetry.lock" : "pyproject.toml", kinds: ["poetry"] }];
  const isInUv =
    tablesOf(top?.texts["pyproject.toml"] ?? "").has("tool.uv.workspace") && top?.names.includes("uv.lock");
  if (isInUv && tables.has("project")) return [{ file: `uv.lock of ${top?.path}`, kinds: ["uv"] }];
  // A pyproject.toml may only have the settings of a linter.
  const files = ["requirements.txt", ...(tables.has("project") ? ["pyproject.toml"] : []), "setup.py"].filter(has);
  const [other] = OTHER_PYTHON_LOCKS.filter(has);
  if (other !== undefined && !has("requirements.txt")) return [{ file: other, kinds: [] }];
  return files.slice(0, 1).map((file) => ({ file, kinds: ["pip"] }));
}

/** The tables of a TOML file, with those that they are part of: `[a.b]` is in `a`. */
function tablesOf(text: string): ReadonlySet<string> {
  const tables = new Set<string>();
  const lines = text.replace(/"""[\s\S]*?"""|'''[\s\S]*?'''/g, '""').split("\n");
  let isTop = true;
  for (const line of lines) {
    const header = /^\s*\[\[?([^\]]+)\]\]?\s*(?:#.*)?$/.exec(line)?.[1];
    if (header !== undefined) isTop = false;
    // `project.name = "x"` before the first table.
    const key = header ?? (isTop ? /^([^=#]+)\.[^=.#]+=/.exec(line)?.[1] : undefined) ?? "";
    const parts = key.split(".").map((part) => part.trim().replace(/^(["'])(.*)\1$/, "$2"));
    for (const [index] of parts.entries()) tables.add(parts.slice(0, index + 1).join("."));
  }
  return tables;
}

function noJson({ path }: Folder): Unclear {
  const file = joined(path, "package.json");
  return { problem: `${file} is missing, or is not a JSON object.`, todo: `Correct ${file}.` };
}

function noFolder({ name, context }: Wanted, { folder }: Sources): Unclear {
  const where = context === "." ? `folder ${folder}` : `folder ${context} in ${folder}`;
  return {
    problem: `The repository has no ${where}, which is the context of the image ${name}.`,
    todo: "Correct `source.folder` of the app, or `context` of the image.",
  };
}

function noDockerfile({ name }: Wanted, path: string, { dockerfiles }: Sources): Unclear {
  const problem = `There is no ${path}.`;
  if (dockerfiles.length === 0)
    return { problem, todo: "Add a Dockerfile to the repository, or write where it is into `images` of the app." };
  const shown = dockerfiles.slice(0, 5);
  const images = shown.map((file) => `{ name: ${nameOf(file, name)}, dockerfile: ${file} }`);
  return {
    problem: `${problem} The repository has ${shown.join(", ")}.`,
    todo: `Write the images into the app, for example \`images: [${images.join(", ")}]\`. A Dockerfile is named below the \`context\` of its image.`,
  };
}

/** The folder of a Dockerfile, else what its name says. */
function nameOf(file: string, otherwise: string): string {
  return (saidBy(file) ?? file.split("/").at(-2) ?? otherwise).toLowerCase().replace(/[^a-z0-9._-]+/g, "-");
}

/** `worker` for `worker.Dockerfile` and `Dockerfile.worker`; undefined for `Dockerfile`. */
export function saidBy(file: string): string | undefined {
  const last = file.split("/").at(-1) ?? "";
  return /^Dockerfile\.(.+)$/i.exec(last)?.[1] ?? /^(.+)\.Dockerfile$/i.exec(last)?.[1];
}

/** Both without `..` and without a slash at their beginning. */
export function joined(...paths: readonly string[]): string {
  const parts = paths.flatMap((path) => path.split("/")).filter((part) => part !== "" && part !== ".");
  return parts.join("/") || ".";
}
