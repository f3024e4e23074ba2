// Paths inside an image: what its layers leave there, and where a path leads with all links followed, as in a container. Pure.

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

type Node = { found: Found; layer: number; readonly children: Map<string, Node> };

/** What the layers of an image leave, entry by entry, the lowest layer first. */
export class LayeredFiles {
  readonly #root: Node = { found: { kind: "directory" }, layer: 0, children: new Map() };

  /** A file or link that replaces a directory removes everything below it. Directories on the way are made. */
  put(path: string, found: Found, layer: number): void {
    const parts = cleaned(path);
    const name = parts.pop();
    if (name === undefined) return;
    const parent = this.#directory(parts, layer);
    const before = parent.children.get(name);
    const isKept = found.kind === "directory" && before?.found.kind === "directory";
    parent.children.set(name, { found, layer, children: isKept ? before.children : new Map() });
  }

  /** Deletes what the layers below have there; what this layer has put there stays, wherever it stands among its entries. */
  delete([directory, name]: readonly [directory: string, name: string], layer: number): void {
    const parent = this.#directory(cleaned(directory), layer);
    const node = parent.children.get(name);
    if (!node) return;
    if (node.layer < layer) parent.children.delete(name);
    else deleteBelow(node, layer);
  }

  /** The same for everything in a directory, without the directory itself. */
  empty(path: string, layer: number): void {
    deleteBelow(this.#directory(cleaned(path), layer), layer);
  }

  *all(): Generator<readonly [path: string, Found]> {
    const todo: (readonly [string, Node])[] = [["", this.#root]];
    for (let next = todo.pop(); next; next = todo.pop()) {
      const [path, { found, children }] = next;
      if (path !== "") yield [path, found];
      for (const [name, child] of children) todo.push([path === "" ? name : `${path}/${name}`, child]);
    }
  }

  /** Makes what is missing of it. */
  #directory(parts: readonly string[], layer: number): Node {
    let at = this.#root;
    for (const part of parts) {
      const next = at.children.get(part) ?? { found: { kind: "directory" }, layer, children: new Map() };
      if (next.found.kind === "file") next.found = { kind: "directory" };
      next.layer = layer;
      at.children.set(part, next);
      at = next;
    }
    return at;
  }
}

function deleteBelow(node: Node, layer: number): void {
  const todo = [node];
  for (let at = todo.pop(); at; at = todo.pop()) {
    for (const [name, child] of at.children) {
      if (child.layer < layer) at.children.delete(name);
      else todo.push(child);
    }
  }
}

/** `..` ends at the root. */
function cleaned(path: string): string[] {
  const parts: string[] = [];
  for (const part of partsOf(path)) {
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts;
}
