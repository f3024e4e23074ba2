// Errors of the file system in words: nobody should have to know what ENOENT is.

const WORDS: { readonly [code: string]: string } = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of its path is a file and not a folder",
  EISDIR: "it is a folder and not a file",
  EEXIST: "it is there already",
  EACCES: "the user of the runner may not use it",
  EPERM: "the user of the runner may not use it",
  EROFS: "the file system can only be read",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota of the disk is used up",
  EIO: "the disk has a fault",
  EMFILE: "the runner has too many files open",
  ELOOP: "its path goes round in a circle",
  ENAMETOOLONG: "its path is too long",
};

export type FileProblem = { readonly path: string; readonly problem: string };

/** Why a file or folder cannot be used, as a part of a sentence; undefined when it is not an error of the file system. */
export function fileProblem(error: unknown): FileProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === undefined || path === undefined || !Object.hasOwn(WORDS, code)) return undefined;
  return { path, problem: WORDS[code] ?? code };
}
