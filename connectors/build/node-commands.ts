// The commands of a Node project. Pure.

import { z } from "zod";
import type { Commands, Folder } from "./folder.ts";

export type NodeKind = "npm" | "pnpm" | "yarn";

const packageJson = z.looseObject({
  packageManager: z.string().optional().catch(undefined),
  scripts: z.record(z.string(), z.unknown()).catch({}).default({}),
});
type PackageJson = z.output<typeof packageJson>;

/** What counts of the package.json. Undefined: it is not JSON, or not an object. */
export function readPackageJson(text: string): PackageJson | undefined {
  try {
    return packageJson.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export const LOCK_FILES: { readonly [name: string]: NodeKind } = {
  "package-lock.json": "npm",
  "npm-shrinkwrap.json": "npm",
  "pnpm-lock.yaml": "pnpm",
  "yarn.lock": "yarn",
};

export function nodeCommands(kind: NodeKind, folder: Folder): Commands {
  const { scripts, packageManager = "" } = readPackageJson(folder.texts["package.json"] ?? "") ?? { scripts: {} };
  const run = (name: string): string => (hasScript(scripts, name) ? `${kind} run ${name}` : "");
  return { install: install(kind, folder, packageManager), test: run("test"), build: run("build") };
}

/** `npm init` writes a test that only fails. */
function hasScript(scripts: PackageJson["scripts"], name: string): boolean {
  const script = scripts[name];
  return typeof script === "string" && script.trim() !== "" && !script.includes("Error: no test specified");
}

function install(kind: NodeKind, { names }: Folder, packageManager: string): string {
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
