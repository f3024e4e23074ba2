// What a commit holds besides ordinary files: symbolic links, submodules and Git LFS pointers. Pure. Everything here was
// written by a stranger: a link must not lead out of its repository, an address must not lead to another host.

import { posix } from "node:path";
import type { CheckoutLimits } from "@gantry/core/step/step.ts";

/** `size`: bytes of a file; 0 for a submodule. */
export type TreeEntry = {
  readonly mode: string;
  readonly object: string;
  readonly size: number;
  /** For messages, and for names that are UTF-8; other bytes are U+FFFD here. */
  readonly path: string;
  /** The path as git prints and reads it, in ASCII: names with other bytes are quoted. */
  readonly quoted: string;
};

export const MODE = { link: "120000", submodule: "160000" } as const;

/** Reads `git ls-tree -r -l` with `core.quotePath=true`, the only form in which all bytes of a name survive. */
export function parseTree(listed: string): readonly TreeEntry[] {
  return listed.split("\n").flatMap((line) => {
    const [, mode, object, size = "", quoted] = /^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t(.+)$/.exec(line) ?? [];
    if (mode === undefined || object === undefined || quoted === undefined) return [];
    return [
      { mode, object, size: size === "-" ? 0 : Number(size), path: bytesOfQuoted(quoted).toString("utf8"), quoted },
    ];
  });
}

const ESCAPES: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** The bytes of a path that git has printed; only one in double quotes has escapes. */
export function bytesOfQuoted(quoted: string): Buffer {
  if (!quoted.startsWith('"')) return Buffer.from(quoted, "latin1");
  const text = quoted.slice(1, -1).replace(/\\([0-7]{3}|.)/g, (_, code: string) => {
    return code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code);
  });
  return Buffer.from(text, "latin1");
}

/** The name has bytes that are not UTF-8, so the text is not the name. */
export function isLossy(path: string): boolean {
  return path.includes("\uFFFD");
}

/** What is too much of a commit for a checkout; undefined when it fits. Known before any file is written. */
export function checkoutExcess(
  entries: readonly TreeEntry[],
  { mb, files }: CheckoutLimits,
): { readonly limit: string; readonly has: string } | undefined {
  const usedMb = entries.reduce((sum, { size }) => sum + size, 0) / 1_048_576;
  if (entries.length > files) return { limit: `${files} files`, has: `${entries.length} files` };
  return usedMb > mb ? { limit: `${mb} MiB`, has: `${Math.ceil(usedMb)} MiB` } : undefined;
}

/** As many as Linux follows. */
const MAX_LINKS = 40;

/** Why a link must not be made, with all other links of the repository in force; undefined when it stays inside. */
export function linkProblem(links: ReadonlyMap<string, string>, path: string): string | undefined {
  let todo = path.split("/");
  let at: string[] = [];
  for (let followed = 0; todo.length > 0; ) {
    const [part = "", ...rest] = todo;
    todo = rest;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (at.length === 0) return "leads out of the repository";
      at = at.slice(0, -1);
      continue;
    }
    // Disks that ignore case know .git by other names, and Windows by its short one.
    if (/^(\.git|git~\d+)$/i.test(part.replace(/[. ]+$/, ""))) return "leads into .git";
    const next = [...at, part];
    const target = links.get(next.join("/"));
    if (target === undefined) at = next;
    else if (++followed > MAX_LINKS) return undefined;
    else if (target.startsWith("/") || /^[a-z]:|\\/i.test(target)) return "leads out of the repository";
    else todo = [...target.split("/"), ...todo];
  }
  return undefined;
}

export type Submodule = { readonly path: string; readonly url: string; readonly update: string | undefined };

/** Reads `git config --list -z` of `.gitmodules`. */
export function parseSubmodules(listed: string): readonly Submodule[] {
  const byName = new Map<string, Record<string, string>>();
  for (const line of listed.split("\0")) {
    const [, name, field, value = ""] = /^submodule\.(.+)\.(path|url|update)\n(.*)$/s.exec(line) ?? [];
    if (name === undefined || field === undefined) continue;
    byName.set(name, { ...byName.get(name), [field]: value });
  }
  return [...byName.values()].flatMap(({ path, url, update }) =>
    path === undefined || url === undefined ? [] : [{ path, url, update }],
  );
}

/**
 * The https address of a submodule. A relative one begins at the repository's own; one for ssh, of the same host, is written
 * as https. Whether it is the same host is checked by `checkRemoteUrl`.
 */
export function submoduleUrl(url: string, parent: string): string {
  if (/^\.\.?\//.test(url)) return new URL(url, `${parent}/`).href.replace(/\/$/, "");
  const base = new URL(parent);
  const [, host, path] =
    /^ssh:\/\/(?:[^@/]+@)?([^:/]+)(?::\d+)?\/(.+)$/i.exec(url) ??
    /^(?:[^@/:]+@)([^:/]+):(?!\/\/)\/?(.+)$/.exec(url) ??
    [];
  if (host === undefined || path === undefined || host.toLowerCase() !== base.hostname) return url;
  // Bitbucket Data Center serves git over https below /scm/.
  const scm = base.pathname.indexOf("/scm/");
  return new URL(posix.join("/", scm === -1 ? "" : base.pathname.slice(0, scm + 5), path), base).href;
}

export type Pointer = { readonly oid: string; readonly size: number };

/** Larger files are no pointers. */
export const MAX_POINTER = 1024;

const POINTER_VERSIONS = [
  "https://git-lfs.github.com/spec/v1",
  "https://hawser.github.com/spec/v1",
  "http://git-media.io/v/2",
];

/**
 * Reads a Git LFS pointer; undefined when the text is none. As git-lfs does, it takes any line ends, which attributes may have
 * changed, empty lines, and lines of extensions; with any other line, the file is no pointer.
 */
export function parsePointer(written: string): Pointer | undefined {
  // A byte order mark is no space.
  const lines = written.replace(/^[^\S\uFEFF]+|[^\S\uFEFF]+$/g, "").split("\n");
  const filled = lines.map((line) => line.replace(/\r$/, "")).filter((line) => line !== "");
  if (EXTENSION.test(filled.at(-1) ?? "")) return undefined;
  const told = filled.filter((line) => !EXTENSION.test(line));
  const [, version = ""] = /^version (.*)$/.exec(told[0] ?? "") ?? [];
  const [, oid] = /^oid sha256:([0-9a-f]{64})$/.exec(told[1] ?? "") ?? [];
  const [, size] = /^size \+?(\d{1,15})$/.exec(told[2] ?? "") ?? [];
  if (oid === undefined || size === undefined || told.length > 3 || !POINTER_VERSIONS.includes(version))
    return undefined;
  return { oid, size: Number(size) };
}

const EXTENSION = /^ext-\d-(\w+)\S* /;

/** The program that changes the file of this pointer after its download; undefined when there is none. */
export function pointerExtension(written: string): string | undefined {
  return written
    .split("\n")
    .map((line) => EXTENSION.exec(line)?.[1])
    .find((name) => name !== undefined);
}
