// The portals that a person has signed in to: a file in the home folder that only its owner can read.

import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { z } from "zod";
import type { Io } from "../io.ts";

const schema = z.strictObject({
  current: z.string().optional(),
  contexts: z.record(z.string(), z.strictObject({ url: z.string(), token: z.string().optional() })),
});
export type Contexts = z.infer<typeof schema>;
export type SavedContext = Contexts["contexts"][string];

/** Of no context: what `gantry start` runs on this machine. */
export const LOCAL = "local";

export function contextsFile(env: Io["env"]): string {
  const folder = env.XDG_CONFIG_HOME ?? join(env.HOME ?? homedir(), ".config");
  return join(folder, "gantry", "contexts.json");
}

/** Throws `argument-unusable` when the file is there and cannot be read. */
export function readContexts(io: Io): Contexts {
  const file = contextsFile(io.env);
  let text: string;
  try {
    text = io.readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { contexts: {} };
    throw unusable(file, fileProblem(error), error);
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw unusable(file, "It is not a file of `gantry login`. Remove it and sign in again.", error);
  }
}

/** Replaces the file as a whole, so that a command that reads it at the same time gets one or the other. */
export function writeContexts(io: Io, contexts: Contexts): void {
  const file = contextsFile(io.env);
  const draft = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    rmSync(draft, { force: true });
    writeFileSync(draft, `${JSON.stringify(contexts, null, 2)}\n`, { flag: "wx", mode: 0o600 });
    chmodSync(draft, 0o600);
    renameSync(draft, file);
  } catch (error) {
    throw unusable(file, fileProblem(error), error);
  }
}

/** The context with this name. Throws `not-found`. */
export function contextNamed({ contexts }: Contexts, name: string): SavedContext {
  const found = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (found !== undefined) return found;
  throw new GantryError("not-found", { kind: "context", name: `${name}${didYouMean(name, Object.keys(contexts))}` });
}

function unusable(file: string, problem: string, cause: unknown): GantryError {
  return new GantryError("argument-unusable", { argument: `The file ${file}`, problem }, { cause });
}
