// Webhooks of the git hosts of the lab: after each push, what the real host would send, signed as it signs it. Like most of them,
// it is sent once: a receiver that is away misses it.

import { createHmac, randomUUID } from "node:crypto";
import type { GitProvider } from "@gantry/core/site/git-providers.ts";
import type { GitStore, LabCommit, LabRefChange } from "./git-store.ts";

export type LabWebhook = { readonly host: GitProvider; readonly url: string; readonly secret: string };

type Repository = { readonly owner: string; readonly name: string };
type Change = LabRefChange & { readonly commits: readonly (LabCommit & { readonly paths: readonly string[] })[] };
type Push = { readonly repository: Repository; readonly by: string; readonly changes: readonly Change[] };

const ZERO = "0".repeat(40);
/** As many as hosts list. */
const MAX_COMMITS = 20;

/** `nameOf`: of a repository; undefined for one that was deleted meanwhile. Errors are ignored, as by a host. */
export function sendWebhooks(store: GitStore, hook: LabWebhook, nameOf: (id: string) => Repository | undefined): void {
  store.onPush(async (id, by, changes) => {
    const repository = nameOf(id);
    if (!repository) return;
    const detailed = await Promise.all(
      changes.map(async (change): Promise<Change> => ({ ...change, commits: await commitsOf(store, id, change) })),
    );
    for (const request of requestsOf(hook.host, { repository, by, changes: detailed })) await post(hook, request);
  });
}

async function commitsOf(store: GitStore, id: string, { before, after }: LabRefChange): Promise<Change["commits"]> {
  if (after === undefined) return [];
  const commits = await store.commits(id, after, MAX_COMMITS);
  const known = commits.findIndex((one) => one.id === before);
  const added = known < 0 ? commits : commits.slice(0, known);
  return Promise.all(added.map(async (one) => ({ ...one, paths: await store.changedPaths(id, one.id) })));
}

type Request = { readonly headers: Record<string, string>; readonly body: object };

/** Bitbucket tells of all branches in one request, the others of each in one of its own. */
function requestsOf(host: GitProvider, push: Push): readonly Request[] {
  switch (host) {
    case "bitbucket-dc":
      return [
        { headers: { "x-event-key": "repo:refs_changed", "x-request-id": randomUUID() }, body: dataCenter(push) },
      ];
    case "bitbucket-cloud":
      return [{ headers: { "x-event-key": "repo:push", "x-request-uuid": randomUUID() }, body: cloud(push) }];
    case "github":
      return push.changes.map((change) => ({
        headers: { "x-github-event": "push", "x-github-delivery": randomUUID() },
        body: hub(push, change),
      }));
    case "gitea":
      return push.changes.map((change) => ({
        headers: { "x-gitea-event": "push", "x-gitea-delivery": randomUUID() },
        body: { ...hub(push, change), total_commits: change.commits.length },
      }));
    case "gitee":
      return push.changes.map((change) => ({
        headers: { "x-gitee-event": "Push Hook" },
        body: { ...hub(push, change), hook_name: "push_hooks", total_commits_count: change.commits.length },
      }));
    case "gitlab":
      return push.changes.map((change) => ({
        headers: { "x-gitlab-event": "Push Hook", "idempotency-key": randomUUID() },
        body: gitlab(push, change),
      }));
  }
}

export type LabForkRequest = {
  readonly number: number;
  /** The repository into which it would be merged: `owner/name`. */
  readonly into: string;
  readonly fork: string;
  readonly branch: string;
  readonly commit: string;
  /** The commit before a push; absent: it was opened. */
  readonly before?: string;
  readonly by: string;
};

/** Somebody opens a pull request from a fork, or pushes to it. */
export async function tellOfForkRequest(
  hook: LabWebhook & { readonly host: "github" | "gitlab" },
  one: LabForkRequest,
) {
  const url = `https://${hook.host}.lab.invalid/${one.into}/${hook.host === "gitlab" ? "-/merge_requests" : "pull"}/${one.number}`;
  await post(hook, hook.host === "github" ? githubRequest(one, url) : gitlabRequest(one, url));
}

function githubRequest({ number, into, fork, branch, commit, before, by }: LabForkRequest, url: string): Request {
  const opened = before === undefined;
  return {
    headers: { "x-github-event": "pull_request", "x-github-delivery": randomUUID() },
    body: {
      ...{ action: opened ? "opened" : "synchronize", number, sender: { login: by } },
      ...(opened ? {} : { before, after: commit }),
      repository: { full_name: into },
      pull_request: {
        ...{ number, title: "Mend it", html_url: url, merged: false, user: { login: by } },
        head: { ref: branch, sha: commit, repo: { full_name: fork, fork: true } },
        base: { ref: "main", repo: { full_name: into } },
      },
    },
  };
}

function gitlabRequest({ number, into, fork, branch, commit, before, by }: LabForkRequest, url: string): Request {
  const action = before === undefined ? { action: "open" } : { action: "update", oldrev: before };
  return {
    headers: { "x-gitlab-event": "Merge Request Hook", "idempotency-key": randomUUID() },
    body: {
      ...{ object_kind: "merge_request", user: { username: by }, project: { path_with_namespace: into } },
      object_attributes: {
        ...{ iid: number, title: "Mend it", source_branch: branch, target_branch: "main", url, ...action },
        ...{ last_commit: { id: commit }, source: { path_with_namespace: fork } },
      },
    },
  };
}

function hub({ repository, by }: Push, change: Change): object {
  const commits = change.commits.map(hubCommit).toReversed();
  return {
    ...{ ref: change.ref, before: change.before ?? ZERO, after: change.after ?? ZERO, commits },
    ...{ created: change.before === undefined, deleted: change.after === undefined, forced: false },
    head_commit: commits.at(-1) ?? null,
    repository: { name: repository.name, full_name: `${repository.owner}/${repository.name}` },
    ...{ pusher: { name: by }, sender: { login: by } },
  };
}

function hubCommit({ id, message, author, email, paths, atMs }: Change["commits"][number]) {
  const timestamp = new Date(atMs).toISOString();
  return { id, message, timestamp, author: { name: author, email }, added: [], removed: [], modified: paths };
}

function gitlab({ repository, by }: Push, change: Change): object {
  const kind = change.ref.startsWith("refs/tags/") ? "tag_push" : "push";
  return {
    ...{
      object_kind: kind,
      event_name: kind,
      ref: change.ref,
      before: change.before ?? ZERO,
      after: change.after ?? ZERO,
    },
    ...{ checkout_sha: change.after ?? null, user_username: by },
    project: { name: repository.name, path_with_namespace: `${repository.owner}/${repository.name}` },
    commits: change.commits.map(hubCommit).toReversed(),
    total_commits_count: change.commits.length,
  };
}

function dataCenter({ repository, by, changes }: Push): object {
  const person = ({ author, email }: LabCommit) => ({ name: author, displayName: author, emailAddress: email });
  const [newest] = changes.flatMap(({ commits }) => commits);
  return {
    ...{ eventKey: "repo:refs_changed", date: new Date().toISOString(), actor: { name: by, displayName: by } },
    repository: { slug: repository.name, name: repository.name, project: { key: repository.owner } },
    changes: changes.map(({ ref, before, after }) => ({
      ...{ ref: { id: ref, displayId: ref.replace(/^refs\/\w+\//, "") }, refId: ref },
      ...{ fromHash: before ?? ZERO, toHash: after ?? ZERO },
      type: before === undefined ? "ADD" : after === undefined ? "DELETE" : "UPDATE",
    })),
    ...(newest ? { toCommit: { id: newest.id, message: newest.message, author: person(newest) } } : {}),
  };
}

function cloud({ repository, by, changes }: Push): object {
  const side = (ref: string, hash: string | undefined, commit: LabCommit | undefined) =>
    hash === undefined
      ? null
      : {
          type: ref.startsWith("refs/tags/") ? "tag" : "branch",
          name: ref.replace(/^refs\/\w+\//, ""),
          target: {
            ...{ hash, message: commit?.message ?? "" },
            ...(commit ? { author: { raw: `${commit.author} <${commit.email}>` } } : {}),
          },
        };
  return {
    push: {
      changes: changes.map(({ ref, before, after, commits }) => ({
        ...{ old: side(ref, before, undefined), new: side(ref, after, commits[0]), forced: false, truncated: false },
      })),
    },
    repository: { name: repository.name, full_name: `${repository.owner}/${repository.name}` },
    actor: { nickname: by, display_name: by },
  };
}

function signatureOf({ host, secret }: LabWebhook, body: string): Record<string, string> {
  const hex = createHmac("sha256", secret).update(body).digest("hex");
  switch (host) {
    case "gitlab":
      return { "x-gitlab-token": secret };
    case "gitea":
      return { "x-gitea-signature": hex };
    case "github":
      return { "x-hub-signature-256": `sha256=${hex}` };
    case "gitee": {
      const time = String(Date.now());
      const token = createHmac("sha256", secret).update(`${time}\n${secret}`).digest("base64");
      return { "x-gitee-token": token, "x-gitee-timestamp": time };
    }
    case "bitbucket-dc":
    case "bitbucket-cloud":
      return { "x-hub-signature": `sha256=${hex}` };
  }
}

async function post(hook: LabWebhook, { headers, body }: Request): Promise<void> {
  const text = JSON.stringify(body);
  const signed = { "content-type": "application/json", ...headers, ...signatureOf(hook, text) };
  const answer = await fetch(hook.url, {
    method: "POST",
    body: text,
    headers: signed,
    signal: AbortSignal.timeout(10_000),
  });
  await answer.arrayBuffer();
}
