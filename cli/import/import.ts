// `gantry import FORMAT FILE`: says the pipelines of other tools in the language of Gantry, and what could not be said.

import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import { line } from "../pipeline/lint.ts";
import { readArgument, readCatalogue } from "../pipeline/pipeline-file.ts";
import { type Call, UsageError } from "../table/command.ts";
import { importClaiflow } from "./claiflow.ts";
import { type ForeignFile, readForeignFile } from "./foreign-file.ts";
import { importGithub } from "./github.ts";
import { importGitlab } from "./gitlab.ts";
import { importKlevr } from "./klevr.ts";
import { type Notes, openNotes } from "./notes.ts";
import { pipelineText } from "./pipeline-text.ts";
import { type ImportOptions, idOf } from "./target.ts";
import { importWoodpecker } from "./woodpecker.ts";

type Import = (file: ForeignFile, options: ImportOptions, notes: Notes) => readonly JsonObject[];

const FORMATS: { readonly [format: string]: Import } = {
  github: (...all) => [importGithub(...all)],
  gitlab: (...all) => [importGitlab(...all)],
  woodpecker: (...all) => [importWoodpecker(...all)],
  claiflow: (...all) => [importClaiflow(...all)],
  klevr: importKlevr,
};

export async function importFile({
  io,
  flags,
  args: [format, path],
}: Call<
  {
    readonly name: string | undefined;
    readonly site: string | undefined;
    readonly out: string | undefined;
    readonly commands: string | undefined;
  },
  readonly [string, string]
>): Promise<number> {
  const read = FORMATS[format];
  if (!read) throw new UsageError(`There is no format ${format}: it is one of ${Object.keys(FORMATS).join(", ")}`);
  const file = readForeignFile(path, readArgument(io, path));
  const name = flags.name ?? nameOf(path);
  const notes = openNotes();
  const { commands } = flags;
  const known = commands === undefined ? {} : { commands: readForeignFile(commands, readArgument(io, commands)).root };
  const pipelines = read(file, { file: path, name, site: flags.site, ...known }, notes);
  const texts = pipelines.map((one) => ({
    name: String(one.name),
    text: pipelineText(one, basename(path), notes.all()),
  }));
  if (texts.length !== 1 && flags.out === undefined)
    throw new UsageError(`The file has ${texts.length} tasks: give a folder for their pipelines with --out`);
  for (const { line: at, column, what } of notes.all()) io.stderr(`${path}:${at}:${column} ${what}\n`);
  let problems = 0;
  for (const one of texts) {
    if (flags.out === undefined) io.stdout(one.text);
    else await writeNew(flags.out, `${one.name}.yaml`, one.text);
    const checked = parsePipeline({ name: `${one.name}.yaml`, text: one.text }, readCatalogue(io));
    for (const problem of checked.problems) io.stderr(`${line(problem)}\n`);
    problems += checked.problems.length;
  }
  return notes.all().length + problems > 0 ? 1 : 0;
}

async function writeNew(folder: string, name: string, text: string): Promise<void> {
  const path = join(folder, name);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path, text, { flag: "wx" });
  } catch (cause) {
    const problem =
      (cause as NodeJS.ErrnoException).code === "EEXIST" ? "It exists already." : (cause as Error).message;
    throw new GantryError("argument-unusable", { argument: `The file ${path}`, problem }, { cause });
  }
}

/** `.github/workflows/ci.yml` → `ci`. */
function nameOf(path: string): string {
  const name = basename(path)
    .replace(/\.(?:ya?ml|json)$/, "")
    .replace(/^\./, "")
    .toLowerCase();
  return idOf(name, "imported").replaceAll("_", "-").toLowerCase();
}
