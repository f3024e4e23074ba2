// What steps can do with caches. A cache belongs to the app, and to the repositories and branches that the job has checked out. A
// job finds the caches of its own branch first, then those of the release branch, and saves only to its own: so what another branch
// or a pull request has put into a cache never reaches the release branch.

import { createHash } from "node:crypto";
import { lstat, readFile, readlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { StepCaches } from "@gantry/core/step/step.ts";
import { z } from "zod";
import type { StepRun } from "../steps/step-run.ts";
import { type CachedEntry, findCache, putCache } from "./cache-folder.ts";
import { addContent } from "./content-folder.ts";
import { findFiles } from "./find-files.ts";
import { inParallel } from "./in-parallel.ts";
import { isLastWork } from "./step-artifacts.ts";
import { writeFiles, writeLinks } from "./write-files.ts";

const MAX_FILES = 200_000;
/** Larger files are not settings with credentials. */
const MAX_SETTINGS = 65_536;
const HOME = /^(!?)~\//;

export function stepCaches(run: StepRun): StepCaches {
  const { job } = run;
  const folders = { caches: join(job.environment.cache, "caches"), content: job.environment.content };
  return {
    restore: async ({ name, files, key, fallback }) => {
      const scopes = scopesOf(run);
      const known = { scope: scopes.own, name: `${name}\n${key}`, files: await digestOfFiles(run, files) };
      const exact = await firstOf([scopes.own, scopes.release], (scope) => findCache(folders, { ...known, scope }));
      const names = [key, ...fallback].flatMap((one) =>
        [scopes.own, scopes.release].map((scope) => ({ scope, name: `${name}\n${one}` })),
      );
      const found = exact ?? (await firstOf(names, (one) => findCache(folders, one)));
      job.caches.set(name, { ...known, isExact: exact !== undefined });
      if (found === undefined) return { hit: "none", files: 0, bytes: 0 };
      await write(run, found);
      return { hit: exact ? "exact" : "older", ...sizeOf(found) };
    },
    save: async ({ name, paths }) => {
      if (job.spec.fork) {
        run.log.line("Nothing is saved: a pull request from a fork fills no cache.");
        return { hit: "kept", files: 0, bytes: 0 };
      }
      const looked = job.caches.get(name);
      const scope = scopesOf(run).own;
      if (looked === undefined || looked.isExact || looked.scope !== scope) return { hit: "kept", files: 0, bytes: 0 };
      const entries = [...(await entriesOf(run, paths, false)), ...(await entriesOf(run, paths, true))];
      if (entries.length === 0) return { hit: "kept", files: 0, bytes: 0 };
      await putCache(folders, looked, entries);
      return { hit: "saved", ...sizeOf(entries) };
    },
  };
}

const checkedOut = z.object({ outputs: z.object({ cloneUrl: z.string(), branch: z.string() }) });
const appScope = z.object({ app: z.object({ source: z.object({ branch: z.string() }) }) });

/** The branch is the output of the checkout, which says only branches that really have the commit. */
function scopesOf({ job, scope }: StepRun): { readonly own: string; readonly release: string } {
  const steps: Readonly<Record<string, unknown>> = z.record(z.string(), z.unknown()).catch({}).parse(scope.steps);
  const checkouts = job.spec.steps.flatMap(({ id, action }) => {
    const found =
      action.kind === "uses" && action.uses === "git/checkout" ? checkedOut.safeParse(steps[id]) : undefined;
    return found?.success ? [found.data.outputs] : [];
  });
  if (checkouts.length === 0)
    throw new GantryError("bad-input", { step: "cache", problem: "nothing was checked out, so its branch is unknown" });
  const release = appScope.safeParse(scope);
  const branch = release.success ? release.data.app.source.branch : undefined;
  const ofBranch = (other?: string): string =>
    JSON.stringify([job.spec.app ?? null, checkouts.map((one) => [one.cloneUrl, other ?? one.branch]).toSorted()]);
  return { own: ofBranch(), release: ofBranch(branch) };
}

async function digestOfFiles({ job }: StepRun, patterns: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  if (patterns.length === 0) return hash.digest("hex");
  const { workspace } = job.folders;
  const { paths } = await findFiles(workspace, patterns);
  for (const path of paths) {
    const { digest } = await addContent(job.environment.content, join(workspace, path), path, {
      mayLink: false,
      room: job.contentRoom,
    });
    hash.update(`${path}\n${digest}\n`);
  }
  return hash.digest("hex");
}

/** `isHome`: those of the patterns with ~/, below the home of the job. */
async function entriesOf(run: StepRun, patterns: readonly string[], isHome: boolean): Promise<readonly CachedEntry[]> {
  const { job, step, signal, log } = run;
  const root = isHome ? job.folders.home : job.folders.workspace;
  const ours = patterns.filter((one) => HOME.test(one) === isHome).map((one) => one.replace(HOME, "$1"));
  if (!ours.some((one) => !one.startsWith("!"))) return [];
  const found = await findFiles(root, ours, MAX_FILES);
  if (found.tooMany)
    throw new GantryError("artifact-too-large", {
      artifact: "The cache",
      problem: `it would have more than ${MAX_FILES} files`,
    });
  const mayLink = isLastWork(job.spec.steps, step.id);
  const entries: CachedEntry[] = [];
  await inParallel(found.paths, async (path) => {
    signal.throwIfAborted();
    // Steps and scripts write settings with credentials to the home.
    if (isHome && (await hasSecret(run, join(root, path)))) {
      log.line(`Left out, because a secret is in it: ${path}`);
      return;
    }
    const { digest, size, executable } = await addContent(job.environment.content, join(root, path), path, {
      mayLink,
      room: job.contentRoom,
    });
    entries.push({ home: isHome, path, digest, size, ...(executable ? { executable: true as const } : {}) });
  });
  for (const path of found.links) {
    const link = await readlink(join(root, path));
    const target = posix.normalize(posix.join(posix.dirname(path), link));
    if (!posix.isAbsolute(link) && target !== ".." && !target.startsWith("../"))
      entries.push({ home: isHome, path, link });
  }
  return entries;
}

async function hasSecret({ job }: StepRun, path: string): Promise<boolean> {
  if ((await lstat(path)).size > MAX_SETTINGS) return false;
  const text = await readFile(path, "utf8");
  return job.masker.text(text) !== text;
}

async function write({ job }: StepRun, entries: readonly CachedEntry[]): Promise<void> {
  const { workspace, home } = job.folders;
  for (const [root, isHome] of [
    [workspace, false],
    [home, true],
  ] as const) {
    const ours = entries.filter((entry) => entry.home === isHome);
    await writeFiles(
      root,
      ".",
      ours.flatMap((one) => ("digest" in one ? [one] : [])),
      job.environment.content,
    );
    await writeLinks(
      root,
      ours.flatMap((one) => ("link" in one ? [one] : [])),
    );
  }
}

function sizeOf(entries: readonly CachedEntry[]): { readonly files: number; readonly bytes: number } {
  return { files: entries.length, bytes: entries.reduce((sum, one) => sum + ("size" in one ? one.size : 0), 0) };
}

async function firstOf<T, R>(items: readonly T[], look: (item: T) => Promise<R | undefined>): Promise<R | undefined> {
  for (const item of items) {
    const found = await look(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
