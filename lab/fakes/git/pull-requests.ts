// Pull requests of the git hosts of the lab: their state, and merging with git itself.

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
};
export type PullRequestState = { pullRequests?: LabPullRequest[] };
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
  if (own.some((one) => one.state === "open" && one.from === fields.from && one.to === fields.to)) return "duplicate";
  const branches = (await fake.store.branches(String(repository))).map(({ name }) => name);
  if (!branches.includes(fields.from) || !branches.includes(fields.to)) return "no-branch";
  const fresh = {
    id: own.length + 1,
    repository,
    ...fields,
    state: "open",
    mergeCommit: undefined,
    version: 0,
  } as const;
  const made: LabPullRequest = { ...fresh };
  fake.state.pullRequests = [...(fake.state.pullRequests ?? []), made];
  fake.save();
  return made;
}

export function closePullRequest(fake: FakeHost, one: LabPullRequest): void {
  one.state = "closed";
  one.version += 1;
  fake.save();
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
