// Statuses that others set on the commits of a fake git host. The newest of each name counts.

import type { GitStore } from "./git-store.ts";

export type LabStatus = {
  /** Of the repository. */
  repository: number;
  commit: string;
  /** What the host calls key, context or name. */
  name: string;
  /** In the words of the host. */
  state: string;
  url: string;
  description: string;
};
export type StatusState = { statuses?: LabStatus[] };
type FakeHost = { readonly state: StatusState; readonly save: () => void; readonly store: GitStore };

/** False if the repository has no such commit. */
export async function addStatus(fake: FakeHost, status: LabStatus): Promise<boolean> {
  if ((await fake.store.commits(String(status.repository), status.commit, 1)).length === 0) return false;
  const others = (fake.state.statuses ?? []).filter((one) => !isSame(one, status));
  fake.state.statuses = [...others, status];
  fake.save();
  return true;
}

export function statusesOf({ state }: FakeHost, repository: number, commit: string): readonly LabStatus[] {
  return (state.statuses ?? []).filter((one) => one.repository === repository && one.commit === commit);
}

function isSame(one: LabStatus, other: LabStatus): boolean {
  return one.repository === other.repository && one.commit === other.commit && one.name === other.name;
}
