// Webhooks of Gitea and Forgejo. Branches that are new or deleted are told twice: as `push`, and as `create` or `delete`.

import { other, webhookFormat } from "./delivery.ts";
import { hubPullRequest, hubPush, hubRepository } from "./hub-shape.ts";
import { numberAt } from "./look-up.ts";

const ACTIONS = {
  opened: "opened",
  reopened: "reopened",
  synchronized: "updated",
  synchronize: "updated",
  closed: "closed",
} as const;

export const giteaWebhook = webhookFormat({
  headers: ["x-gitea-event", "x-gitea-delivery", "x-gogs-event"],
  read: (json, headers) => {
    const event = headers["x-gitea-event"] ?? headers["x-gogs-event"] ?? "";
    const repository = hubRepository(json, "repository");
    if (event === "create") return other("The push of the new branch or tag is told by itself.", repository);
    if (event === "delete") return other("A branch or a tag was deleted.", repository);
    const isPullRequest = event === "pull_request" || event === "pull_request_sync";
    if (event !== "push" && !isPullRequest)
      return other(`The event ${event.slice(0, 50) || "without a name"} starts nothing.`, repository);
    if (!repository) return other("It does not name a repository.");
    if (isPullRequest) return hubPullRequest(json, repository, ACTIONS);
    // Only the newest few are in the list. Older versions do not say how many there are.
    return hubPush(json, repository, (commits) => commits.length === numberAt(json, "total_commits"));
  },
});
