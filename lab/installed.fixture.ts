import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Whether this machine has a program, which must know `--version`. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    await promisify(execFile)(program, ["--version"]);
    return true;
  } catch {
    return false;
  }
}
