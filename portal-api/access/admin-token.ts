// The administrator's token is in a file of the data folder, and the file decides. To replace the token, delete the file
// and restart the portal: the old token is then refused.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { makePrivateFolder, removeRightsOfOthers } from "@gantry/runtime/private-files.ts";
import { newSecret, TOKEN_PREFIX } from "./records.ts";
import type { Tokens } from "./tokens.ts";

export const ADMIN = "admin";

/** Reads the token from `<dataDir>/admin-token`, creating the file (mode 0600) if it is missing, and makes it valid. */
export async function ensureAdminToken(dataDir: string, tokens: Tokens): Promise<string> {
  makePrivateFolder(dataDir);
  const file = join(dataDir, "admin-token");
  const secret = readOrCreate(file);
  if (!/^gantry_pat_[\w-]{32,100}$/.test(secret)) {
    throw new GantryError("config-invalid", {
      problem: `${file} does not contain a token. Delete the file to get a new one`,
    });
  }
  await tokens.ensure(ADMIN, "admin", secret);
  return secret;
}

function readOrCreate(file: string): string {
  const secret = TOKEN_PREFIX + newSecret();
  try {
    writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: "wx" });
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    removeRightsOfOthers(file);
    return readFileSync(file, "utf8").trim();
  }
}
