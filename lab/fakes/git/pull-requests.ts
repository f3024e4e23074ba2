// Pull requests of the git hosts of the lab: their state, the checks of their commits, protected branches, and merging with
// git itself.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { GitStore } from "./git-store.ts";

export type LabPullRequest = {
  id: number;
  /** Of the repository. */
  repository: number;
  title: string;
  description: string;
  from: string;
  to: string;
  state: "open" | "merged" | "closed";
  mergeCommit: string | undefined;
  version: number;
  approvals?: number;
  /** It comes from this other repository, whose branch is at this commit. */
  fork?: { readonly repository: number; readonly head: string };
  /** A merge was tried and failed. */
  conflicts?: boolean;
};
export type LabCheck = {
  repository: number;
  commit: string;
  name: string;
  state: "running" | "passed" | "failed";
  url: string;
};
/** Nobody may push to the branch, and a pull request into it needs this many approvals. */
export type LabRule = { repository: number; branch: string; approvals: number };
export type PullRequestState = { pullRequests?: LabPullRequest[]; checks?: LabCheck[]; rules?: LabRule[] };
type FakeHost = { readonly state: PullRequestState; readonly save: () => void; readonly store: GitStore };
type NewPullRequest = Pick<LabPullRequest, "title" | "description" | "from" | "to">;

export function pullRequestsOf({ state }: FakeHost, repository: number): readonly LabPullRequest[] {
  return (state.pullRequests ?? []).filter((one) => one.repository === repository);
}

/** Undefined where there is no such branch, or one of the same branches is open. */
export async function addPullRequest(
  fake: FakeHost,
  repository: number,
  fields: NewPullRequest,
): Promise<LabPullRequest | "no-branch" | "duplicate"> {
  const own = pullRequestsOf(fake, repository);
  if (own.some((one) => one.state === "open" && !one.fork && one.from === fields.from && one.to === fields.to))
    return "duplicate";
  const branches = (await fake.store.branches(String(repository))).map(({ name }) => name);
  if (!branches.includes(fields.from) || !branches.includes(fields.to)) return "no-branch";
  return keep(fake, repository, fields);
}

function keep(
  fake: FakeHost,
  repository: number,
  fields: NewPullRequest & Pick<LabPullRequest, "fork">,
): LabPullRequest {
  const id = pullRequestsOf(fake, repository).length + 1;
  const made: LabPullRequest = { id, repository, ...fields, state: "open", mergeCommit: undefined, version: 0 };
  fake.state.pullRequests = [...(fake.state.pullRequests ?? []), made];
  fake.save();
  return made;
}

/** The repository that a pull request comes from. */
export function sourceOf({ repository, fork }: LabPullRequest): number {
  return fork?.repository ?? repository;
}

export function closePullRequest(fake: FakeHost, one: LabPullRequest): void {
  one.state = "closed";
  one.version += 1;
  fake.save();
}

/** The newest commit of its branch. */
export async function headOf(
  { store }: FakeHost,
  { repository, from, fork }: LabPullRequest,
): Promise<string | undefined> {
  if (fork) return fork.head;
  return (await store.branches(String(repository))).find(({ name }) => name === from)?.commit;
}

export function reportCheck(fake: FakeHost, check: LabCheck): void {
  const others = (fake.state.checks ?? []).filter(
    (one) => one.repository !== check.repository || one.commit !== check.commit || one.name !== check.name,
  );
  fake.state.checks = [...others, check];
  fake.save();
}

export function checksOf({ state }: FakeHost, repository: number, commit: string | undefined): readonly LabCheck[] {
  return (state.checks ?? []).filter((one) => one.repository === repository && one.commit === commit);
}

/** `words`: what the host says to a push, with $branch. */
export async function protectBranch(fake: FakeHost, rule: LabRule, words: string): Promise<void> {
  fake.state.rules = [...(fake.state.rules ?? []), rule];
  fake.save();
  const hooks = join(fake.store.folderOf(String(rule.repository)), "hooks");
  await mkdir(hooks, { recursive: true });
  const script = [
    "#!/bin/sh",
    "while read -r old new ref; do",
    `  branch=\${ref#refs/heads/}`,
    `  if [ "$branch" = '${rule.branch}' ]; then echo "${words}" >&2; exit 1; fi`,
    "done",
    "",
  ];
  await writeFile(join(hooks, "pre-receive"), script.join("\n"), { mode: 0o755 });
}

export function approvePullRequest(fake: FakeHost, repository: number, id: number): void {
  const one = pullRequestsOf(fake, repository).find((each) => each.id === id);
  if (one) one.approvals = (one.approvals ?? 0) + 1;
  fake.save();
}

/** Merges over the API: the rules of the branch count. `approvals`: how many are missing. */
export async function mergeByRules(
  fake: FakeHost,
  one: LabPullRequest,
): Promise<"merged" | "conflict" | { readonly approvals: number }> {
  const rule = (fake.state.rules ?? []).find((each) => each.repository === one.repository && each.branch === one.to);
  const approvals = (rule?.approvals ?? 0) - (one.approvals ?? 0);
  if (approvals > 0) return { approvals };
  return mergePullRequest(fake, one.repository, one.id).then(
    () => "merged",
    () => {
      one.conflicts = true;
      fake.save();
      return "conflict";
    },
  );
}

/** Merges as a person would on the web page. Throws when there is none, or git cannot merge it. */
export async function mergePullRequest(fake: FakeHost, repository: number, id: number): Promise<string> {
  const one = pullRequestsOf(fake, repository).find((each) => each.id === id && each.state === "open");
  if (!one) throw new Error(`there is no open pull request ${id}`);
  one.mergeCommit = await fake.store.merge(String(repository), one.from, one.to, `Merge ${one.from}`);
  one.state = "merged";
  one.version += 1;
  fake.save();
  return one.mergeCommit;
}

/** Of one host; all name a repository by its project and slug. */
export type PullRequestActions = {
  readonly protect: (project: string, slug: string, branch: string, approvals: number) => Promise<void>;
  readonly approve: (project: string, slug: string, id: number) => void;
  /** Somebody changes the branch into which it is to be merged. */
  readonly redirect: (project: string, slug: string, id: number, to: string) => void;
  /** Somebody opens one from a branch of a fork. Its number. */
  readonly openFromFork: (project: string, slug: string, branches: Pick<LabPullRequest, "from" | "to">) => number;
  /** Reports a check of the newest commit of a pull request. */
  readonly check: (project: string, slug: string, id: number, check: Pick<LabCheck, "name" | "state">) => Promise<void>;
};

export function pullRequestActions(
  fake: FakeHost,
  idOf: (project: string, slug: string) => number,
  words: string,
): PullRequestActions {
  return {
    protect: (project, slug, branch, approvals) =>
      protectBranch(fake, { repository: idOf(project, slug), branch, approvals }, words),
    approve: (project, slug, id) => approvePullRequest(fake, idOf(project, slug), id),
    redirect: (project, slug, id, to) => {
      const one = pullRequestsOf(fake, idOf(project, slug)).find((each) => each.id === id);
      if (!one) throw new Error(`there is no pull request ${id}`);
      one.to = to;
      one.version += 1;
      fake.save();
    },
    openFromFork: (project, slug, branches) => {
      const fork = { repository: 1_000_000, head: "f".repeat(40) };
      return keep(fake, idOf(project, slug), { title: "From a fork", description: "", ...branches, fork }).id;
    },
    check: async (project, slug, id, check) => {
      const one = pullRequestsOf(fake, idOf(project, slug)).find((each) => each.id === id);
      const commit = one && (await headOf(fake, one));
      if (!one || commit === undefined) throw new Error(`there is no pull request ${id} with a branch`);
      reportCheck(fake, { repository: one.repository, commit, url: `https://ci.lab.invalid/${check.name}`, ...check });
    },
  };
}
