// The files of this folder, and the programs on this machine that check them.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const ROOT = fileURLToPath(new URL("../", import.meta.url));

export function read(path: string): string {
  return readFileSync(`${ROOT}${path}`, "utf8");
}

export async function isHere(program: string, ...version: readonly string[]): Promise<boolean> {
  try {
    await run(program, version);
    return true;
  } catch {
    return false;
  }
}
