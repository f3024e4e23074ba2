// Webhooks of GitLab, of a project, a group or the whole system. https://docs.gitlab.com/user/project/integrations/webhook_events

import { type DeliveryFacts, other, type RepositoryName, webhookFormat } from "./delivery.ts";
import { pullRequest } from "./hub-shape.ts";
import { at, commitAt, listAt, numberAt, splitFullName, textAt, urlAt } from "./look-up.ts";
import { endsOf, newestCommit, parseRef, pathsOf } from "./refs.ts";

export const gitlabWebhook = webhookFormat({
  headers: ["x-gitlab-event", "x-gitlab-event-uuid", "idempotency-key"],
  read: (json) => {
    const kind = textAt(json, "object_kind") ?? textAt(json, "event_name") ?? "";
    const repository = splitFullName(textAt(json, "project", "path_with_namespace"));
    const isPush = kind === "push" || kind === "tag_push";
    if (!isPush && kind !== "merge_request")
      return other(`The event ${kind.slice(0, 50) || "without a name"} starts nothing.`, repository);
    if (!repository) return other("It does not name a repository.");
    return isPush ? push(json, repository) : mergeRequest(json, repository);
  },
});

function push(json: unknown, repository: RepositoryName): DeliveryFacts {
  const ref = parseRef(at(json, "ref"));
  if (!ref) return other("It is about neither a branch nor a tag that git allows.", repository);
  const ends = endsOf(at(json, "before"), at(json, "after"));
  if (!ends) return other("It does not say which commit was pushed.", repository);
  const commits = listAt(json, "commits");
  // At most twenty are in the list.
  const isWhole = commits.length > 0 && commits.length === numberAt(json, "total_commits_count");
  const newest = commits.find((one) => commitAt(one, "id") === ends.commit);
  const isPlain = ends.before !== undefined && ends.commit !== undefined;
  const change = { ...ref, ...ends, ...newestCommit(newest), paths: isPlain && isWhole ? pathsOf(commits) : undefined };
  return {
    kind: "push",
    repository,
    by: textAt(json, "user_username") ?? textAt(json, "user_name"),
    changes: [change],
  };
}

const ACTIONS = { open: "opened", reopen: "reopened", update: "updated", close: "closed", merge: "merged" } as const;

function mergeRequest(json: unknown, repository: RepositoryName): DeliveryFacts {
  const attributes = at(json, "object_attributes");
  const word = textAt(attributes, "action") ?? "";
  const action = Object.hasOwn(ACTIONS, word) ? ACTIONS[word as keyof typeof ACTIONS] : undefined;
  // An update without `oldrev` is one of the title, the labels and the like.
  if (!action || (word === "update" && commitAt(attributes, "oldrev") === undefined))
    return other(`What happened to the merge request (${word || "nothing is said"}) starts nothing.`, repository);
  return pullRequest(repository, {
    action,
    number: numberAt(attributes, "iid"),
    branch: textAt(attributes, "source_branch"),
    from: splitFullName(textAt(attributes, "source", "path_with_namespace")),
    target: textAt(attributes, "target_branch"),
    commit: commitAt(attributes, "last_commit", "id"),
    title: textAt(attributes, "title"),
    author: textAt(json, "user", "username"),
    url: urlAt(attributes, "url"),
  });
}
