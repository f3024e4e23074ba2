// Which files of a folder or a repository belong to a set of definitions. Pure.

/** One folder per kind of definition. Only files directly in them count. */
export const SET_FOLDERS = ["pipelines", "includes", "roles", "rules", "sites"] as const;
export type SetFolder = (typeof SET_FOLDERS)[number];

/** On top: files that are no pipelines. */
export const SETTINGS_FILES: readonly string[] = ["environments.yaml", "own-pipelines.yaml", "params.yaml"];

const SUFFIX = /\.ya?ml$/;

/**
 * Whether a file counts, or would be a mistake in one of the folders because its name ends in `.yml`. `path`: in the set, with
 * `/`. On top, every YAML file may be a pipeline.
 */
export function isSetFile(path: string): boolean {
  const [folder, name, ...rest] = path.split("/");
  if (!SUFFIX.test(path) || rest.length > 0) return false;
  return name === undefined || SET_FOLDERS.some((one) => one === folder);
}

/** A file of the set: its path and its text. */
export type SetFile = { readonly file: string; readonly text: string };

/** The files of one folder, sorted by their names. */
export function filesIn(files: ReadonlyMap<string, string>, folder: SetFolder): readonly SetFile[] {
  return [...files]
    .filter(([path]) => path.startsWith(`${folder}/`) && isSetFile(path))
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([file, text]) => ({ file, text }));
}
