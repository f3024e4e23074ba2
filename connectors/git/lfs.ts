// Git LFS: the files behind the pointers of a checkout, over the batch API. Requests go to the git host only; the host names
// where each object is, and our credential goes there only when that is the host itself.

import { createHash, randomUUID } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { chmod, copyFile, lstat, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { readPlainBytes } from "../plain-file.ts";
import {
  bytesOfQuoted,
  MAX_POINTER,
  type Pointer,
  parsePointer,
  pointerExtension,
  type TreeEntry,
} from "./decide-contents.ts";
import type { Git, Remote } from "./git.ts";

export type LfsAccess = {
  readonly remote: Remote;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  /** Of all files of one checkout, MiB. */
  readonly maxMb: number;
  /** A folder that outlives the job; objects are kept there by their digest. */
  readonly cache: string;
};

const BATCH = 100;
const TIMEOUT_MS = 60_000;
const LFS_JSON = "application/vnd.git-lfs+json";

const answerSchema = z.object({
  objects: z.array(
    z.object({
      oid: z.string(),
      actions: z
        .object({
          download: z.object({ href: z.string(), header: z.record(z.string(), z.string()).nullish() }).optional(),
        })
        .nullish(),
      error: z.object({ code: z.number().optional(), message: z.string().optional() }).nullish(),
    }),
  ),
});

/**
 * Replaces the pointers in `folder` by their files and returns how many. Throws what says who has to act; no pointer is left
 * silently.
 */
export async function fillLfs(
  access: LfsAccess,
  git: Git,
  folder: string,
  entries: readonly TreeEntry[],
): Promise<number> {
  const pointers = new Map<Buffer, Pointer>();
  for (const quoted of await lfsPaths(git, folder, entries)) {
    const file = Buffer.concat([Buffer.from(`${folder}/`), bytesOfQuoted(quoted)]);
    const pointer = await pointerAt(access, file, quoted);
    if (pointer) pointers.set(file, pointer);
  }
  const wanted = [...new Map([...pointers.values()].map((pointer) => [pointer.oid, pointer])).values()];
  // A file that many paths name is copied to each of them.
  const usedMb = [...pointers.values()].reduce((sum, { size }) => sum + size, 0) / 1_048_576;
  if (usedMb > access.maxMb) {
    const problem = `The Git LFS files of ${access.remote.url} have ${Math.ceil(usedMb)} MiB.`;
    throw new GantryError("checkout-too-large", { limit: `${access.maxMb} MiB`, problem });
  }
  await mkdir(objectsIn(access), { recursive: true });
  const missing = wanted.filter(({ oid }) => !existsSync(join(objectsIn(access), oid)));
  for (let at = 0; at < missing.length; at += BATCH) await download(access, missing.slice(at, at + BATCH));
  for (const [file, { oid, size }] of pointers) {
    const object = join(objectsIn(access), oid);
    if ((await lstat(object)).size !== size) {
      const what = `download the Git LFS file ${oid.slice(0, 12)}`;
      throw refusal(access, "system-strange", what, `it does not have the ${size} bytes that its pointer says`);
    }
    const { mode } = await lstat(file);
    // The copy has the permissions of the cache, and the file those that the repository gives it.
    await copyFile(object, file);
    await chmod(file, mode);
  }
  return pointers.size;
}

/** As in git, which ignores larger ones. */
const MAX_ATTRIBUTES = 100 * 1_048_576;

/** The files whose attributes say `filter=lfs`, quoted. git is called only if some attributes mention LFS. */
export async function lfsPaths(
  git: Git,
  folder: string,
  entries: readonly Pick<TreeEntry, "mode" | "path" | "quoted">[],
): Promise<string[]> {
  const attributes = entries.filter(({ path, mode }) => /(^|\/)\.gitattributes$/.test(path) && mode.startsWith("100"));
  const texts = await Promise.all(
    attributes.map(({ path, quoted }) => {
      const file = Buffer.concat([Buffer.from(`${folder}/`), bytesOfQuoted(quoted)]);
      return readPlainBytes(file, { name: path, maxBytes: MAX_ATTRIBUTES });
    }),
  );
  // A folder that is laid over a branch need not have all files of the branch.
  if (!texts.some((text) => text?.includes("lfs"))) return [];
  const files = entries.filter(({ mode }) => mode.startsWith("100"));
  const input = files.map(({ quoted }) => `${quoted}\n`).join("");
  const checked = await git(["-c", "core.quotePath=true", "check-attr", "--stdin", "filter"], { input });
  return checked.split("\n").flatMap((line) => (line.endsWith(": filter: lfs") ? [line.slice(0, -13)] : []));
}

async function pointerAt(access: LfsAccess, file: Buffer, shown: string): Promise<Pointer | undefined> {
  const stat = await lstat(file);
  if (!stat.isFile() || stat.size > MAX_POINTER) return undefined;
  const text = await readFile(file, "utf8");
  const pointer = parsePointer(text);
  const extension = pointer && pointerExtension(text);
  if (extension === undefined) return pointer;
  throw refusal(access, "system-refused", `download the Git LFS file ${shown}`, `it needs the extension ${extension}`);
}

async function download(access: LfsAccess, pointers: readonly Pointer[]): Promise<void> {
  const { url, authorization } = access.remote;
  const address = `${url.endsWith(".git") ? url : `${url}.git`}/info/lfs/objects/batch`;
  const response = await send(access, address, "ask for Git LFS files", {
    method: "POST",
    headers: { accept: LFS_JSON, "content-type": LFS_JSON, authorization },
    body: JSON.stringify({ operation: "download", transfers: ["basic"], objects: pointers }),
  });
  const answer = answerSchema.safeParse(await response.json().catch(() => undefined));
  if (!answer.success)
    throw refusal(
      access,
      "system-strange",
      "ask for Git LFS files",
      "the answer is not a batch of objects",
      response.status,
    );
  for (const pointer of pointers) {
    const object = answer.data.objects.find(({ oid }) => oid === pointer.oid);
    const link = object?.actions?.download;
    const what = `download the Git LFS file ${pointer.oid.slice(0, 12)}`;
    if (!link) throw refusal(access, "system-refused", what, object?.error?.message ?? "the host does not have it");
    await saveObject(access, pointer, link, what);
  }
}

async function saveObject(
  access: LfsAccess,
  { oid, size }: Pointer,
  { href, header }: { readonly href: string; readonly header?: Record<string, string> | null | undefined },
  what: string,
): Promise<void> {
  const own = new URL(access.remote.url);
  const target = URL.parse(href, `${access.remote.url}/`);
  if (!target || (target.protocol !== "https:" && target.origin !== own.origin)) {
    throw refusal(access, "system-strange", what, "the host gave no address that can be used");
  }
  const headers = new Headers(header ?? {});
  if (target.origin === own.origin && !headers.has("authorization"))
    headers.set("authorization", access.remote.authorization);
  const response = await send(access, target.href, what, { headers });
  const temporary = join(objectsIn(access), `new-${randomUUID()}`);
  try {
    const hash = createHash("sha256");
    let got = 0;
    await pipeline(async function* () {
      for await (const chunk of response.body ?? []) {
        got += chunk.byteLength;
        if (got > size) throw refusal(access, "system-strange", what, `more than ${size} bytes came`);
        hash.update(chunk);
        yield chunk;
      }
    }, createWriteStream(temporary));
    if (hash.digest("hex") !== oid) throw refusal(access, "system-strange", what, "the content has another digest");
    await rename(temporary, join(objectsIn(access), oid));
  } catch (error) {
    access.signal.throwIfAborted();
    if (error instanceof GantryError) throw error;
    throw refusal(access, "system-unavailable", what, `the connection broke: ${String(error)}`);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function send(access: LfsAccess, address: string, what: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    const signal = AbortSignal.any([access.signal, AbortSignal.timeout(init.method ? TIMEOUT_MS : 10 * TIMEOUT_MS)]);
    response = await access.fetch(address, { ...init, redirect: "manual", signal });
  } catch (error) {
    access.signal.throwIfAborted();
    if (error instanceof GantryError) throw error;
    throw refusal(access, "system-unavailable", what, String(error));
  }
  const { status } = response;
  const isPage = /html/.test(response.headers.get("content-type") ?? "");
  if (status >= 200 && status < 300 && !isPage) return response;
  await response.body?.cancel();
  const problem = `status ${status}${status === 404 ? ": the host has no Git LFS for this repository" : ""}`;
  if (status === 401) throw refusal(access, "credential-refused", what, problem, status);
  if (status === 403) throw refusal(access, "system-forbidden", what, problem, status);
  if (status === 408 || status === 429 || status >= 500) {
    throw refusal(access, "system-unavailable", what, problem, status);
  }
  throw refusal(access, status < 400 || isPage ? "system-strange" : "system-refused", what, problem, status);
}

function objectsIn({ cache }: LfsAccess): string {
  return join(cache, "git", "lfs");
}

type Code = "credential-refused" | "system-forbidden" | "system-unavailable" | "system-refused" | "system-strange";

function refusal({ remote }: LfsAccess, code: Code, what: string, problem: string, status?: number): GantryError {
  const details = { system: remote.system, what, problem };
  return new GantryError(code, status === undefined ? details : { ...details, status });
}
