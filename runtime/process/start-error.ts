// Why a process cannot start: turns errors of the operating system into errors of our table (core/errors.ts).

import { explain, GantryError } from "@gantry/core/errors.ts";

/** The error as a GantryError; undefined for a bug, which needs its stack. */
export function startError(error: unknown): GantryError | undefined {
  if (error instanceof GantryError) return error;
  if (!(error instanceof Error)) return undefined;
  const { code, syscall, path, address, port } = error as SystemError;
  if (syscall === "listen" && code !== undefined) {
    const at = `${address ?? ""}:${port ?? ""}`;
    return new GantryError("port-unusable", { address: at, problem: sentence(LISTEN, code) }, { cause: error });
  }
  // Errors of sockets and child processes have other fields.
  if (path !== undefined && code !== undefined && Object.hasOwn(FILES, code))
    return new GantryError("data-unusable", { file: path, problem: sentence(FILES, code) }, { cause: error });
  return undefined;
}

/** One line: what, why, what to do. */
export function inOneLine(error: GantryError): string {
  const { message, why, todo } = explain(error);
  return [message, why, todo].map((part) => part.replace(/\s+/g, " ").replace(/([^.?!])$/, "$1.")).join(" ");
}

type SystemError = Error & {
  readonly code?: string;
  readonly syscall?: string;
  readonly path?: string;
  readonly address?: string;
  readonly port?: number;
};
type Sentences = { readonly [code: string]: string };

const LISTEN: Sentences = {
  EADDRINUSE: "Another process already listens there.",
  EACCES: "The user that Gantry runs as may not listen there.",
  EADDRNOTAVAIL: "This machine does not have that address.",
  ENOTFOUND: "There is no such host.",
};

const FILES: Sentences = {
  EACCES: "The user that Gantry runs as has no right to write there.",
  EPERM: "The user that Gantry runs as has no right to write there.",
  EROFS: "The file system is read-only.",
  ENOSPC: "The disk is full.",
  EDQUOT: "The disk quota is exhausted.",
  EIO: "The disk reports an I/O error.",
  ENOTDIR: "Part of its path is a file, not a folder.",
  EEXIST: "It is a file, but must be a folder.",
  EISDIR: "It is a folder, but must be a file.",
  ENOENT: "It, or a folder above it, does not exist.",
  ELOOP: "Its path is a loop of symbolic links.",
  ENAMETOOLONG: "Its path is too long.",
};

function sentence(sentences: Sentences, code: string): string {
  return sentences[code] ?? `The operating system reports ${code}.`;
}
