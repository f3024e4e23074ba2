// A folder for temporary files that is kept in memory.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PLACE = "/dev/shm";
/** Of Linux: what statfs says of a file system in memory. */
const TMPFS = 0x01021994;
/** The tests need a quarter of it. */
const LEAST_BYTES = 4 * 2 ** 30;

/** Undefined where there is none, it is too small, or programs in it may not be run. Remove the folder when you are done. */
export function makeMemoryFolder(): string | undefined {
  let folder: string | undefined;
  try {
    const { type, bavail, bsize } = statfsSync(PLACE);
    if (type !== TMPFS || bavail * bsize < LEAST_BYTES) return undefined;
    // Short, because the addresses of local sockets are limited to 107 characters.
    folder = mkdtempSync(join(PLACE, "gantry-"));
    const program = join(folder, "program");
    writeFileSync(program, "#!/bin/sh\n");
    chmodSync(program, 0o700);
    execFileSync(program);
    rmSync(program);
    return folder;
  } catch {
    // Whatever is missing: the disk is only slower.
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
}
