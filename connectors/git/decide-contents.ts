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

/**
 * Reads a Git LFS pointer; undefined when the text is none. As git-lfs does, it takes any line ends, which attributes may have
 * changed, and a last line without one.
 */
export function parsePointer(written: string): Pointer | undefined {
  const text = `${written.replaceAll("\r\n", "\n").trim()}\n`;
  const match =
    /^version https?:\/\/[^\n]*\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize (\d{1,15})\n(?:[^\n]*\n)*$/.exec(
      text,
    );
  const [, oid, size] = match ?? [];
  return oid !== undefined && /spec\/v1|git-media/.test(text) ? { oid, size: Number(size) } : undefined;
}
