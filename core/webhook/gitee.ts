// Webhooks of Gitee. Its payloads are those of GitHub with fields of GitLab; they hold the password of the webhook, too.

import { type DeliveryFacts, other, type RepositoryName, webhookFormat } from "./delivery.ts";
import { hubPush, pullRequest } from "./hub-shape.ts";
import { at, commitAt, numberAt, splitFullName, textAt, urlAt } from "./look-up.ts";

export const giteeWebhook = webhookFormat({
  headers: ["x-gitee-event", "x-gitee-timestamp"],
  sentAtMs: (_, headers) => Number(headers["x-gitee-timestamp"] ?? Number.NaN),
  read: (json, headers) => {
    const event = textAt(json, "hook_name") ?? headers["x-gitee-event"] ?? "";
    const repository = repositoryAt(json, "project") ?? repositoryAt(json, "repository");
    const isPush = ["push_hooks", "tag_push_hooks", "Push Hook", "Tag Push Hook"].includes(event);
    if (!isPush && event !== "merge_request_hooks" && event !== "Merge Request Hook")
      return other(`The event ${event.slice(0, 50) || "without a name"} starts nothing.`, repository);
    if (!repository) return other("It does not name a repository.");
    if (!isPush) return mergeRequest(json, repository);
    return hubPush(
      json,
      repository,
      (commits) =>
        commits.length === numberAt(json, "total_commits_count") && at(json, "commits_more_than_ten") !== true,
    );
  },
});

function repositoryAt(json: unknown, ...path: readonly string[]): RepositoryName | undefined {
  return splitFullName(textAt(json, ...path, "path_with_namespace") ?? textAt(json, ...path, "full_name"));
}

const ACTIONS = { open: "opened", update: "updated", close: "closed", merge: "merged" } as const;

function mergeRequest(json: unknown, repository: RepositoryName): DeliveryFacts {
  const word = textAt(json, "action") ?? "";
  const action = Object.hasOwn(ACTIONS, word) ? ACTIONS[word as keyof typeof ACTIONS] : undefined;
  const what = textAt(json, "action_desc");
  if (!action || (word === "update" && what !== undefined && what !== "source_branch_changed"))
    return other(
      `What happened to the pull request (${what ?? (word || "nothing is said")}) starts nothing.`,
      repository,
    );
  const request = at(json, "pull_request");
  return pullRequest(repository, {
    action,
    number: numberAt(request, "number") ?? numberAt(json, "iid"),
    branch: textAt(request, "head", "ref") ?? textAt(json, "source_branch"),
    from:
      repositoryAt(json, "source_repo", "project") ??
      repositoryAt(json, "source_repo", "repository") ??
      repositoryAt(request, "head", "repo"),
    target: textAt(request, "base", "ref") ?? textAt(json, "target_branch"),
    commit: commitAt(request, "head", "sha"),
    title: textAt(request, "title") ?? textAt(json, "title"),
    author: textAt(request, "user", "login"),
    url: urlAt(request, "html_url") ?? urlAt(json, "url"),
  });
}
