// The files of a repository as Argo CD renders them: their paths, and why they cannot be rendered. Pure.

/** Its message is what Argo CD reports. */
export class RenderProblem extends Error {}

export type Files = ReadonlyMap<string, string>;

/** `path` relative to `folder`. Throws RenderProblem when it leaves the repository. */
export function resolvePath(folder: string, path: string): string {
  if (/^[a-z]+:\/\/|^\//.test(path)) throw new RenderProblem(`'${path}': only paths inside the repository`);
  const parts: string[] = folder === "" ? [] : folder.split("/");
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) throw new RenderProblem(`'${path}' leaves the repository`);
  }
  return parts.join("/");
}
