// The commands of a Node project. Pure.

import { parseDocument } from "yaml";
import { z } from "zod";
import { pathPattern } from "../image/dockerfile/path-pattern.ts";
import { type Commands, type Folder, wayBelow } from "./folder.ts";

export type NodeKind = "npm" | "pnpm" | "yarn";

const packageJson = z.looseObject({
  packageManager: z.string().optional().catch(undefined),
  devEngines: z
    .looseObject({ packageManager: z.looseObject({ name: z.string() }).optional().catch(undefined) })
    .optional()
    .catch(undefined),
  workspaces: z
    .union([
      z.array(z.string()),
      z.looseObject({ packages: z.array(z.string()) }).transform(({ packages }) => packages),
    ])
    .optional()
    .catch(undefined),
  scripts: z.record(z.string(), z.unknown()).catch({}).default({}),
});
type PackageJson = z.output<typeof packageJson>;

/** What counts of the package.json. Undefined: it is not JSON, or not an object. Package managers ignore a byte order mark. */
export function readPackageJson(text: string): PackageJson | undefined {
  try {
    return packageJson.safeParse(JSON.parse(text.replace(/^\uFEFF/, ""))).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The name of the package manager that the package.json asks for, of any tool. */
export function managerOf({ texts }: Folder): string | undefined {
  const { packageManager, devEngines } = readPackageJson(texts["package.json"] ?? "") ?? {};
  return packageManager?.split("@")[0] || devEngines?.packageManager?.name;
}

/** Where the lock file and the choice of the package manager are: the folder itself, or the workspace that it is part of. */
export function lockFolder(folder: Folder): Folder {
  const { names, top } = folder;
  const isOwn = names.some((name) => name in LOCK_FILES) || managerOf(folder) !== undefined;
  return !isOwn && top && isMember(folder, top) ? top : folder;
}

function isMember(folder: Folder, top: Folder): boolean {
  const patterns = workspacesOf(top);
  const path = wayBelow(folder, top);
  const fits = (pattern: string): boolean => {
    const plain = pattern
      .split("/")
      .filter((part) => part !== "" && part !== ".")
      .join("/");
    return pathPattern(plain, { below: false, crosses: true })?.(path) ?? false;
  };
  return patterns.reduce((is, one) => (one.startsWith("!") ? is && !fits(one.slice(1)) : is || fits(one)), false);
}

/** pnpm takes all folders where its file names none. */
function workspacesOf({ names, texts }: Folder): readonly string[] {
  if (!names.includes("pnpm-workspace.yaml")) return readPackageJson(texts["package.json"] ?? "")?.workspaces ?? [];
  const { packages } = pnpmWorkspace.safeParse(parseYaml(texts["pnpm-workspace.yaml"] ?? "")).data ?? {};
  return packages ?? ["**"];
}

const pnpmWorkspace = z.looseObject({ packages: z.array(z.string()).optional() });

function parseYaml(text: string): unknown {
  const document = parseDocument(text);
  return document.errors.length > 0 ? undefined : document.toJS();
}

export const LOCK_FILES: { readonly [name: string]: NodeKind } = {
  "package-lock.json": "npm",
  "npm-shrinkwrap.json": "npm",
  "pnpm-lock.yaml": "pnpm",
  "yarn.lock": "yarn",
};

export function nodeCommands(kind: NodeKind, folder: Folder): Commands {
  const { scripts } = readPackageJson(folder.texts["package.json"] ?? "") ?? { scripts: {} };
  const run = (name: string): string => (hasScript(scripts, name) ? `${kind} run ${name}` : "");
  return { install: install(kind, lockFolder(folder)), test: run("test"), build: run("build") };
}

/** `npm init` writes a test that only fails. */
function hasScript(scripts: PackageJson["scripts"], name: string): boolean {
  const script = scripts[name];
  return typeof script === "string" && script.trim() !== "" && !script.includes("Error: no test specified");
}

function install(kind: NodeKind, { names, texts }: Folder): string {
  const { packageManager = "" } = readPackageJson(texts["package.json"] ?? "") ?? {};
  const isLocked = names.some((name) => LOCK_FILES[name] === kind);
  switch (kind) {
    case "npm":
      return isLocked ? "npm ci --no-fund" : "npm install --no-fund --no-package-lock";
    case "pnpm":
      return isLocked ? "pnpm install --frozen-lockfile" : "pnpm install --no-lockfile";
    case "yarn": {
      // Yarn 1 has other options than the later versions.
      const isModern = names.includes(".yarnrc.yml") || /^yarn@[2-9]/.test(packageManager);
      if (isModern) return isLocked ? "yarn install --immutable" : "yarn install";
      return `yarn install --non-interactive ${isLocked ? "--frozen-lockfile" : "--no-lockfile"}`;
    }
  }
}
