// Reads a file that a script of the job may have replaced by anything. A pipe would block a thread of the runner for ever, and
// a device has no end.

import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { relative, sep } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";

/**
 * The text of a file below `root`; undefined when there is none. Links are followed inside of `root`. Throws `file-invalid`,
 * with `name` for people, when it leads outside, is no regular file, or is larger than `maxBytes`.
 */
export async function readPlainFile(
  root: string,
  file: string,
  { name, maxBytes }: { readonly name: string; readonly maxBytes: number },
): Promise<string | undefined> {
  const invalid = (problem: string): GantryError =>
    new GantryError("file-invalid", { file: name, problem }, { problems: [{ detail: problem, file: name }] });
  const real = await orAbsent(realpath(file));
  if (real === undefined) return undefined;
  const way = relative(await realpath(root), real);
  if (way === ".." || way.startsWith(`..${sep}`)) throw invalid("it is a link that leads outside");
  const handle = await orAbsent(open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  if (handle === undefined) return undefined;
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw invalid("it is not a file");
    if (facts.size > maxBytes) throw invalid(`it is larger than ${maxBytes} bytes`);
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

async function orAbsent<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
