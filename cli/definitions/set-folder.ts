// A folder with a set of definitions, as a task-agent would read it.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DefinitionFiles } from "@gantry/core/definitions/check-set.ts";
import { isSetFile, SET_FOLDERS } from "@gantry/core/definitions/set-files.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";

/** The YAML files on top and in the folders of a set. Throws `argument-unusable`. */
export async function readSetFolder(folder: string): Promise<DefinitionFiles> {
  try {
    const top = await readdir(folder, { withFileTypes: true });
    const folders = top.filter((entry) => !entry.isFile() && SET_FOLDERS.some((one) => one === entry.name));
    const inside = folders.map(async ({ name }) =>
      (await readdir(join(folder, name))).map((file) => `${name}/${file}`),
    );
    const onTop = top.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    const paths = [...onTop, ...(await Promise.all(inside)).flat()].filter(isSetFile).toSorted();
    const texts = paths.map(async (path) => [path, await readFile(join(folder, path), "utf8")] as const);
    return new Map(await Promise.all(texts));
  } catch (error) {
    throw new GantryError("argument-unusable", { argument: folder, problem: fileProblem(error) }, { cause: error });
  }
}
