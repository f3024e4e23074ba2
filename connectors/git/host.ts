// What Gantry needs of a git host, whoever makes it. Each host implements this in its own client.ts, and host.suite.ts is
// run against each.

import type { GitSystem } from "@gantry/core/site/systems.ts";
import type { Answer } from "../examine.ts";

/** A repository at its host. `slug` is the host's own spelling, which may differ from the one that was asked for. */
export type HostRepository = {
  /**
   * Data Center: project key. Cloud: `workspace` or `workspace/PROJECT`. GitLab: the path of the group, `group/subgroup`.
   * GitHub, Gitea, Gitee: owner. As the caller wrote it.
   */
  readonly project: string;
  readonly slug: string;
  readonly description: string;
  readonly defaultBranch: string | undefined;
  /** False while the host is still preparing it; git does not work until then. */
  readonly ready: boolean;
};

export type NewRepository = {
  readonly project: string;
  readonly slug: string;
  /** Holds the marker of the app that Gantry created it for, see `markerOf`. */
  readonly description: string;
  readonly private: boolean;
  readonly defaultBranch: string;
};

export type PullRequest = {
  readonly id: number;
  readonly url: string;
  readonly title: string;
  /** Names of branches, without `refs/heads/`. */
  readonly from: string;
  readonly to: string;
  /** Its branch is in another repository, where other people choose the names of branches. */
  readonly isFromFork: boolean;
  readonly state: "open" | "merged" | "closed";
  /** Newest commit of its branch, perhaps shortened; undefined when the branch is gone. */
  readonly head: string | undefined;
  /** What merging put on the branch, perhaps shortened; undefined before. */
  readonly mergeCommit: string | undefined;
};

/** What a CI system or another check says about a commit. */
export type CommitCheck = {
  readonly name: string;
  readonly state: "running" | "passed" | "failed";
  readonly url: string | undefined;
};

/**
 * `blocked`: the rules of the repository are not met yet, for example an approval is missing; asked again, the host may merge.
 * `conflict`: both branches changed the same lines, or the branch is another one than the caller saw.
 */
export type MergeAnswer =
  | { readonly kind: "merged"; readonly pullRequest: PullRequest }
  | { readonly kind: "blocked" | "conflict"; readonly reason: string };

export type NewPullRequest = Pick<PullRequest, "title" | "from" | "to"> & { readonly description: string };

/** What people see beside a commit. The newest status of a name counts. */
export type CommitStatus = {
  /** `running` is shown as pending where the host has no word for it, and `canceled` as an error. */
  readonly state: "running" | "succeeded" | "failed" | "canceled";
  /** What it is about; the same in every run: `gantry/ci/orders`. At most 255 characters. */
  readonly name: string;
  /** For people, at most 140 characters. */
  readonly description: string;
  /** Where people read more: http or https, at most 255 characters. */
  readonly url: string;
};

/**
 * One git host, seen with one account. Calls may run concurrently. Errors: `credential-refused`, `system-forbidden`,
 * `system-refused`, `system-strange`, and `system-unavailable`, which carries `retryAfterMs` among its details when the
 * host asked for a pause.
 */
export type GitHost = {
  /**
   * Makes a repository. `undefined` when the host says that one of this name exists, also when this account cannot see
   * it. Not atomic everywhere: after a crash the repository may exist without its description.
   */
  readonly createRepository: (repository: NewRepository) => Promise<HostRepository | undefined>;
  /**
   * Where addresses do not have the whole project: throws `system-refused` if the repository is in another project than
   * `project` says. What an app may have is decided by that name. All other calls do the same.
   */
  readonly requireProject?: (project: string, slug: string) => Promise<void>;
  /** `undefined` when there is none, or none that this account can see. */
  readonly getRepository: (project: string, slug: string) => Promise<HostRepository | undefined>;
  /** Slugs of the repositories of a project that this account can see, at most 100. */
  readonly listRepositories: (project: string) => Promise<readonly string[]>;
  readonly describeRepository: (project: string, slug: string, description: string) => Promise<void>;
  /** Whether it has any commit. */
  readonly isEmpty: (project: string, slug: string) => Promise<boolean>;
  /** Deletes it with all its content. Succeeds when there is none. */
  readonly deleteRepository: (project: string, slug: string) => Promise<void>;
  /** The open ones into this branch, at most 100, the newest first. */
  readonly listPullRequests: (project: string, slug: string, to: string) => Promise<readonly PullRequest[]>;
  readonly openPullRequest: (project: string, slug: string, pullRequest: NewPullRequest) => Promise<PullRequest>;
  readonly getPullRequest: (project: string, slug: string, id: number) => Promise<PullRequest>;
  /** Closes an open one without merging it. One that is not open stays as it is. */
  readonly closePullRequest: (project: string, slug: string, id: number) => Promise<void>;
  /** Newest results of the checks of its newest commit, at most 100. Empty also before the first check has reported. */
  readonly listChecks: (project: string, slug: string, pullRequest: PullRequest) => Promise<readonly CommitCheck[]>;
  /**
   * Merges an open one if the rules of the repository allow it. Refused as a conflict if its head has moved since `pullRequest`
   * was read, where the host can compare it (not on Bitbucket Cloud).
   */
  readonly mergePullRequest: (project: string, slug: string, pullRequest: PullRequest) => Promise<MergeAnswer>;
  /** Setting the same status again is fine. Throws `system-refused` if there is no such commit. */
  readonly setCommitStatus: (project: string, slug: string, commit: string, status: CommitStatus) => Promise<void>;
  /** Never holds a credential. */
  readonly cloneUrl: (project: string, slug: string) => string;
  readonly repositoryUrl: (project: string, slug: string) => string;
  readonly commitUrl: (project: string, slug: string, commit: string) => string;
  /** The page of a line of a file, with `{path}` and `{line}` in the place of both. What is from `#` on is of the line. */
  readonly fileUrl: (project: string, slug: string, commit: string) => string;
  /** Value of the Authorization header for git over HTTP. */
  readonly gitAuthorization: () => string;
};

/** What a client needs to call its host. */
export type HostAccess = {
  readonly system: GitSystem;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
};

/** What only the host's own API says about the rights of the account: see check.ts of its folder. */
export type HostCheck = {
  /** `project`: one in which apps may have repositories, if the configuration names one. */
  readonly login: (project: string | undefined) => Promise<Answer>;
  readonly mayCreate: (project: string) => Promise<Answer>;
};

/** Text in a repository's description: the app that Gantry created it for, or the task if there is no app. */
export function markerOf(task: { readonly id: string; readonly app: string | undefined }): string {
  return task.app === undefined ? `gantry:task=${task.id}` : `gantry:app=${task.app}`;
}

/** Whether the marker is one whole word of the description: `gantry:app=shop` is not in `gantry:app=shop-2`. */
export function carriesMarker(description: string, marker: string): boolean {
  return description.split(/[\s()]+/).includes(marker);
}

/** Encodes parts of an address. Refuses parts that would change the path around them. */
export function pathOf(...parts: readonly string[]): string {
  return parts.map((part) => encodeURIComponent(part).replace(/^\.{1,2}$/, "%2E")).join("/");
}

/** Some hosts repeat the token in their error texts. */
export function withoutToken(text: string, { token }: GitSystem): string {
  return token.length < 4 ? text : text.replaceAll(token, "***");
}
