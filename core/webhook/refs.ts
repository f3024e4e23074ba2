// Names of branches and tags, and the paths of commits. Pure and total.

import type { RefChange } from "./delivery.ts";
import { at, commitAt, listAt, messageAt, textAt, urlAt } from "./look-up.ts";

/** One push of a whole repository may have as many. */
export const MAX_CHANGES = 200;
const MAX_PATHS = 10_000;

/** Git refuses the same names, except that it allows longer ones. */
export function isRefName(name: string): boolean {
  return (
    /^[^\p{Cc}\p{Cs} ~^:?*[\\]{1,250}$/u.test(name) &&
    !/^[-/.]|[/.]$|\/[/.]|\.\.|@\{|\.lock(?:\/|$)/.test(name) &&
    name !== "@"
  );
}

/** `refs/heads/main` → the branch main. Undefined: it is neither a branch nor a tag, or no name that git allows. */
export function parseRef(ref: unknown): Pick<RefChange, "ref" | "name"> | undefined {
  const [, folder, name] = (typeof ref === "string" ? /^refs\/(heads|tags)\/(.{1,250})$/su.exec(ref) : null) ?? [];
  if (name === undefined || !isRefName(name)) return undefined;
  return { ref: folder === "heads" ? "branch" : "tag", name };
}

/** Undefined: the commit after the push is no commit, and the ref was not deleted either. */
export function endsOf(
  before: unknown,
  after: unknown,
): { readonly before?: string | undefined; readonly commit?: string | undefined } | undefined {
  const ends = { before: commitAt({ before }, "before"), commit: commitAt({ after }, "after") };
  const isDeleted = after === null || after === undefined || (typeof after === "string" && /^0{7,64}$/.test(after));
  return ends.commit === undefined && !isDeleted ? undefined : ends;
}

/** What is shown of the newest commit, in the form of GitHub, which Gitea, GitLab and Gitee have, too. */
export function newestCommit(commit: unknown): Pick<RefChange, "message" | "author" | "authorEmail" | "url"> {
  return {
    message: messageAt(commit, "message"),
    author: textAt(commit, "author", "name") ?? textAt(commit, "author", "username"),
    authorEmail: textAt(commit, "author", "email"),
    url: urlAt(commit, "url"),
  };
}

/** Each once. Undefined if a commit does not say all that it has changed, or there are too many. */
export function pathsOf(commits: readonly unknown[]): readonly string[] | undefined {
  const paths = new Set<string>();
  for (const commit of commits) {
    for (const kind of ["added", "modified", "removed"]) {
      if (!Array.isArray(at(commit, kind))) return undefined;
      for (const path of listAt(commit, kind)) {
        if (typeof path !== "string" || path === "" || path.length > 4_096 || paths.size >= MAX_PATHS) return undefined;
        paths.add(path);
      }
    }
  }
  return [...paths];
}
