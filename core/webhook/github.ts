// Webhooks of GitHub. https://docs.github.com/webhooks/webhook-events-and-payloads

import { other, webhookFormat } from "./delivery.ts";
import { hubPullRequest, hubPush, hubRepository } from "./hub-shape.ts";

/** A list with so many commits may be cut. */
const MAX_COMMITS = 2_048;
const ACTIONS = { opened: "opened", reopened: "reopened", synchronize: "updated", closed: "closed" } as const;

export const githubWebhook = webhookFormat({
  headers: ["x-github-event", "x-github-delivery"],
  read: (json, headers) => {
    const event = headers["x-github-event"] ?? "";
    const repository = hubRepository(json, "repository");
    if (event === "ping") return other("GitHub tried whether the webhook works.", repository);
    if (event !== "push" && event !== "pull_request")
      return other(`The event ${event.slice(0, 50) || "without a name"} starts nothing.`, repository);
    if (!repository) return other("It does not name a repository.");
    return event === "push"
      ? hubPush(json, repository, (commits) => commits.length < MAX_COMMITS)
      : hubPullRequest(json, repository, ACTIONS);
  },
});
