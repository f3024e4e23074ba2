// definitions/publish: hands the definitions of a folder to the task-agent, as output. It puts nothing in force: the
// task-agent takes the output only from the task that it started for this, and checks it as a whole.

import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { counted } from "@gantry/core/count.ts";
import { isSetFile, SET_FOLDERS } from "@gantry/core/definitions/set-files.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { readPlainFile, realInside } from "../plain-file.ts";

/** Of one file; a larger one cannot be a pipeline. */
const MAX_FILE_BYTES = 262_144;
const MAX_FILES = 500;
/** Of the output, so that it stays within the limit of the runner protocol. About a megabyte of YAML. */
const MAX_BUNDLE_CHARACTERS = 240_000;

export const publish = defineStep({
  name: "definitions/publish",
  title: "Hand over definitions",
  input: z.strictObject({
    directory: z.string().max(500).default("."),
    /** A folder that does not exist is an empty one. */
    optional: z.boolean().default(false),
  }),
  output: z.object({
    files: z.int(),
    /** JSON of path → text, compressed with gzip, as base64. */
    bundle: z.string().max(MAX_BUNDLE_CHARACTERS),
  }),
  needs: [],
  // It sends files of the workspace to the task-agent, and uses no outside system.
  acts: () => [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 60_000,
  plan: async ({ input }) => [`hand the definitions in ${input.directory} to the task-agent`],
  run: async ({ input, workspace, log }) => {
    const folder = await folderOf(workspace, input);
    const paths = folder === undefined ? [] : await pathsIn(folder);
    if (paths.length > MAX_FILES) throw tooLarge(`it has ${paths.length} YAML files; the limit is ${MAX_FILES}`);
    const files: Record<string, string> = {};
    for (const path of paths) {
      const file = join(folder ?? workspace, path);
      const text = await readPlainFile(workspace, file, { name: path, maxBytes: MAX_FILE_BYTES });
      if (text !== undefined) files[path] = text;
    }
    const packed = await promisify(gzip)(JSON.stringify(files), { level: 9 });
    const bundle = packed.toString("base64");
    if (bundle.length > MAX_BUNDLE_CHARACTERS)
      throw tooLarge(
        `its YAML files are too large: ${bundle.length} characters when packed, of ${MAX_BUNDLE_CHARACTERS}`,
      );
    log(`${counted(paths.length, "file")}, ${bundle.length} characters when packed`);
    return succeeded({ files: paths.length, bundle });
  },
});

/** Undefined for one that is missing and optional. Throws `bad-input` for one that is missing, or outside of the workspace. */
async function folderOf(
  workspace: string,
  { directory, optional }: { readonly directory: string; readonly optional: boolean },
): Promise<string | undefined> {
  const real = await realInside(workspace, directory);
  if (real !== undefined && (await lstat(real)).isDirectory()) return real;
  if (optional) return undefined;
  const problem = `directory: there is no folder ${directory} in the workspace`;
  throw new GantryError("bad-input", { step: "definitions/publish", problem });
}

/** As the task-agent reads a folder: the YAML files on top, and those of the folders of a set. */
async function pathsIn(directory: string): Promise<string[]> {
  const inside = async (folder: string): Promise<string[]> => {
    const entries = await readdir(join(directory, folder), { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => join(folder, name));
  };
  const top = await readdir(directory, { withFileTypes: true });
  // A link to a folder could lead out of the workspace.
  const folders = top.filter((entry) => entry.isDirectory() && SET_FOLDERS.some((one) => one === entry.name));
  const below = await Promise.all(folders.map(({ name }) => inside(name)));
  return [...(await inside(".")), ...below.flat()].filter(isSetFile).toSorted();
}

function tooLarge(problem: string): GantryError {
  return new GantryError("file-invalid", { file: "the folder of definitions", problem });
}
