// The rights that Gantry's accounts need in outside systems, as data. The checks of the connectors test exactly these (the
// types see to it), and docs/rights-of-systems.md shows them as tables: run `node lab/rights-of-systems.ts` after a change.

import type { GitProvider } from "@gantry/core/site/git-providers.ts";
import type { SystemKind } from "@gantry/core/site/systems.ts";

export type Right = {
  /** Completes "The account …". */
  readonly may: string;
  /** What does not work without it. */
  readonly for: string;
  /** How an administrator of the system gives it. Also what `gantry doctor` says when it is missing. */
  readonly how: string | HowByHost;
  /** How the check finds out, without changing anything. */
  readonly tested: string;
};

/** Where the git hosts differ. */
export type HowByHost = { readonly [P in GitProvider]: string };

/** What every system needs before any right counts, in the order in which it is tested. */
export const ACCESS = {
  reach: {
    may: "reaches the address",
    for: "everything",
    how: "Check `url:` in the configuration of the runner, the name server, and the firewall between the runner and the system.",
    tested: "one request",
  },
  tls: {
    may: "trusts the certificate",
    for: "everything",
    how: "Write the authority's certificate as a PEM file and name it in `ca:` of the system.",
    tested: "the same request",
  },
  login: {
    may: "signs in",
    for: "everything",
    how: "Put a valid token or password into the secret that the system names in the configuration of the runner.",
    tested: "a request that needs an account",
  },
} as const satisfies Record<string, Right>;

export const RIGHTS = {
  git: {
    create: {
      may: "may create repositories in the projects of apps",
      for: "create-app; in the project of the templates also `gantry templates push`",
      how: {
        "bitbucket-dc": "Project permission Admin.",
        "bitbucket-cloud": "Scopes `repository:write` and `repository:admin`.",
        github: "Scope `repo`, or the permission Administration of a fine-grained token.",
        gitea:
          "The right to create repositories in the organisation; a token with `write:organization`, `write:repository` and `read:user`.",
        gitlab: "Role Developer in the group, or Maintainer where the group asks for it; a token with the scope `api`.",
        gitee: "Administrator of the organisation; a token with `user_info`, `projects`, `pull_requests` and `groups`.",
      },
      tested: "the projects with this permission, the role in the organisation or group, or the scopes of the token",
    },
    clone: {
      may: "may clone the repositories of apps",
      for: "CI, CD",
      how: "Give the account read access to the project or repository.",
      tested: "the first request of a clone, for every app's repository",
    },
    push: {
      may: "may push to the repositories of apps",
      for: "CD, which commits to the yaml repository",
      how: "Give the account write access to the project or repository. Branch protection is another matter: see `push: pull-request` in docs/apps.md.",
      tested: "the first request of a push, for every app's yaml repository",
    },
    status: {
      may: "may set statuses of commits",
      for: "the status that CI and CD show beside the commit; without it they log a warning and go on",
      how: {
        "bitbucket-dc": "Read access to the repository of the source.",
        "bitbucket-cloud": "Write access; scope `repository:write`.",
        github: "Write access; scope `repo:status`, or the permission Commit statuses of a fine-grained token.",
        gitea: "Write access; a token with `write:repository`.",
        gitlab: "Role Developer; a token with the scope `api`.",
        gitee: "Administration of the repository.",
      },
      tested:
        "the access to every app's repository, by the first request of a push (Bitbucket Data Center: of a clone); not the scopes of the token",
    },
  },
  harbor: {
    project: {
      may: "sees the projects of apps, or may create them",
      for: "CI",
      how: "Create the project and make the account a member of it, or let it create projects (system robot with `project: create`, or a user where everyone may).",
      tested: "each project; where one is missing, who may create projects",
    },
    pull: {
      may: "may read the images of apps",
      for: "CD; it is all that a registry of another site needs, from which images are copied",
      how: "Project role Limited Guest, or a robot account with `repository: pull`.",
      tested: "the tags of every app's image",
    },
    push: {
      may: "may push images",
      for: "CI",
      how: "Project role Developer, or a robot account with `repository: push, pull`.",
      tested: "an upload that is opened and canceled",
    },
    scan: {
      may: "may start scans and read their results",
      for: "the scan in CI",
      how: "Project role Maintainer, or a robot account with `scan: create` and `artifact: read`.",
      tested: "the account's permissions in the project; a robot account cannot ask for its own",
    },
  },
  registry: {
    pull: {
      may: "may read the images of apps",
      for: "CD; it is all that a registry of another site needs, from which images are copied",
      how: "Let the account pull from the repositories of apps.",
      tested: "the tags of every app's image",
    },
    push: {
      may: "may push images",
      for: "CI",
      how: "Let the account push to the repositories of apps.",
      tested: "an upload that is opened and canceled, for every app's image",
    },
  },
  nexus: {
    download: {
      may: "may read the repositories that builds download from",
      for: "CI",
      how: "A role with `nx-repository-view-FORMAT-NAME-browse` and `-read`. The names stand in `repositories:` of the system.",
      tested: "each of the configured repositories",
    },
  },
  sonarqube: {
    analyse: {
      may: "may execute analyses",
      for: "CI",
      how: "Administration, Security, Global Permissions: Execute Analysis.",
      tested: "the global permissions of the account",
    },
    create: {
      may: "may create projects",
      for: "the first CI of an app",
      how: "Administration, Security, Global Permissions: Create Projects. Or create the projects of apps yourself.",
      tested: "the global permissions of the account",
    },
    scanner: {
      may: "does not give its token to the sources",
      for: "CI of sources that you do not trust: sonar-scanner runs what they tell it, and they can pass its token on",
      how: "My Account, Security: generate a Global Analysis Token, and name its secret in `scannerToken` of the system.",
      tested: "`scannerToken` in the configuration of the runner",
    },
  },
  argocd: {
    clusters: {
      may: "sees every cluster that a target names",
      for: "CD; a misspelled cluster is refused before the commit",
      how: "`p, role:gantry, clusters, get, *, allow`, and in the targets the names that `argocd cluster list` shows.",
      tested: "the names of the clusters, compared with the targets of apps",
    },
    projects: {
      may: "may create and update projects",
      for: "the first CD of an app",
      how: "`p, role:gantry, projects, create, PROJECT, allow`, the same for `update` and `get`. Or create the projects yourself.",
      tested: "Argo CD's own answer to `can-i`",
    },
    repositories: {
      may: "may register repositories",
      for: "the first CD of an app",
      how: "`p, role:gantry, repositories, create, *, allow`, the same for `update` and `get`. Or register the repositories yourself.",
      tested: "Argo CD's own answer to `can-i`",
    },
    git: {
      may: "reads the yaml repositories as somebody who may not push",
      for: "CD; Argo CD never gets the account with which Gantry pushes",
      how: "Make an account at the git host that may only read the yaml repositories, and name it in `git:` of the system (docs/runner.md). Or register the repositories, or a credential template, in Argo CD.",
      tested:
        "what Argo CD has registered; with the account of `git:`, the first request of a clone and of a push, which must be refused",
    },
    applications: {
      may: "may create, update and read applications",
      for: "CD",
      how: "`p, role:gantry, applications, create, PROJECT/*, allow`, the same for `update` and `get`.",
      tested: "Argo CD's own answer to `can-i`",
    },
    sync: {
      may: "may sync applications",
      for: "CD",
      how: "`p, role:gantry, applications, sync, PROJECT/*, allow`, the same for `override`.",
      tested: "Argo CD's own answer to `can-i`",
    },
  },
  jira: {
    create: {
      may: "may create projects",
      for: "create-app",
      how: "Global permission Administer Jira.",
      tested: "the permissions of the account",
    },
    issues: {
      may: "may create, comment and move issues in the projects of apps",
      for: "pipelines that use `jira/create-issue`, `jira/comment`, `jira/transition-issue`",
      how: "Project permissions Create Issues, Add Comments and Transition Issues.",
      tested: "the permissions of the account in each project",
    },
  },
} as const satisfies Record<SystemKind, Record<string, Right>>;

export type RightOf<K extends SystemKind> = keyof (typeof RIGHTS)[K] & string;
