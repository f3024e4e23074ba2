// The form of the payloads of GitHub, which Gitea has copied. Pure and total.

import {
  type DeliveryFacts,
  other,
  type PullRequestAction,
  type PullRequestFacts,
  type RefChange,
  type RepositoryName,
} from "./delivery.ts";
import { at, commitAt, listAt, numberAt, splitFullName, textAt, urlAt } from "./look-up.ts";
import { endsOf, isRefName, newestCommit, parseRef, pathsOf } from "./refs.ts";

export function hubRepository(json: unknown, ...path: readonly string[]): RepositoryName | undefined {
  return splitFullName(textAt(json, ...path, "full_name"));
}

/** `isWhole`: whether all commits of the push are in the list. */
export function hubPush(
  json: unknown,
  repository: RepositoryName,
  isWhole: (commits: readonly unknown[]) => boolean,
): DeliveryFacts {
  const ref = parseRef(at(json, "ref"));
  if (!ref) return other("It is about neither a branch nor a tag that git allows.", repository);
  const ends = endsOf(at(json, "before"), at(json, "after"));
  if (!ends) return other("It does not say which commit was pushed.", repository);
  const commits = listAt(json, "commits");
  const isForced = typeof at(json, "forced") === "boolean" ? at(json, "forced") === true : undefined;
  const newest = commits.find((one) => commitAt(one, "id") === ends.commit);
  const head = newestCommit(at(json, "head_commit") ?? newest);
  // The commits of a new branch, or of one that was replaced, are not all that differs from before.
  const isPlain = ends.before !== undefined && ends.commit !== undefined && isForced !== true;
  const change: RefChange = {
    ...ref,
    ...ends,
    ...head,
    isForced,
    paths: isPlain && commits.length > 0 && isWhole(commits) ? pathsOf(commits) : undefined,
  };
  return {
    kind: "push",
    repository,
    by: textAt(json, "sender", "login") ?? textAt(json, "pusher", "name"),
    changes: [change],
  };
}

/** `actions`: word of the host → ours. Other words start nothing. */
export function hubPullRequest(
  json: unknown,
  repository: RepositoryName,
  actions: { readonly [word: string]: PullRequestAction },
): DeliveryFacts {
  const word = textAt(json, "action") ?? "";
  const known = Object.hasOwn(actions, word) ? actions[word] : undefined;
  if (!known)
    return other(`What happened to the pull request (${word || "nothing is said"}) starts nothing.`, repository);
  const request = at(json, "pull_request");
  const from = hubRepository(request, "head", "repo");
  return pullRequest(repository, {
    action: known === "closed" && at(request, "merged") === true ? "merged" : known,
    number: numberAt(request, "number") ?? numberAt(json, "number"),
    branch: textAt(request, "head", "ref"),
    from,
    target: textAt(request, "base", "ref"),
    commit: commitAt(request, "head", "sha"),
    title: textAt(request, "title"),
    author: textAt(request, "user", "login"),
    url: urlAt(request, "html_url"),
  });
}

type Found = {
  readonly [K in keyof Omit<PullRequestFacts, "kind" | "repository" | "fork">]: PullRequestFacts[K] | undefined;
};

/** With all that must be said of a pull request, or why it cannot be understood. */
export function pullRequest(
  repository: RepositoryName,
  { action, number, branch, target, commit, title, from, author, url }: Found,
): DeliveryFacts {
  if (!action || number === undefined || !branch || !target || !commit)
    return other("It does not say which pull request it is about.", repository);
  if (!isRefName(branch) || !isRefName(target))
    return other("A branch has a name that git does not allow.", repository);
  const fork = !from || fullName(from) !== fullName(repository);
  const facts = { action, number, branch, fork, target, commit, title: title ?? "", from, author, url };
  return { kind: "pull_request", repository, ...facts };
}

/** Git hosts ignore the case of names. */
function fullName({ project, slug }: RepositoryName): string {
  return `${project}/${slug}`.toLowerCase();
}
