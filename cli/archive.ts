// `gantry archive`: reads an archive. No process needs to run.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { dayOfTask } from "@gantry/core/task/task-id.ts";
import { findArchived, listArchive, readPart } from "@gantry/journal/archive/archive.ts";
import { EXIT } from "./line/exit-codes.ts";
import type { Call, Outcome } from "./table/command.ts";

const KINDS = ["tasks", "deliveries"] as const;

type OfFolder = Call<object, readonly [folder: string]>;

export async function listDays({ io, args: [folder] }: OfFolder): Promise<number> {
  await assertFolder(folder);
  for (const kind of KINDS) {
    for await (const { path, parts } of listArchive(folder, kind)) {
      const records = parts.reduce((sum, { ids }) => sum + ids.length, 0);
      const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
      io.stdout(`${path}: ${records} ${kind}, ${bytes} bytes, newest part of ${parts.at(-1)?.at ?? "never"}\n`);
    }
  }
  return 0;
}

export async function showTask({ io, args: [folder, task] }: Call<object, readonly [string, string]>): Promise<number> {
  await assertFolder(folder);
  const day = dayOfTask(task);
  const found = day === undefined ? undefined : await findArchived(folder, "tasks", { day, id: task });
  if (!found) {
    io.stderr(`There is no task ${task} in ${folder}.\n`);
    return EXIT.notFound;
  }
  io.stdout(`${JSON.stringify(found, null, 2)}\n`);
  return 0;
}

export async function check({ io, args: [folder] }: OfFolder): Promise<Outcome> {
  await assertFolder(folder);
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
  const text = `${folder}: ${counted(parts, "part")} with ${counted(records, "record")} intact, ${damaged} damaged\n`;
  return { value: { parts, records, damaged }, text, code: damaged > 0 ? 1 : 0 };
}

async function assertFolder(folder: string): Promise<void> {
  try {
    await readdir(join(folder));
  } catch (error) {
    const argument = `The folder ${folder}`;
    throw new GantryError("argument-unusable", { argument, problem: fileProblem(error) }, { cause: error });
  }
}
