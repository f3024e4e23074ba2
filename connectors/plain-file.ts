// Reads a file that a script of the job may have replaced by anything. A pipe would block a thread of the runner for ever, and
// a device has no end.

import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";

type Limits = {
  /** For people. */
  readonly name: string;
  readonly maxBytes: number;
};

/**
 * The text of a file below `root`; undefined when there is none. Links are followed inside of `root`. Throws `file-invalid` when
 * it leads outside, and as `readPlainBytes` does.
 */
export async function readPlainFile(root: string, file: string, limits: Limits): Promise<string | undefined> {
  const real = await orAbsent(realpath(file)).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ELOOP" ? invalid(limits, "it is a link that leads nowhere") : error;
  });
  if (real === undefined) return undefined;
  if (leadsOut(await realpath(root), real)) throw invalid(limits, "it is a link that leads outside");
  return (await readPlainBytes(real, limits))?.toString("utf8");
}

/** The path of a file or folder below `root`, without links. Undefined: there is nothing, or it is outside of `root`. */
export async function realInside(root: string, path: string): Promise<string | undefined> {
  const real = await orAbsent(realpath(join(root, path))).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ELOOP") throw error;
  });
  return real === undefined || leadsOut(await realpath(root), real) ? undefined : real;
}

function leadsOut(root: string, real: string): boolean {
  const way = relative(root, real);
  return way === ".." || way.startsWith(`..${sep}`);
}

/**
 * The content of a file; undefined when there is none. Throws `file-invalid` when it is a link, no regular file, or larger than
 * `maxBytes`. Links on the way to it are followed: the caller has checked them.
 */
export async function readPlainBytes(file: string | Buffer, limits: Limits): Promise<Buffer | undefined> {
  const handle = await openPlain(file, limits);
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    if (size > limits.maxBytes) throw invalid(limits, `it is larger than ${limits.maxBytes} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** For files of any size; otherwise as `readPlainBytes`. The caller closes the handle. */
export async function openPlain(file: string | Buffer, limits: Pick<Limits, "name">): Promise<FileHandle | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await orAbsent(open(file, flags)).catch((error: NodeJS.ErrnoException) => {
    // ENXIO: a socket.
    throw ["ELOOP", "ENXIO"].includes(error.code ?? "") ? invalid(limits, "it is not a file") : error;
  });
  if (handle === undefined || (await handle.stat()).isFile()) return handle;
  await handle.close();
  throw invalid(limits, "it is not a file");
}

function invalid({ name }: Pick<Limits, "name">, problem: string): GantryError {
  return new GantryError("file-invalid", { file: name, problem }, { problems: [{ detail: problem, file: name }] });
}

async function orAbsent<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
