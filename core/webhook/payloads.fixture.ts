// Payloads as the hosts send them, shortened to what differs. The repository is apps/orders everywhere.

import type { WebhookHost } from "./delivery.ts";

export const BEFORE = "1".repeat(40);
export const COMMIT = "2".repeat(40);
const ZERO = "0".repeat(40);

export type Payload = { readonly headers: { readonly [name: string]: string }; readonly body: object };

/** What is pushed: `main` from BEFORE to COMMIT, unless it is said otherwise. */
export type Pushed = {
  readonly ref?: string;
  readonly before?: string | null;
  readonly commit?: string | null;
  readonly message?: string;
  readonly paths?: readonly string[];
  readonly project?: string;
  readonly slug?: string;
  readonly email?: string;
};

const hubCommit = ({
  commit = COMMIT,
  message = "Change it",
  paths = ["src/a.ts"],
  email = "kim@example.com",
}: Pushed) => ({
  id: commit,
  message,
  timestamp: "2026-11-20T07:00:00Z",
  url: `https://git.example.com/apps/orders/commit/${commit}`,
  author: { name: "Kim", email, username: "kim" },
  added: [],
  removed: [],
  modified: paths,
});

function hubPush(pushed: Pushed): object {
  const { ref = "refs/heads/main", before = BEFORE, commit = COMMIT, project = "apps", slug = "orders" } = pushed;
  const commits = commit === null ? [] : [hubCommit(pushed)];
  return {
    ...{ ref, before: before ?? ZERO, after: commit ?? ZERO, commits, head_commit: commits[0] ?? null },
    repository: { name: slug, full_name: `${project}/${slug}`, html_url: "https://git.example.com/apps/orders" },
    pusher: { name: "kim", email: "kim@example.com" },
    sender: { login: "kim" },
  };
}

function gitlabPush(pushed: Pushed): object {
  const { ref = "refs/heads/main", before = BEFORE, commit = COMMIT, project = "apps", slug = "orders" } = pushed;
  const commits = commit === null ? [] : [{ ...hubCommit(pushed), title: "Change it" }];
  return {
    ...{ object_kind: ref.startsWith("refs/tags/") ? "tag_push" : "push", event_name: "push" },
    ...{ ref, before: before ?? ZERO, after: commit ?? ZERO, checkout_sha: commit, user_username: "kim" },
    project: { name: slug, path_with_namespace: `${project}/${slug}` },
    ...{ commits, total_commits_count: commits.length },
  };
}

function dcPush(pushed: Pushed, date = "2026-11-20T07:00:00+0000"): object {
  const { ref = "refs/heads/main", before = BEFORE, commit = COMMIT, project = "apps", slug = "orders" } = pushed;
  const type = before === null ? "ADD" : commit === null ? "DELETE" : "UPDATE";
  const { message = "Change it", email = "kim@example.com" } = pushed;
  return {
    eventKey: "repo:refs_changed",
    date,
    actor: { name: "kim", displayName: "Kim" },
    repository: { slug, name: slug, project: { key: project.toUpperCase() } },
    changes: [
      {
        ref: {
          id: ref,
          displayId: ref.replace(/^refs\/\w+\//, ""),
          type: ref.startsWith("refs/tags/") ? "TAG" : "BRANCH",
        },
        ...{ refId: ref, fromHash: before ?? ZERO, toHash: commit ?? ZERO, type },
      },
    ],
    ...(commit === null
      ? {}
      : { toCommit: { id: commit, message, author: { name: "kim", displayName: "Kim", emailAddress: email } } }),
  };
}

function cloudPush(pushed: Pushed): object {
  const { ref = "refs/heads/main", before = BEFORE, commit = COMMIT, project = "apps", slug = "orders" } = pushed;
  const { message = "Change it", email = "kim@example.com" } = pushed;
  const side = (hash: string) => ({
    type: ref.startsWith("refs/tags/") ? "tag" : "branch",
    name: ref.replace(/^refs\/\w+\//, ""),
    target: { hash, message, author: { raw: `Kim <${email}>`, user: { display_name: "Kim" } } },
  });
  return {
    push: {
      changes: [
        {
          old: before === null ? null : side(before),
          new: commit === null ? null : side(commit),
          forced: false,
          truncated: false,
        },
      ],
    },
    repository: { name: slug, full_name: `${project}/${slug}`, workspace: { slug: project } },
    actor: { nickname: "kim", display_name: "Kim" },
  };
}

/** The push of each git host. */
export const PUSHES: { readonly [Host in Exclude<WebhookHost, "harbor" | "sonarqube">]: (pushed?: Pushed) => Payload } =
  {
    github: (pushed = {}) => ({ headers: { "x-github-event": "push" }, body: { ...hubPush(pushed), forced: false } }),
    gitea: (pushed = {}) => ({
      headers: { "x-gitea-event": "push" },
      body: { ...hubPush(pushed), total_commits: pushed.commit === null ? 0 : 1 },
    }),
    gitee: (pushed = {}) => ({
      headers: { "x-gitee-event": "Push Hook" },
      body: {
        ...hubPush(pushed),
        hook_name: "push_hooks",
        password: "",
        total_commits_count: pushed.commit === null ? 0 : 1,
      },
    }),
    gitlab: (pushed = {}) => ({ headers: { "x-gitlab-event": "Push Hook" }, body: gitlabPush(pushed) }),
    "bitbucket-dc": (pushed = {}) => ({ headers: { "x-event-key": "repo:refs_changed" }, body: dcPush(pushed) }),
    "bitbucket-cloud": (pushed = {}) => ({ headers: { "x-event-key": "repo:push" }, body: cloudPush(pushed) }),
  };

/** A pull request of `fix` into `main`; `from`: the project of its source. */
export const PULL_REQUESTS: { readonly [Host in keyof typeof PUSHES]: (from?: string) => Payload } = {
  github: (from = "apps") => ({ headers: { "x-github-event": "pull_request" }, body: hubRequest("opened", from) }),
  gitea: (from = "apps") => ({ headers: { "x-gitea-event": "pull_request" }, body: hubRequest("opened", from) }),
  gitee: (from = "apps") => ({
    headers: { "x-gitee-event": "Merge Request Hook" },
    body: { ...hubRequest("open", from), hook_name: "merge_request_hooks", number: 7 },
  }),
  gitlab: (from = "apps") => ({
    headers: { "x-gitlab-event": "Merge Request Hook" },
    body: {
      object_kind: "merge_request",
      user: { username: "kim" },
      project: { path_with_namespace: "apps/orders" },
      object_attributes: {
        ...{ iid: 7, title: "Fix it", action: "open", source_branch: "fix", target_branch: "main" },
        ...{ last_commit: { id: COMMIT }, url: "https://git.example.com/apps/orders/-/merge_requests/7" },
        source: { path_with_namespace: `${from}/orders` },
      },
    },
  }),
  "bitbucket-dc": (from = "apps") => ({
    headers: { "x-event-key": "pr:opened" },
    body: {
      eventKey: "pr:opened",
      date: "2026-11-20T07:00:00+0000",
      pullRequest: {
        ...{ id: 7, title: "Fix it", author: { user: { name: "kim" } } },
        links: { self: [{ href: "https://git.example.com/apps/orders/pull-requests/7" }] },
        fromRef: {
          ...{ id: "refs/heads/fix", displayId: "fix", latestCommit: COMMIT },
          repository: { slug: "orders", project: { key: from.toUpperCase() } },
        },
        toRef: { displayId: "main", repository: { slug: "orders", project: { key: "APPS" } } },
      },
    },
  }),
  "bitbucket-cloud": (from = "apps") => ({
    headers: { "x-event-key": "pullrequest:created" },
    body: {
      pullrequest: {
        ...{ id: 7, title: "Fix it", author: { nickname: "kim" } },
        links: { html: { href: "https://git.example.com/apps/orders/pull-requests/7" } },
        source: {
          branch: { name: "fix" },
          commit: { hash: COMMIT.slice(0, 12) },
          repository: { full_name: `${from}/orders` },
        },
        destination: { branch: { name: "main" } },
      },
      repository: { full_name: "apps/orders" },
      actor: { nickname: "kim" },
    },
  }),
};

function hubRequest(action: string, from: string): object {
  const repo = (owner: string) => ({ full_name: `${owner}/orders` });
  return {
    ...{ action, number: 7, repository: repo("apps"), sender: { login: "kim" } },
    pull_request: {
      ...{ number: 7, title: "Fix it", merged: false, user: { login: "kim" } },
      html_url: "https://git.example.com/apps/orders/pull/7",
      head: { ref: "fix", sha: COMMIT, repo: repo(from) },
      base: { ref: "main", sha: BEFORE, repo: repo("apps") },
    },
  };
}

export const DIGEST = `sha256:${"3".repeat(64)}`;

export const IMAGE: Payload = {
  headers: {},
  body: {
    ...{ type: "PUSH_ARTIFACT", occur_at: 1_795_158_000, operator: "admin" },
    event_data: {
      resources: [{ digest: DIGEST, tag: "1.2.3", resource_url: "harbor.example.com/apps/orders:1.2.3" }],
      repository: { name: "orders", namespace: "apps", repo_full_name: "apps/orders", repo_type: "private" },
    },
  },
};

export const GATE: Payload = {
  headers: {},
  body: {
    ...{ taskId: "t", status: "SUCCESS", revision: COMMIT, project: { key: "orders", name: "Orders" } },
    ...{ branch: { name: "main", isMain: true }, qualityGate: { name: "Sonar way", status: "OK", conditions: [] } },
  },
};

/** One of each kind for each host. */
export function payloadsOf(host: WebhookHost): readonly Payload[] {
  if (host === "harbor") return [IMAGE];
  if (host === "sonarqube") return [GATE];
  return [PUSHES[host](), PULL_REQUESTS[host]()];
}

/** Everything of the payload as the portal hands it on. */
export function rawOf({ headers, body }: Payload): { readonly headers: Payload["headers"]; readonly body: string } {
  return { headers, body: JSON.stringify(body) };
}
