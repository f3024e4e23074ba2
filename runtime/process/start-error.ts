// What keeps a process from starting, in words: errors of the operating system become rows of our table.

import { explain, GantryError } from "@gantry/core/errors.ts";

/** The error as one of ours, or undefined when it is a mistake of ours and its stack is needed. */
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
  EADDRINUSE: "Another process listens there already.",
  EACCES: "The user that Gantry runs as may not listen there.",
  EADDRNOTAVAIL: "This machine does not have that address.",
  ENOTFOUND: "There is no such host.",
};

const FILES: Sentences = {
  EACCES: "The user that Gantry runs as has no right to write there.",
  EPERM: "The user that Gantry runs as has no right to write there.",
  EROFS: "The file system can only be read.",
  ENOSPC: "The disk is full.",
  EDQUOT: "The quota of the disk is used up.",
  EIO: "The disk has a fault.",
  ENOTDIR: "A part of its path is a file and not a folder.",
  EEXIST: "There is a file where a folder must be.",
  EISDIR: "There is a folder where a file must be.",
  ENOENT: "It, or a folder above it, is not there.",
  ELOOP: "Its path goes round in a circle.",
  ENAMETOOLONG: "Its path is too long.",
};

function sentence(sentences: Sentences, code: string): string {
  return sentences[code] ?? `The operating system says ${code}.`;
}
