// Webhooks of Bitbucket Cloud. They never name paths, and pull requests have abbreviated commits.

import { type DeliveryFacts, other, type RefChange, type RepositoryName, webhookFormat } from "./delivery.ts";
import { hubRepository, pullRequest } from "./hub-shape.ts";
import { at, commitAt, listAt, messageAt, numberAt, textAt, urlAt } from "./look-up.ts";
import { isRefName, MAX_CHANGES } from "./refs.ts";

/** An update is of the title or of the branch: it does not say. */
const ACTIONS = {
  "pullrequest:created": "opened",
  "pullrequest:updated": "updated",
  "pullrequest:fulfilled": "merged",
  "pullrequest:rejected": "closed",
} as const;

export const bitbucketCloudWebhook = webhookFormat({
  headers: ["x-event-key", "x-request-uuid", "x-hook-uuid", "x-attempt-number"],
  read: (json, headers) => {
    const event = headers["x-event-key"] ?? "";
    const repository = hubRepository(json, "repository");
    const action = Object.hasOwn(ACTIONS, event) ? ACTIONS[event as keyof typeof ACTIONS] : undefined;
    if (event !== "repo:push" && !action)
      return other(`The event ${event.slice(0, 50) || "without a name"} starts nothing.`, repository);
    if (!repository) return other("It does not name a repository.");
    if (!action) return push(json, repository);
    const request = at(json, "pullrequest");
    return pullRequest(repository, {
      action,
      number: numberAt(request, "id"),
      branch: textAt(request, "source", "branch", "name"),
      from: hubRepository(request, "source", "repository"),
      target: textAt(request, "destination", "branch", "name"),
      commit: commitAt(request, "source", "commit", "hash"),
      title: textAt(request, "title"),
      author: textAt(request, "author", "nickname") ?? textAt(request, "author", "display_name"),
      url: urlAt(request, "links", "html", "href"),
    });
  },
});

function push(json: unknown, repository: RepositoryName): DeliveryFacts {
  const all = listAt(json, "push", "changes");
  if (all.length > MAX_CHANGES) return other(`It changes more than ${MAX_CHANGES} branches and tags.`, repository);
  const changes = all.flatMap(changeOf);
  if (changes.length === 0) return other("It names no branch and no tag that has changed.", repository);
  const by = textAt(json, "actor", "nickname") ?? textAt(json, "actor", "display_name");
  return { kind: "push", repository, by, changes };
}

function changeOf(change: unknown): readonly RefChange[] {
  const [before, after] = [at(change, "old"), at(change, "new")];
  const there = after ?? before;
  const type = textAt(there, "type");
  const name = textAt(there, "name");
  const commit = commitAt(after, "target", "hash");
  const isDeleted = after === null;
  if ((type !== "branch" && type !== "tag") || name === undefined || !isRefName(name)) return [];
  if (!isDeleted && commit === undefined) return [];
  const target = at(after, "target");
  const raw = textAt(target, "author", "raw");
  return [
    {
      ref: type,
      name,
      before: commitAt(before, "target", "hash"),
      commit,
      isForced: at(change, "forced") === true,
      message: messageAt(target, "message"),
      author: textAt(target, "author", "user", "display_name") ?? raw?.replace(/\s*<.*$/, ""),
      authorEmail: /<([^<>]+)>/.exec(raw ?? "")?.[1],
      url: urlAt(target, "links", "html", "href"),
    },
  ];
}
