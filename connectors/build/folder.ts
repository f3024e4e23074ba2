// A folder of the sources, and the commands that build what is in it.

/** What is known of a folder of the sources. */
export type Folder = {
  /** Below the workspace, `.` for the workspace itself. */
  readonly path: string;
  /** Names of its entries. */
  readonly names: readonly string[];
  /** The texts of the files in `READ` that it has. */
  readonly texts: { readonly [name: string]: string };
  /** The folder of the app, if this one is below it. It may hold the lock file of a workspace, or the wrapper of a tool. */
  readonly top?: Folder;
};

/** The path of this folder below that of the app. */
export function wayBelow(folder: Folder, top: Folder): string {
  return top.path === "." ? folder.path : folder.path.slice(top.path.length + 1);
}

/** Each is a shell script; an empty one does nothing. */
export type Commands = { readonly install: string; readonly test: string; readonly build: string };
