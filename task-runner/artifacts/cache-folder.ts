// The caches of a site on this runner: which files a cache has. Their content is in the content folder, so that equal files of
// many caches are kept once. Scripts do not see this folder.
//
//   <scope>/<name>-<files>      the digest of the list of files; its time says when it was last used

import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isArtifactPath } from "@gantry/core/artifact/artifact.ts";
import { z } from "zod";
import { contentPlace, isPresent, receiveContent } from "./content-folder.ts";

const path = z.string().refine(isArtifactPath);
const cachedEntry = z.union([
  z.strictObject({
    home: z.boolean(),
    path,
    digest: z.string(),
    size: z.int().min(0),
    executable: z.literal(true).optional(),
  }),
  z.strictObject({ home: z.boolean(), path, link: z.string() }),
]);
export type CachedEntry = z.output<typeof cachedEntry>;

/** `scope`: whose cache it is. `name`: of the cache, with its key. `files`: the digest of the files that the key names. */
export type CacheKey = { readonly scope: string; readonly name: string; readonly files: string };

/** The newest of a scope and name, whatever its files were; with `files` only that one. Undefined: none, or not whole any more. */
export async function findCache(
  folders: { readonly caches: string; readonly content: string },
  { scope, name, files }: Omit<CacheKey, "files"> & { readonly files?: string },
): Promise<readonly CachedEntry[] | undefined> {
  const folder = join(folders.caches, short(scope));
  const wanted = `${short(name)}-${files === undefined ? "" : short(files)}`;
  const names = (await readdir(folder).catch(orNone)).filter((one) =>
    files === undefined ? one.startsWith(wanted) : one === wanted,
  );
  // Another job may remove one at the same time.
  const aged = await Promise.all(
    names.map(async (one) => ({ one, at: (await stat(join(folder, one)).catch(orGone))?.mtimeMs ?? 0 })),
  );
  for (const { one } of aged.toSorted((a, b) => b.at - a.at)) {
    const place = join(folder, one);
    const entries = await readEntries(folders.content, (await readFile(place, "utf8").catch(orGone)) ?? "");
    const now = new Date();
    if (entries === undefined) await rm(place, { force: true });
    else {
      await utimes(place, now, now).catch(orGone);
      return entries;
    }
  }
  return undefined;
}

/** The content of its files must be in the content folder. */
export async function putCache(
  folders: { readonly caches: string; readonly content: string },
  { scope, name, files }: CacheKey,
  entries: readonly CachedEntry[],
): Promise<void> {
  const text = Buffer.from(JSON.stringify(entries));
  const digest = digestOf(text);
  await receiveContent(
    folders.content,
    digest,
    (async function* () {
      yield text;
    })(),
  );
  const folder = join(folders.caches, short(scope));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const partial = join(folder, `.${randomUUID()}`);
  await writeFile(partial, digest, { mode: 0o600 });
  await rename(partial, join(folder, `${short(name)}-${short(files)}`));
}

/** Undefined: some of it was removed, because the limit of the content folder was reached, or was cut by a crash of the machine. */
async function readEntries(content: string, digest: string): Promise<readonly CachedEntry[] | undefined> {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) return undefined;
  const text = await readFile(contentPlace(content, digest)).catch(orGone);
  if (text === undefined || digestOf(text) !== digest) return undefined;
  await isPresent(contentPlace(content, digest), text.length);
  const entries = z.parse(z.array(cachedEntry), JSON.parse(text.toString("utf8")));
  for (const entry of entries)
    if ("digest" in entry && !(await isPresent(contentPlace(content, entry.digest), entry.size))) return undefined;
  return entries;
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Texts of pipelines and systems become names of files. */
function short(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 40);
}

function orNone(error: NodeJS.ErrnoException): readonly string[] {
  return orGone(error) ?? [];
}

function orGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
