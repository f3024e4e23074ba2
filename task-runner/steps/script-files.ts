// The files that a script may write for the runner. The script may have replaced them with anything.

import { constants } from "node:fs";
import { open } from "node:fs/promises";

export type ScriptFile =
  /** `size`: bytes of the whole file. `text`: of its first bytes. */
  { readonly kind: "file"; readonly size: number; readonly text: string } | { readonly kind: "gone" | "strange" };

/** Reads at most `limit` bytes. Only a regular file is read, and no link is followed. */
export async function readScriptFile(file: string, limit: number): Promise<ScriptFile> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => {
    return undefined;
  });
  if (!handle) return { kind: "gone" };
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) return { kind: "strange" };
    const bytes = Buffer.alloc(Math.min(facts.size, limit));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return { kind: "file", size: facts.size, text: bytes.toString("utf8", 0, bytesRead) };
  } finally {
    await handle.close();
  }
}
