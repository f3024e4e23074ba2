// yaml/find-images: which folders and files of a yaml repository deploy an app, so that its targets can be proposed. It changes
// nothing.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { decideDeployments } from "@gantry/core/proposal/decide-deployments.ts";
import { type FoundDeployments, foundDeployments } from "@gantry/core/proposal/found.ts";
import { type AppNames, folderName } from "@gantry/core/proposal/image-fit.ts";
import type { YamlFacts } from "@gantry/core/proposal/yaml-facts.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { z } from "zod";
import { isFolderInside, readInside } from "./files.ts";
import { factsOf, isKustomization } from "./read-facts.ts";
import { directory, orFailed } from "./step-parts.ts";

const MAX_FILES = 5_000;
const MAX_FOLDERS = 5_000;
/** Of all files that are read. */
const MAX_BYTES = 32 * 1_048_576;
const MAX_PROBLEMS = 20;
/** Files that are read for images of other names, if none has one of the app. */
const MAX_OTHER_FILES = 200;
const SKIPPED = /^(?:\..*|node_modules|vendor)$/;

const input = z.strictObject({
  directory: directory.describe("The checkout, below the workspace."),
  folder: z.string().max(500).default("").describe("Only this folder of it; empty: all."),
  app: z.string().min(1).max(63),
  slug: z.string().min(1).max(200).describe("Of the source repository."),
  project: z.string().min(1).max(200).describe("Of the source repository."),
  sourceFolder: z.string().max(500).default("").describe("The folder of the app in the source repository."),
  images: z.array(z.string().min(1).max(128)).max(20).describe("Names of the images of the app; empty: the app's."),
});

export const yamlFindImages = defineStep({
  name: "yaml/find-images",
  title: "Find the deployments of an app",
  input,
  output: foundDeployments,
  needs: [],
  // It reads files of the workspace, and uses no outside system.
  acts: () => [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 5 * 60_000,
  plan: async () => [],
  run: ({ input: given, workspace, log }) =>
    orFailed(async () => {
      const { app, slug, project } = given;
      const folder = folderName(given.sourceFolder);
      const root = join(workspace, given.directory);
      const names = { app, slug, folder, project, images: given.images.length > 0 ? given.images : [app] };
      const listed = await listFiles(root, given.folder);
      const read = await readAll(root, listed.files, names);
      const { deployments, others, isCut } = decideDeployments(read.facts, names);
      log(`${counted(read.files, "file")} read: ${counted(deployments.length, "deployment")} of ${app}`);
      for (const { form, path, files } of deployments) log(`  ${form}: ${files.length > 0 ? files.join(", ") : path}`);
      return succeeded({
        ...{ deployments: [...deployments], others: [...others] },
        problems: [...read.problems].slice(0, MAX_PROBLEMS),
        isCut: isCut || listed.isCut || read.isCut,
      });
    }),
});

/** Below the root, sorted, without links. Throws `file-invalid` for a folder that is not there. */
async function listFiles(
  root: string,
  folder: string,
): Promise<{ readonly files: readonly string[]; readonly isCut: boolean }> {
  const start = folder
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
  if (start !== "" && !(await isFolderInside(root, start)))
    throw new GantryError("file-invalid", { file: start, problem: "it is not a folder" });
  const files: string[] = [];
  const left = [start];
  for (let folders = 0; left.length > 0; folders += 1) {
    if (folders >= MAX_FOLDERS || files.length > MAX_FILES) return { files: files.slice(0, MAX_FILES), isCut: true };
    const path = left.shift() ?? "";
    const entries = await readdir(join(root, path), { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const below = path === "" ? entry.name : `${path}/${entry.name}`;
      if (SKIPPED.test(entry.name)) continue;
      if (entry.isDirectory()) left.push(below);
      else if (entry.isFile() && (/\.ya?ml$/.test(entry.name) || isKustomization(entry.name))) files.push(below);
    }
  }
  return { files: files.slice(0, MAX_FILES), isCut: files.length > MAX_FILES };
}

type ReadFacts = {
  readonly facts: readonly YamlFacts[];
  readonly problems: FoundDeployments["problems"];
  readonly files: number;
  readonly isCut: boolean;
};

async function readAll(root: string, files: readonly string[], names: AppNames): Promise<ReadFacts> {
  const charts = files.filter((file) => /(?:^|\/)Chart\.yaml$/.test(file)).map(folderOf);
  const chartOf = (file: string): string | undefined =>
    charts.filter((one) => one === "" || file.startsWith(`${one}/`)).toSorted((a, b) => b.length - a.length)[0];
  const isTemplate = (file: string): boolean => {
    const chart = chartOf(file);
    return chart !== undefined && /^(?:templates|charts|crds)\//.test(file.slice(chart === "" ? 0 : chart.length + 1));
  };
  const own = await readSome(
    root,
    files.filter((file) => !isTemplate(file)),
    {
      chartOf,
      mayMatter: (file, text) => isKustomization(file) || namesApp(text, names),
      most: MAX_FILES,
    },
  );
  if (own.facts.some(({ kind }) => kind !== "kustomization")) return own;
  const hasEntries = own.facts.some((one) => one.kind === "kustomization" && one.entries.length > 0);
  if (hasEntries) return own;
  // None names the app: what the others name may help a person to find it.
  const rest = await readSome(
    root,
    files.filter((file) => !isTemplate(file) && !isKustomization(file)),
    {
      chartOf,
      mayMatter: (_, text) => /image/i.test(text),
      most: MAX_OTHER_FILES,
    },
  );
  return { ...own, facts: [...own.facts, ...rest.facts] };
}

/** Whether a text could name an image of the app: most files of a shared repository need not be parsed. */
function namesApp(text: string, { app, slug, folder, images }: AppNames): boolean {
  const plain = text.toLowerCase().replace(/[._]/g, "-");
  return [app, slug, ...(folder === undefined ? [] : [folder]), ...images].some((one) =>
    plain.includes(one.toLowerCase().replace(/[._]/g, "-")),
  );
}

type Reading = {
  readonly chartOf: (file: string) => string | undefined;
  readonly mayMatter: (file: string, text: string) => boolean;
  /** How many files that matter are parsed. */
  readonly most: number;
};

async function readSome(root: string, files: readonly string[], reading: Reading): Promise<ReadFacts> {
  const facts: YamlFacts[] = [];
  const problems: FoundDeployments["problems"] = [];
  let [bytes, parsed] = [0, 0];
  for (const file of files) {
    bytes += (await stat(join(root, file))).size;
    if (bytes > MAX_BYTES) return { facts, problems, files: parsed, isCut: true };
    try {
      const text = await readInside(root, file);
      if (!reading.mayMatter(file, text)) continue;
      if (parsed >= reading.most) return { facts, problems, files: parsed, isCut: true };
      parsed += 1;
      facts.push(...factsOf({ file, text, chart: reading.chartOf(file) }));
    } catch (error) {
      // Other files may still say enough. Which one could not be read is part of the answer.
      if (!(error instanceof GantryError) || error.code !== "file-invalid") throw error;
      const [first] = error.problems;
      const detail = truncate(first?.detail ?? String(error.details.problem), 300);
      problems.push({ file, ...(first?.line === undefined ? {} : { line: first.line }), detail });
    }
  }
  return { facts, problems, files: parsed, isCut: false };
}

function folderOf(file: string): string {
  return file.split("/").slice(0, -1).join("/");
}
