// Limits the logs of each attempt, so that no runner fills the disk.

import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { type Limits, raise } from "../limits.ts";
import { type LogName, type LogStore, pathOf } from "./log-store.ts";

/** Bytes by file. */
type Sizes = Map<string, number>;

/** Attempts whose sizes are kept in memory. */
const MAX_KNOWN = 1_000;

/**
 * A log store that also throws `body-too-large`. Of the attempts that other agents write to as well, it knows the bytes that
 * were there at its own first append.
 */
export function limitLogs(
  store: LogStore,
  folder: string,
  { stepLogBytes, attemptLogBytes }: Pick<Limits, "stepLogBytes" | "attemptLogBytes">,
): LogStore {
  const known = new Map<string, Promise<Sizes>>();
  const sizesOf = (attempt: string): Promise<Sizes> => {
    const sizes = known.get(attempt) ?? readSizes(attempt);
    known.delete(attempt);
    known.set(attempt, sizes);
    sizes.catch(() => known.delete(attempt));
    const [oldest] = known.keys();
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    return sizes;
  };
  return {
    ...store,
    append: async (name, offset, bytes, crc, final) => {
      const path = pathOf(folder, name);
      const end = offset + bytes.length;
      if (end > stepLogBytes) throw tooLarge(name, "stepLogBytes", stepLogBytes);
      const sizes = await sizesOf(dirname(path));
      const others = [...sizes].reduce((sum, [file, size]) => (file === path ? sum : sum + size), 0);
      if (others + end > attemptLogBytes) throw tooLarge(name, "attemptLogBytes", attemptLogBytes);
      const size = await store.append(name, offset, bytes, crc, final);
      sizes.set(path, size);
      return size;
    },
  };
}

async function readSizes(attempt: string): Promise<Sizes> {
  const files = await readdir(attempt).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const logs = files.filter((file) => file.endsWith(".log")).map((file) => join(attempt, file));
  return new Map(await Promise.all(logs.map(async (file) => [file, (await stat(file)).size] as const)));
}

function tooLarge({ step, job }: LogName, limitName: keyof Limits, limit: number): GantryError {
  const what = limitName === "stepLogBytes" ? `The log of step ${step}` : `The log of this attempt of job ${job}`;
  return new GantryError("body-too-large", { what, limit, hint: raise(limitName) });
}
