// `gantry archive`: reads an archive. No process has to run.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { dayOfTask } from "@gantry/core/task/task-id.ts";
import { findArchived, listArchive, readPart } from "@gantry/journal/archive/archive.ts";
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
  if (request === "help") {
    io.stdout(USAGE);
    return 0;
  }
  if (!request) {
    io.stderr(USAGE);
    return 2;
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
    const problem = `the folder ${folder} cannot be read: ${(error as Error).message}`;
    throw new GantryError("config-invalid", { problem }, { cause: error });
  }
}

function readArguments(argv: readonly string[]): Request | "help" | undefined {
  try {
    const options = { help: { type: "boolean", short: "h" } } as const;
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    if (values.help) return "help";
    const [verb, folder, task, ...more] = positionals;
    if (verb === undefined || folder === undefined || more.length > 0) return undefined;
    const isComplete = verb === "show" ? task !== undefined : task === undefined;
    return ["list", "show", "check"].includes(verb) && isComplete ? { verb, folder, task } : undefined;
  } catch {
    // An unknown flag: the usage lists the known ones.
    return undefined;
  }
}
