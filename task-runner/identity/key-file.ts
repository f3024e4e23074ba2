// The runner's own key pair, in its data folder. Only the runner's user can read the file.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { type Files, writeAll } from "../state/files.ts";

export type RunnerKey = {
  readonly runner: string;
  readonly privateKey: KeyObject;
  /** 32 bytes, base64url. */
  readonly publicKey: string;
  /** Whether the task-agent has the public key. */
  readonly isEnrolled: boolean;
  /** Digest of the one-time token that it was enrolled with; older versions did not save it. */
  readonly enrolledWith?: string | undefined;
};

const keyFile = z.object({
  runner: z.string(),
  privateKey: z.string(),
  isEnrolled: z.boolean(),
  enrolledWith: z.string().optional(),
});

/** The key of this runner, or a new one, which is on disk when this resolves. Throws `data-unusable`. */
export async function openKey(files: Files, data: string, runner: string): Promise<RunnerKey> {
  const path = pathIn(data);
  const text = await files.readText(path);
  const known = text === undefined ? undefined : parseKey(path, text);
  if (known?.runner === runner) return known;
  return newKey(files, data, runner);
}

/** Replaces the key by a new one; durable when it resolves. */
export async function newKey(files: Files, data: string, runner: string): Promise<RunnerKey> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = { runner, privateKey, publicKey: publicOf(privateKey), isEnrolled: false };
  await saveKey(files, data, key);
  return key;
}

/** Durable when it resolves. */
export async function saveKey(
  files: Files,
  data: string,
  { runner, privateKey, isEnrolled, enrolledWith }: RunnerKey,
): Promise<void> {
  const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  const draft = `${pathIn(data)}.new`;
  const file = await files.open(draft, "empty");
  try {
    await writeAll(file, `${JSON.stringify({ runner, privateKey: pem, isEnrolled, enrolledWith })}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.replace(draft, pathIn(data));
}

function pathIn(data: string): string {
  return join(data, "runner-key.json");
}

function parseKey(file: string, text: string): RunnerKey {
  try {
    const { runner, privateKey: pem, isEnrolled, enrolledWith } = keyFile.parse(JSON.parse(text));
    const privateKey = createPrivateKey(pem);
    return { runner, privateKey, publicKey: publicOf(privateKey), isEnrolled, enrolledWith };
  } catch (cause) {
    const problem = "It is not a runner's key; remove it and enrol the runner again.";
    throw new GantryError("data-unusable", { file, problem }, { cause });
  }
}

function publicOf(privateKey: KeyObject): string {
  return String(createPublicKey(privateKey).export({ format: "jwk" }).x);
}
