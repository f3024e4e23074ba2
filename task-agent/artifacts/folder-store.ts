// Artifacts in a folder:
//
//   <site>/content/ab/<digest>        content, complete and checked; its time says when it was last saved
//   <site>/incoming/<digest>          content that is being uploaded
//   <site>/kept/<until>-<digest>-<owner>
//                                     an artifact is kept until then, and counts as this owner's; its list of files is the content with
//                                     this digest. Without an owner: saved by an older version.

import { createHash, randomUUID } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type ArtifactFile, artifactFiles } from "@gantry/core/artifact/artifact.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { withDiskErrors } from "@gantry/runtime/disk-errors.ts";
import { z } from "zod";
import { type Limits, raise } from "../limits.ts";
import type { ArtifactStore, Content, Owner } from "./artifact-store.ts";
import { openSpaceOfOwners } from "./space-of-owners.ts";

/** Content that no artifact has yet stays this long: its upload may still be in progress. */
const GRACE_MS = 3_600_000;
const GIB = 1_073_741_824;
/** Artifacts whose lists of files stay in memory: each file of an artifact is asked for by its index in the list. */
const KNOWN_LISTS = 16;

/** The folder is created when it is first needed. */
export function openFolderStore(
  folder: string,
  clock: Pick<Clock, "nowMs">,
  { artifactSiteBytes, artifactAppBytes }: Pick<Limits, "artifactSiteBytes" | "artifactAppBytes">,
): ArtifactStore {
  const use = countUse(folder);
  const inTurn = turns();
  const lists = knownLists();
  const owners = openSpaceOfOwners((place) => filesKeptAt(folder, place, clock));
  const append: ArtifactStore["append"] = async (site, { digest, size }, offset, bytes) => {
    const place = contentPath(folder, site, digest);
    if (await exists(place)) return size;
    const partial = await incomingPath(folder, site, hex(digest));
    const have = await sizeOf(partial);
    if (offset > have || offset + bytes.length > size) return have;
    if ((await use.at(site)) - have + size > artifactSiteBytes) throw siteFull(site, artifactSiteBytes);
    const added = bytes.subarray(have - offset);
    await writeAt(partial, have, added);
    await use.add(site, added.length);
    if (have + added.length < size) return have + added.length;
    if ((await digestOf(partial)) === digest) {
      await publish(partial, place);
      return size;
    }
    await rm(partial, { force: true });
    await use.add(site, -size);
    return 0;
  };
  const keepFor = async (owner: Owner, files: readonly ArtifactFile[], untilMs: number): Promise<string> => {
    const list = listOf(files);
    const would = await owners.add(placeOf(owner), [...files, list], artifactAppBytes);
    if (would !== undefined) throw appFull(owner, would, artifactAppBytes);
    await keep(folder, owner, list, { untilMs, nowMs: clock.nowMs() });
    return list.digest;
  };
  const isMissing = (site: string, digest: string) => isAbsent(contentPath(folder, site, digest), clock.nowMs());
  return {
    missing: (site, digests) =>
      orUnavailable(async () => {
        const isOut = await Promise.all(digests.map((digest) => isMissing(site, digest)));
        return digests.filter((_, index) => isOut[index]);
      }),
    append: (site, content, offset, bytes) =>
      inTurn(`${site}/${content.digest}`, () => orUnavailable(() => append(site, content, offset, bytes))),
    reserve: async (owner, files) => {
      // The same time for an hour, because a runner repeats its message until it has an answer.
      const untilMs = (Math.floor(clock.nowMs() / GRACE_MS) + 2) * GRACE_MS;
      await orUnavailable(() => keepFor(owner, files, untilMs));
    },
    keep: (owner, files, untilMs) => orUnavailable(() => keepFor(owner, files, untilMs)),
    files: (site, digest) => orUnavailable(() => lists(contentPath(folder, site, digest))),
    read: (site, digest, offset, limit) =>
      orUnavailable(() => readPart(contentPath(folder, site, digest), offset, limit)),
    sweep: (nowMs) =>
      orUnavailable(async () => {
        let [artifacts, bytes] = [0, 0];
        for (const name of await list(folder)) {
          const swept = await sweepSite(join(folder, name), nowMs);
          artifacts += swept.artifacts;
          bytes += swept.bytes;
        }
        use.forget();
        owners.forget();
        return { artifacts, bytes };
      }),
  };
}

/** The bytes of each site. Counted at first use and after every sweep, because other agents write to the same folder. */
function countUse(folder: string) {
  const used = new Map<string, Promise<number>>();
  const at = (site: string): Promise<number> => {
    const known = used.get(site) ?? countBytes(siteFolder(folder, site));
    used.set(site, known);
    known.catch(() => used.delete(site));
    return known;
  };
  const add = async (site: string, bytes: number): Promise<void> => {
    const before = await at(site);
    used.set(site, Promise.resolve(before + bytes));
  };
  return { at, add, forget: () => used.clear() };
}

/** Reads lists of files. The name of a list is its digest, so it never changes; it may be removed. */
function knownLists(): (path: string) => Promise<readonly ArtifactFile[] | undefined> {
  const known = new Map<string, Promise<readonly ArtifactFile[] | undefined>>();
  return async (path) => {
    if (!(await exists(path))) return undefined;
    const reading = known.get(path) ?? readList(path);
    // The one that was asked for last is removed last.
    known.delete(path);
    known.set(path, reading);
    const forget = (): unknown => known.delete(path);
    reading.then((found) => found ?? forget(), forget);
    for (const [oldest] of known) if (known.size > KNOWN_LISTS) known.delete(oldest);
    return reading;
  };
}

/** Work with the same key is done one after the other. */
function turns(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const done = (last.get(key) ?? Promise.resolve()).then(work);
    const settled: Promise<unknown> = done
      .catch(() => undefined)
      .then(() => {
        if (last.get(key) === settled) last.delete(key);
      });
    last.set(key, settled);
    return done;
  };
}

/** Content that is there counts as just saved, so that a sweep leaves it until something keeps it. */
async function isAbsent(path: string, nowMs: number): Promise<boolean> {
  const touched = utimes(path, nowMs / 1_000, nowMs / 1_000);
  return orAbsent(
    touched.then(() => false),
    true,
  );
}

type FileList = Content & { readonly text: string };

function listOf(files: readonly ArtifactFile[]): FileList {
  const text = JSON.stringify(files);
  const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  return { digest, size: Buffer.byteLength(text), text };
}

async function keep(
  folder: string,
  owner: Owner,
  { digest, text }: FileList,
  { untilMs, nowMs }: { readonly untilMs: number; readonly nowMs: number },
): Promise<void> {
  const { site } = owner;
  const place = contentPath(folder, site, digest);
  if (await isAbsent(place, nowMs)) {
    const partial = await incomingPath(folder, site, `${hex(digest)}-list-${randomUUID()}`);
    await writeFile(partial, text, { mode: 0o600 });
    await publish(partial, place);
  }
  const kept = join(siteFolder(folder, site), "kept");
  await mkdir(kept, { recursive: true, mode: 0o700 });
  const name = `${Math.ceil(untilMs)}-${hex(digest)}-${ownerName(owner)}`;
  await writeFile(join(kept, name), "", { mode: 0o600, flush: true });
  await syncFolder(kept);
}

/** A part of a file name. Names of apps may be as long as those of files, and are not for every file system. */
function ownerName({ app }: Owner): string {
  return createHash("sha256")
    .update(app === undefined ? "" : `app ${app}`)
    .digest("hex")
    .slice(0, 32);
}

function placeOf(owner: Owner): string {
  return `${ownerName(owner)} ${owner.site}`;
}

/** `place`: as of `placeOf`. */
async function* filesKeptAt(
  folder: string,
  place: string,
  clock: Pick<Clock, "nowMs">,
): AsyncIterable<readonly Content[]> {
  const [owner, site] = [place.slice(0, 32), siteFolder(folder, place.slice(33))];
  const names = (await list(join(site, "kept"))).map((name) => name.split("-"));
  const mine = names.filter(([until, , of]) => of === owner && Number(until) > clock.nowMs());
  for (const name of new Set(mine.map(([, listName = ""]) => listName))) {
    const path = contentIn(site, name);
    const files = await readList(path);
    if (files) yield [...files, { digest: `sha256:${name}`, size: await sizeOf(path) }];
  }
}

async function incomingPath(folder: string, site: string, name: string): Promise<string> {
  const incoming = join(siteFolder(folder, site), "incoming");
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  return join(incoming, name);
}

function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  return withDiskErrors("The store of artifacts", work);
}

/** Removes first what keeps content, then the content that nothing keeps any more. */
async function sweepSite(site: string, nowMs: number): Promise<{ artifacts: number; bytes: number }> {
  const wanted = new Set<string>();
  let [artifacts, bytes] = [0, 0];
  for (const name of await list(join(site, "kept"))) {
    const [until, listName = ""] = name.split("-");
    if (Number(until) <= nowMs) {
      await rm(join(site, "kept", name), { force: true });
      artifacts += 1;
      continue;
    }
    if (wanted.has(listName)) continue;
    wanted.add(listName);
    for (const { digest } of (await readList(contentIn(site, listName))) ?? []) wanted.add(hex(digest));
  }
  const places = (await list(join(site, "content"))).map((part) => join(site, "content", part));
  for (const place of [...places, join(site, "incoming")])
    for (const name of await list(place)) {
      if (wanted.has(name)) continue;
      const facts = await stat(join(place, name));
      if (nowMs - facts.mtimeMs < GRACE_MS) continue;
      await rm(join(place, name), { force: true });
      bytes += facts.size;
    }
  return { artifacts, bytes };
}

/** Undefined: there is none. */
async function readList(path: string): Promise<readonly ArtifactFile[] | undefined> {
  const text = await orAbsent(readFile(path, "utf8"), undefined);
  return text === undefined ? undefined : z.parse(artifactFiles, JSON.parse(text));
}

async function writeAt(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    for (let done = 0; done < bytes.length; )
      done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
  } finally {
    await handle.close();
  }
}

/** Durable when it resolves. */
async function publish(partial: string, place: string): Promise<void> {
  const handle = await open(partial, "r+");
  await handle.datasync().finally(() => handle.close());
  await mkdir(dirname(place), { recursive: true, mode: 0o700 });
  await rename(partial, place);
  await syncFolder(dirname(place));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1_048_576 }), hash);
  return `sha256:${hash.digest("hex")}`;
}

async function readPart(path: string, offset: number, limit: number): Promise<Buffer | undefined> {
  const handle = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    const length = Math.max(0, Math.min(limit, (await handle.stat()).size - offset));
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await handle.read(bytes, 0, length, offset);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function countBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const part of await list(join(folder, "content")))
    for (const name of await list(join(folder, "content", part)))
      bytes += await sizeOf(join(folder, "content", part, name));
  for (const name of await list(join(folder, "incoming"))) bytes += await sizeOf(join(folder, "incoming", name));
  return bytes;
}

function appFull({ site, app }: Owner, bytes: number, limit: number): GantryError {
  const who = app === undefined ? "the tasks without an app" : `the app ${app}`;
  const problem = `${who} would have ${inGib(bytes)} of artifacts at site ${site}, and may have ${inGib(limit)}`;
  return new GantryError("artifact-too-large", { problem, hint: raise("artifactAppBytes") });
}

function inGib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}

function siteFull(site: string, limit: number): GantryError {
  const problem = `the artifacts of site ${site} would need more than the ${Math.round(limit / GIB)} GiB that they may`;
  return new GantryError("artifact-too-large", { problem, hint: raise("artifactSiteBytes") });
}

/** Names of sites come from runners. */
function siteFolder(folder: string, site: string): string {
  return join(folder, encodeURIComponent(site).replace(/\./g, "%2E"));
}

function contentPath(folder: string, site: string, digest: string): string {
  return contentIn(siteFolder(folder, site), hex(digest));
}

function contentIn(site: string, name: string): string {
  return join(site, "content", name.slice(0, 2), name);
}

/** The digest without its algorithm. Throws for anything else: it becomes part of a path. */
function hex(digest: string): string {
  const found = /^sha256:([0-9a-f]{64})$/.exec(digest);
  if (!found?.[1]) throw new GantryError("bad-request", { problem: "the digest is not a SHA-256 digest" });
  return found[1];
}

async function list(folder: string): Promise<readonly string[]> {
  return orAbsent(readdir(folder), []);
}

async function exists(path: string): Promise<boolean> {
  return orAbsent(
    stat(path).then(() => true),
    false,
  );
}

async function sizeOf(path: string): Promise<number> {
  return orAbsent(
    stat(path).then(({ size }) => size),
    0,
  );
}

async function orAbsent<T>(promise: Promise<T>, absent: T): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return absent;
    throw error;
  }
}
