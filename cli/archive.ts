// `gantry archive`: reads an archive. No process needs to run.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { dayOfTask } from "@gantry/core/task/task-id.ts";
import { findArchived, listArchive, readPart } from "@gantry/journal/archive/archive.ts";
import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import type { Io } from "./io.ts";

const USAGE = `Usage: gantry archive list DIR
       gantry archive show DIR TASK
       gantry archive check DIR

DIR is the folder \`archive\` in the data folder of a task-agent or notify-agent, or a copy of it. \`list\` prints the
contents by day; \`show\` prints a task with all its events as JSON; \`check\` verifies all checksums (exit code 1 when
something is damaged). The folder of a day may be moved elsewhere as a whole.
`;

const KINDS = ["tasks", "deliveries"] as const;

type Request = { readonly verb: string; readonly folder: string; readonly task: string | undefined };

export async function archive(argv: readonly string[], io: Pick<Io, "stdout" | "stderr">): Promise<number> {
  const request = readArguments(argv);
  if (typeof request === "string") {
    (request === "" ? io.stdout : io.stderr)(`${request === "" ? "" : `${request}\n\n`}${USAGE}`);
    return request === "" ? 0 : 2;
  }
  await assertFolder(request.folder);
  if (request.verb === "list") return list(request, io);
  if (request.verb === "check") return check(request, io);
  return show(request, io);
}

async function list({ folder }: Request, io: Pick<Io, "stdout">): Promise<number> {
  for (const kind of KINDS) {
    for await (const { path, parts } of listArchive(folder, kind)) {
      const records = parts.reduce((sum, { ids }) => sum + ids.length, 0);
      const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
      io.stdout(`${path}: ${records} ${kind}, ${bytes} bytes, newest part of ${parts.at(-1)?.at ?? "never"}\n`);
    }
  }
  return 0;
}

async function show({ folder, task = "" }: Request, io: Pick<Io, "stdout" | "stderr">): Promise<number> {
  const day = dayOfTask(task);
  const found = day === undefined ? undefined : await findArchived(folder, "tasks", { day, id: task });
  if (!found) {
    io.stderr(`There is no task ${task} in ${folder}.\n`);
    return 1;
  }
  io.stdout(`${JSON.stringify(found, null, 2)}\n`);
  return 0;
}

async function check({ folder }: Request, io: Pick<Io, "stdout" | "stderr">): Promise<number> {
  let [parts, records, damaged] = [0, 0, 0];
  for (const kind of KINDS) {
    for await (const file of listArchive(folder, kind)) {
      for (const part of file.parts) {
        try {
          records += (await readPart(folder, file, part)).length;
          parts += 1;
        } catch (error) {
          damaged += 1;
          io.stderr(`${file.path}: ${(error as Error).message}\n`);
        }
      }
    }
  }
  io.stdout(`${folder}: ${counted(parts, "part")} with ${counted(records, "record")} intact, ${damaged} damaged\n`);
  return damaged > 0 ? 1 : 0;
}

async function assertFolder(folder: string): Promise<void> {
  try {
    await readdir(join(folder));
  } catch (error) {
    const argument = `The folder ${folder}`;
    throw new GantryError("argument-unusable", { argument, problem: fileProblem(error) }, { cause: error });
  }
}

/** The arguments, an empty text for `--help`, or an error message. */
function readArguments(argv: readonly string[]): Request | string {
  try {
    const { values, positionals } = parseFlags(argv, { help: { type: "boolean", short: "h" } });
    if (values.help) return "";
    const [verb = "", folder, task, ...more] = positionals;
    if (!["list", "show", "check"].includes(verb)) return `Unknown command: gantry archive ${verb}`.trimEnd();
    const isComplete = folder !== undefined && (verb === "show") === (task !== undefined) && more.length === 0;
    return isComplete ? { verb, folder, task } : `Wrong number of arguments for \`gantry archive ${verb}\`.`;
  } catch (error) {
    return (error as Error).message;
  }
}
