// Paths inside an image, as a container would see them: with all links followed. Pure.

import { posix } from "node:path";

/** What is at a path; undefined when nothing is. */
export type Found =
  | { readonly kind: "directory" | "file" }
  /** The target as it is written in the image. */
  | { readonly kind: "symlink"; readonly link: string };

/** Looks at a path without a leading slash, without following a link in its last part. */
export type Lookup = (path: string) => Found | undefined;

export type Resolved =
  | { readonly path: string }
  /** A part before the last is a file, or the links go round in a circle. */
  | { readonly problem: string };

/** As many as Linux follows. */
const MAX_LINKS = 40;

/**
 * The path behind all links, the last part included. Parts that do not exist stay as they are. `..` in a link ends at the
 * root, and no link leads out of the image. As builders do and Linux does not, `a/..` in the target of a link is nothing,
 * even if `a` is a link.
 */
export function resolveInImage(lookup: Lookup, path: string): Resolved {
  let todo = partsOf(path);
  let at = "";
  for (let links = 0; todo.length > 0; ) {
    const [part = "", ...rest] = todo;
    todo = rest;
    if (part === "..") {
      at = at.includes("/") ? at.slice(0, at.lastIndexOf("/")) : "";
      continue;
    }
    const next = at === "" ? part : `${at}/${part}`;
    const found = lookup(next);
    if (found?.kind === "symlink") {
      if (++links > MAX_LINKS) return { problem: `the links at /${path} go round in a circle` };
      if (found.link.startsWith("/")) at = "";
      todo = [...partsOf(posix.normalize(found.link)), ...todo];
    } else if (found?.kind === "file" && todo.length > 0) {
      return { problem: `/${next} is a file in the image, not a directory` };
    } else at = next;
  }
  return { path: at };
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
