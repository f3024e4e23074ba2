// The state of the fakes whose repositories belong to an owner: an organisation, a group, or a person. Names are found
// whatever their case.

import type Koa from "koa";
import { type FakeServer, type FakeServerOptions, originOf } from "../fake-server.ts";
import { type FakeGit, type GitAccount, openFakeGit } from "./git-server.ts";
import type { GitStore } from "./git-store.ts";
import {
  mergePullRequest,
  type PullRequestActions,
  type PullRequestState,
  pullRequestActions,
} from "./pull-requests.ts";
import { type LabStatus, type StatusState, statusesOf } from "./statuses.ts";
import { type LabWebhook, sendWebhooks } from "./webhooks.ts";

export type OwnedOptions = FakeServerOptions & {
  readonly accounts: readonly GitAccount[];
  /** Besides the people, each of whom owns what is in their own name. */
  readonly organisations: readonly string[];
};

export type OwnedHost = FakeServer & {
  readonly seedRepository: (owner: string, name: string, folder: string) => Promise<void>;
  /** Merges as a person would on the web page; returns the commit. */
  readonly mergePullRequest: (owner: string, name: string, id: number) => Promise<string>;
  /** What tests do to pull requests as a person or a CI system would. */
  readonly pullRequests: PullRequestActions;
  readonly statusesOf: (owner: string, name: string, commit: string) => readonly LabStatus[];
  readonly store: GitStore;
  readonly sendWebhooks: (hook: LabWebhook) => void;
};

export type OwnedRepository = {
  id: number;
  owner: string;
  name: string;
  description: string | null;
  private: boolean;
};
type State = PullRequestState & StatusState & { nextId: number; repositories: OwnedRepository[] };
export type FakeOwned = FakeGit<OwnedOptions, State>;

export const BRANCH = "main";

export function openOwned(options: OwnedOptions): FakeOwned {
  return openFakeGit(options, (): State => ({ nextId: 1, repositories: [] }));
}

/** `words`: what git prints when the host refuses a push to a protected branch, with $branch. */
export function ownedHost(fake: FakeOwned, server: FakeServer, words: string): OwnedHost {
  return {
    ...server,
    store: fake.store,
    sendWebhooks: (hook) =>
      sendWebhooks(fake.store, hook, (id) => fake.state.repositories.find((one) => String(one.id) === id)),
    pullRequests: pullRequestActions(fake, (owner, name) => findOwned(fake, owner, name)?.id ?? 0, words),
    mergePullRequest: (owner, name, id) => mergePullRequest(fake, findOwned(fake, owner, name)?.id ?? 0, id),
    statusesOf: (owner, name, commit) => statusesOf(fake, findOwned(fake, owner, name)?.id ?? 0, commit),
    seedRepository: async (owner, name, folder) => {
      const found = findOwned(fake, owner, name) ?? (await addOwned(fake, owner, { name }));
      await fake.store.seed(String(found.id), BRANCH, folder);
    },
  };
}

export function isOrganisation({ options }: FakeOwned, owner: string): boolean {
  return options.organisations.some((one) => one.toLowerCase() === owner.toLowerCase());
}

export function isPerson({ options }: FakeOwned, owner: string): boolean {
  return options.accounts.some((one) => one.user === owner);
}

export function findOwned(fake: FakeOwned, owner: string, name: string): OwnedRepository | undefined {
  const [wantedOwner, wantedName] = [owner.toLowerCase(), name.toLowerCase()];
  return fake.state.repositories.find(
    (one) => one.owner.toLowerCase() === wantedOwner && one.name.toLowerCase() === wantedName,
  );
}

export async function addOwned(
  fake: FakeOwned,
  owner: string,
  fields: { name: string } & Partial<OwnedRepository>,
): Promise<OwnedRepository> {
  const repository = { id: fake.state.nextId++, owner, description: null, private: true, ...fields };
  await fake.store.create(String(repository.id), BRANCH);
  fake.state.repositories.push(repository);
  fake.save();
  return repository;
}

export async function removeOwned(fake: FakeOwned, repository: OwnedRepository): Promise<void> {
  fake.state.repositories = fake.state.repositories.filter((one) => one !== repository);
  fake.save();
  await fake.store.remove(String(repository.id));
}

/** One page of a list. `size`: the name of the query parameter, its default and its maximum. */
export function pageOf<T>(
  ctx: Koa.Context,
  all: readonly T[],
  size: { readonly name: string; readonly default: number; readonly max: number },
): readonly T[] {
  const page = Number(ctx.query.page ?? 1);
  const perPage = Math.min(Number(ctx.query[size.name] ?? size.default), size.max);
  if (page * perPage < all.length) {
    const next = `${originOf(ctx)}${ctx.path}?page=${page + 1}&${size.name}=${perPage}`;
    ctx.set("link", `<${next}>; rel="next"`);
  }
  return all.slice((page - 1) * perPage, page * perPage);
}
