// Webhooks of Bitbucket Data Center. They never name paths; the newest commit is there since version 8.

import { type DeliveryFacts, other, type RefChange, type RepositoryName, webhookFormat } from "./delivery.ts";
import { pullRequest } from "./hub-shape.ts";
import { at, commitAt, listAt, messageAt, numberAt, splitFullName, textAt, urlAt } from "./look-up.ts";
import { endsOf, MAX_CHANGES, parseRef } from "./refs.ts";

const ACTIONS = {
  "pr:opened": "opened",
  "pr:from_ref_updated": "updated",
  "pr:reopened": "reopened",
  "pr:declined": "closed",
  "pr:merged": "merged",
  "pr:deleted": "closed",
} as const;

export const bitbucketDcWebhook = webhookFormat({
  headers: ["x-event-key", "x-request-id"],
  sentAtMs: (json) => Date.parse(textAt(json, "date") ?? ""),
  read: (json, headers) => {
    const event = textAt(json, "eventKey") ?? headers["x-event-key"] ?? "";
    if (event === "repo:refs_changed") {
      const repository = repositoryAt(json, "repository");
      return repository ? push(json, repository) : other("It does not name a repository.");
    }
    const request = at(json, "pullRequest");
    const repository = repositoryAt(request, "toRef", "repository");
    const action = Object.hasOwn(ACTIONS, event) ? ACTIONS[event as keyof typeof ACTIONS] : undefined;
    if (!action)
      return other(
        `The event ${event.slice(0, 50) || "without a name"} starts nothing.`,
        repository ?? repositoryAt(json, "repository"),
      );
    if (!repository) return other("It does not name a repository.");
    return pullRequest(repository, {
      action,
      number: numberAt(request, "id"),
      branch: textAt(request, "fromRef", "displayId"),
      from: repositoryAt(request, "fromRef", "repository"),
      target: textAt(request, "toRef", "displayId"),
      commit: commitAt(request, "fromRef", "latestCommit"),
      title: textAt(request, "title"),
      author: textAt(request, "author", "user", "name"),
      url: urlAt(listAt(request, "links", "self")[0], "href"),
    });
  },
});

function repositoryAt(json: unknown, ...path: readonly string[]): RepositoryName | undefined {
  const [project, slug] = [textAt(json, ...path, "project", "key"), textAt(json, ...path, "slug")];
  return splitFullName(`${project}/${slug}`);
}

function push(json: unknown, repository: RepositoryName): DeliveryFacts {
  const all = listAt(json, "changes");
  if (all.length > MAX_CHANGES) return other(`It changes more than ${MAX_CHANGES} branches and tags.`, repository);
  const newest = at(json, "toCommit");
  const changes = all.flatMap((one): RefChange[] => {
    const ref = parseRef(at(one, "refId") ?? at(one, "ref", "id"));
    const ends = endsOf(at(one, "fromHash"), at(one, "toHash"));
    if (!ref || !ends) return [];
    const commit = [newest, ...listAt(json, "commits")].find((each) => commitAt(each, "id") === ends.commit);
    return [
      {
        ...ref,
        ...ends,
        message: messageAt(commit, "message"),
        author: textAt(commit, "author", "displayName") ?? textAt(commit, "author", "name"),
        authorEmail: textAt(commit, "author", "emailAddress"),
      },
    ];
  });
  if (changes.length === 0) return other("It names no branch and no tag that has changed.", repository);
  return { kind: "push", repository, by: textAt(json, "actor", "name"), changes };
}
