// The file with the keys that seal secret parameters: one key a line, its id and 32 bytes in base64. The first line seals,
// the others open what was sealed before a rotation.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { configInvalid } from "@gantry/core/config/read.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { removeRightsOfOthers } from "@gantry/runtime/private-files.ts";
import type { SealKey } from "./seal.ts";

type Keys = readonly [SealKey, ...SealKey[]];

const LINE = /^([A-Za-z0-9_-]{1,40})\s+([A-Za-z0-9+/]{43}=)$/;

/** Creates the file with one key when it is missing; true when it did. Only its owner can read it. */
export function ensureSealKey(file: string): boolean {
  if (existsSync(file)) {
    removeRightsOfOthers(file);
    return false;
  }
  writeFileSync(file, `${randomBytes(6).toString("hex")} ${randomBytes(32).toString("base64")}\n`, {
    mode: 0o600,
    flag: "wx",
  });
  return true;
}

/**
 * The keys now: the file is read again when it has changed. Throws `config-invalid` when it cannot be used the first time;
 * later the keys that were read last stay in use.
 */
export function openSealKeys(file: string): () => Keys {
  let keys = readKeys(file);
  let readAt = changedAt(file);
  return () => {
    const at = changedAt(file);
    if (at !== undefined && at !== readAt) {
      try {
        keys = readKeys(file);
        readAt = at;
      } catch {
        // The file is being written. The next call reads it again.
      }
    }
    return keys;
  };
}

function changedAt(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}

function readKeys(file: string): Keys {
  const refuse = (problem: string): Error => configInvalid([{ pointer: "/sealKeyFile", detail: problem }]);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw refuse(`${file} cannot be read: ${fileProblem(error)}`);
  }
  const lines = text.split("\n").map((line) => line.trim());
  const keys = lines.flatMap((line, at): SealKey[] => {
    if (line === "" || line.startsWith("#")) return [];
    const [, id, key] = LINE.exec(line) ?? [];
    if (id === undefined || key === undefined)
      throw refuse(
        `line ${at + 1} of ${file} must be an id and 32 bytes in base64, such as from openssl rand -base64 32`,
      );
    return [{ id, key: Buffer.from(key, "base64") }];
  });
  const [first, ...others] = keys;
  if (!first) throw refuse(`${file} does not contain a key`);
  if (new Set(keys.map(({ id }) => id)).size < keys.length) throw refuse(`${file} has an id twice`);
  return [first, ...others];
}
