// Decides how each image of an app is built, from what its folders contain and what the app says. Pure.

import type { BuildKind as Kind } from "@gantry/core/app/app-shape.ts";
import type { Commands, Folder } from "./folder.ts";
import { KIND_TABLE } from "./kinds.ts";
import { LOCK_FILES, type NodeKind, readPackageJson } from "./node-commands.ts";

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
  const contextFolder = sources.folders[context];
  if (!contextFolder) return noFolder(wanted, sources);
  const dockerfile = joined(context, wanted.dockerfile);
  if (!sources.hasFile(dockerfile)) return noDockerfile(wanted, dockerfile, sources);
  const found = findProject(wanted, contextFolder, sources.folders[sources.folder]);
  if ("problem" in found) return found;
  const { kind, folder, why } = found;
  const entry = KIND_TABLE[kind];
  const own = ownCommands(wanted);
  const commands = { ...entry.commands(folder), ...own };
  // Images of one folder have the same tests.
  const isTested = own.test === undefined && earlier.some((one) => one.folder === folder.path && one.kind === kind);
  const isOwn = Object.keys(own).length === 3;
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
  if (kind !== undefined && kinds.length === 1)
    return { kind, folder, why: `${folder.path}: ${KIND_TABLE[kind].title} (${files})` };
  const words = marks.map((mark) => `${mark.file} (${mark.kinds.join(" or ")})`).join(" and ");
  return {
    problem: `The folder ${folder.path} has ${words}.`,
    todo: `Write the kind into the image of the app, one of ${kinds.map((one) => `\`kind: ${one}\``).join(", ")}, and its own commands under \`install\`, \`test\` and \`build\` if it needs others.`,
  };
}

function marksOf(folder: Folder): readonly Mark[] {
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
    ...mark(["dotnet"], names.filter((name) => /\.(?:sln|slnx|csproj|fsproj|vbproj)$/i.test(name)).slice(0, 1)),
  ];
}

function nodeMarks({ names, texts }: Folder): readonly Mark[] {
  if (!names.includes("package.json")) return [];
  const manager = /^(npm|pnpm|yarn)@/.exec(readPackageJson(texts["package.json"] ?? "")?.packageManager ?? "")?.[1];
  if (manager !== undefined) return [{ file: "package.json", kinds: [manager as NodeKind] }];
  const locks = Object.entries(LOCK_FILES).filter(([name]) => names.includes(name));
  if (locks.length === 0) return [{ file: "package.json", kinds: ["npm"] }];
  return locks.map(([file, kind]) => ({ file, kinds: [kind] }));
}

function pythonMarks({ names, texts }: Folder): readonly Mark[] {
  const has = (name: string): boolean => names.includes(name);
  const project = texts["pyproject.toml"] ?? "";
  const hasTable = (table: string): boolean => project.split("\n").some((line) => line.trim() === `[${table}]`);
  if (has("uv.lock")) return [{ file: "uv.lock", kinds: ["uv"] }];
  if (has("poetry.lock") || hasTable("tool.poetry"))
    return [{ file: has("poetry.lock") ? "poetry.lock" : "pyproject.toml", kinds: ["poetry"] }];
  // A pyproject.toml may only have the settings of a linter.
  const files = ["requirements.txt", ...(hasTable("project") ? ["pyproject.toml"] : []), "setup.py"].filter(has);
  return files.slice(0, 1).map((file) => ({ file, kinds: ["pip"] }));
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

/** The folder of a Dockerfile, else what its name says: `worker.Dockerfile`, `Dockerfile.worker`. */
function nameOf(file: string, otherwise: string): string {
  const parts = file.split("/");
  const last = parts.at(-1) ?? "";
  const said = /^Dockerfile\.(.+)$/i.exec(last)?.[1] ?? /^(.+)\.Dockerfile$/i.exec(last)?.[1] ?? parts.at(-2);
  return (said ?? otherwise).toLowerCase().replace(/[^a-z0-9._-]+/g, "-");
}

/** Both without `..` and without a slash at their beginning. */
export function joined(...paths: readonly string[]): string {
  const parts = paths.flatMap((path) => path.split("/")).filter((part) => part !== "" && part !== ".");
  return parts.join("/") || ".";
}
