// The git hosts of the lab, each with a site's connection to it, for tests.

import type { GitSystem } from "@gantry/core/site/systems.ts";
import type { FakeServer } from "../../lab/fakes/fake-server.ts";
import type { GitAccount } from "../../lab/fakes/git/git-server.ts";
import type { GitStore } from "../../lab/fakes/git/git-store.ts";
import type { OwnedHost } from "../../lab/fakes/git/owned-repositories.ts";
import type { PullRequestActions } from "../../lab/fakes/git/pull-requests.ts";
import type { LabStatus } from "../../lab/fakes/git/statuses.ts";
import type { LabWebhook } from "../../lab/fakes/git/webhooks.ts";

export type LabHost = {
  readonly server: FakeServer;
  readonly store: GitStore;
  /** A project of this host in which Gantry may make repositories. */
  readonly project: string;
  readonly system: GitSystem;
  /** Merges as a person would on the web page; returns the commit. */
  readonly merge: (slug: string, id: number) => Promise<string>;
  readonly seed: (slug: string, folder: string) => Promise<void>;
  /** The project as the fake names it. */
  readonly owner: string;
  readonly pullRequests: PullRequestActions;
  readonly sendWebhooks: (hook: LabWebhook) => void;
  readonly statusesOf: (slug: string, commit: string) => readonly LabStatus[];
};

export const ACCOUNTS: readonly GitAccount[] = [
  { user: "gantry", token: "lab-admin-token", rights: "admin" },
  { user: "reader", token: "lab-reader-token", rights: "read" },
];

type Provider = GitSystem["provider"];

/** Starts one host with its data below `dir`. The same `dir` and `port` start it again after a kill. */
export async function startLabHost(provider: Provider, dir: string, port = 0): Promise<LabHost> {
  const options = { name: provider, dir, port, accounts: ACCOUNTS };
  const common = { kind: "git", name: "bitbucket", provider, standIn: true, token: "lab-admin-token" } as const;
  const owned = (organisation: string) => ({ ...options, organisations: [organisation] });
  const ownedBy = (project: string, host: OwnedHost): LabHost => ({
    server: host,
    store: host.store,
    project,
    owner: project,
    pullRequests: host.pullRequests,
    sendWebhooks: host.sendWebhooks,
    system: { ...common, url: host.url },
    seed: (slug, folder) => host.seedRepository(project, slug, folder),
    merge: (slug, id) => host.mergePullRequest(project, slug, id),
    statusesOf: (slug, commit) => host.statusesOf(project, slug, commit),
  });
  switch (provider) {
    case "bitbucket-dc": {
      const { startBitbucketDc } = await import("../../lab/fakes/git/bitbucket-dc.ts");
      const host = await startBitbucketDc({ ...options, projects: [{ key: "APPS", name: "Apps" }] });
      const seed = (slug: string, folder: string) => host.seedRepository("APPS", slug, folder);
      const merge = (slug: string, id: number) => host.mergePullRequest("APPS", slug, id);
      const statusesOf = (slug: string, commit: string) => host.statusesOf("APPS", slug, commit);
      const system = { ...common, url: host.url };
      const { store, pullRequests, sendWebhooks } = host;
      const parts = { store, system, seed, merge, pullRequests, sendWebhooks, statusesOf };
      return { server: host, owner: "APPS", project: "APPS", ...parts };
    }
    case "bitbucket-cloud": {
      const { startBitbucketCloud } = await import("../../lab/fakes/git/bitbucket-cloud.ts");
      const host = await startBitbucketCloud({ ...options, workspaces: ["acme"] });
      const seed = (slug: string, folder: string) => host.seedRepository("acme", slug, folder);
      const system = { ...common, url: host.url, username: "gantry" };
      const merge = (slug: string, id: number) => host.mergePullRequest("acme", slug, id);
      const statusesOf = (slug: string, commit: string) => host.statusesOf("acme", slug, commit);
      const { store, pullRequests, sendWebhooks } = host;
      const parts = { store, system, seed, merge, pullRequests, sendWebhooks, statusesOf };
      return { server: host, owner: "acme", project: "acme/APPS", ...parts };
    }
    case "github":
      return ownedBy("acme", await (await import("../../lab/fakes/git/github.ts")).startGithub(owned("acme")));
    case "gitea":
      return ownedBy("acme", await (await import("../../lab/fakes/git/gitea.ts")).startGitea(owned("acme")));
    case "gitlab":
      return ownedBy(
        "acme/shop",
        await (await import("../../lab/fakes/git/gitlab.ts")).startGitlab(owned("acme/shop")),
      );
    case "gitee":
      return ownedBy("acme", await (await import("../../lab/fakes/git/gitee.ts")).startGitee(owned("acme")));
  }
}
