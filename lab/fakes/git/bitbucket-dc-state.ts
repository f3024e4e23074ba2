// The state of the fake Bitbucket Data Center, its views, and its errors.

import type Koa from "koa";
import { z } from "zod";
import { Answer, type FakeServerOptions, originOf } from "../fake-server.ts";
import type { Asked } from "./git-pages.ts";
import { accountOf, type FakeGit, type GitAccount } from "./git-server.ts";
import type { PullRequestState } from "./pull-requests.ts";
import type { StatusState } from "./statuses.ts";

export type BitbucketDcOptions = FakeServerOptions & {
  readonly accounts: readonly GitAccount[];
  readonly projects: readonly { readonly key: string; readonly name: string }[];
};

export type Project = { id: number; key: string; name: string; description: string };
export type Repository = {
  id: number;
  project: string;
  slug: string;
  name: string;
  description: string;
  public: boolean;
  defaultBranch: string;
  /** Reads that still see INITIALISING. */
  initialisingFor: number;
};
export type State = PullRequestState &
  StatusState & { nextId: number; projects: Project[]; repositories: Repository[] };
export type FakeBitbucketDc = FakeGit<BitbucketDcOptions, State>;

export function findProject(fake: FakeBitbucketDc, key: string): Project | undefined {
  return fake.state.projects.find((one) => one.key === key.toUpperCase());
}

export function needProject(fake: FakeBitbucketDc, key: string): Project {
  const found = findProject(fake, key);
  if (!found) throw complaint(404, "NoSuchProjectException", `Project ${key} does not exist.`);
  return found;
}

/** Names in addresses are found whatever their case. */
export function findRepository(fake: FakeBitbucketDc, key: string, slug: string): Repository | undefined {
  return fake.state.repositories.find((one) => one.project === key.toUpperCase() && one.slug === slug.toLowerCase());
}

export function needRepository(ctx: Asked, fake: FakeBitbucketDc): Repository {
  const { key = "", slug = "" } = ctx.params;
  needProject(fake, key);
  const found = findRepository(fake, key, slug);
  if (!found) throw complaint(404, "NoSuchRepositoryException", `Repository ${key}/${slug} does not exist.`);
  return found;
}

export function addProject(fake: FakeBitbucketDc, key: string, name: string, description: string): Project {
  const found = findProject(fake, key);
  if (found) return found;
  const project = { id: fake.state.nextId++, key: key.toUpperCase(), name, description };
  fake.state.projects.push(project);
  fake.save();
  return project;
}

export function addRepository(fake: FakeBitbucketDc, key: string, name: string, more: Partial<Repository>): Repository {
  const id = fake.state.nextId++;
  const repository: Repository = {
    id,
    project: needProject(fake, key).key,
    slug: slugOf(name),
    name,
    description: "",
    public: false,
    defaultBranch: "main",
    initialisingFor: 1,
    ...more,
  };
  fake.state.repositories.push(repository);
  fake.save();
  return repository;
}

export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, "-")
    .replace(/^[-.]+/, "");
}

export function toProject({ id, key, name, description }: Project) {
  return { id, key, name, description, public: false, type: "NORMAL" };
}

export function toRepository(ctx: Koa.Context, fake: FakeBitbucketDc, one: Repository) {
  const base = `${originOf(ctx)}/projects/${one.project}/repos/${one.slug}/browse`;
  const clone = `${originOf(ctx)}/scm/${one.project.toLowerCase()}/${one.slug}.git`;
  return {
    id: one.id,
    slug: one.slug,
    name: one.name,
    ...(one.description === "" ? {} : { description: one.description }),
    scmId: "git",
    state: one.initialisingFor > 0 ? "INITIALISING" : "AVAILABLE",
    statusMessage: one.initialisingFor > 0 ? "Initialising" : "Available",
    defaultBranch: one.defaultBranch,
    forkable: true,
    archived: false,
    public: one.public,
    project: toProject(needProject(fake, one.project)),
    links: { clone: [{ href: clone, name: "http" }], self: [{ href: base }] },
  };
}

/** A page as this API makes them: the next one begins at `nextPageStart`, which need not be start + limit. */
export function pageOf<T>(ctx: Koa.Context, all: readonly T[]) {
  const start = Number(ctx.query.start ?? 0);
  const limit = Math.min(Number(ctx.query.limit ?? 25), 1_000);
  const values = all.slice(start, start + limit);
  const isLastPage = start + limit >= all.length;
  return {
    values,
    size: values.length,
    limit,
    start,
    isLastPage,
    ...(isLastPage ? {} : { nextPageStart: start + limit }),
  };
}

export function demand(ctx: Koa.Context, fake: FakeBitbucketDc, rights: GitAccount["rights"]): void {
  if (accountOf(ctx, fake.options.accounts)?.rights === rights) return;
  // Also 401: only the exception distinguishes this from a wrong password.
  throw complaint(401, "AuthorisationException", "You are not permitted to access this resource");
}

export function parse<T>(schema: z.core.$ZodType<T>, body: unknown): T {
  const checked = z.safeParse(schema, body);
  if (checked.success) return checked.data;
  throw complaint(400, "IllegalArgumentException", checked.error.issues.map((issue) => issue.message).join("; "));
}

export function complaint(status: number, exception: string, message: string, context: string | null = null): Answer {
  return new Answer(status, { errors: [{ context, message, exceptionName: `com.atlassian.bitbucket.${exception}` }] });
}
