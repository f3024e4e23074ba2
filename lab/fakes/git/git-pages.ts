// What a person sees of a repository at a git host of the lab: its files, its commits, one file, one commit.

import type Router from "@koa/router";
import type Koa from "koa";
import { fakePage } from "../page.ts";
import type { GitStore } from "./git-store.ts";
import type { LabStatus } from "./statuses.ts";

export type Asked = Koa.Context & { params: Record<string, string | undefined> };

type PageOf = {
  readonly system: string;
  readonly title: string;
  readonly store: GitStore;
  readonly id: string;
  readonly branch: string;
  /** Addresses at this host. */
  readonly fileUrl: (path: string) => string;
  readonly commitUrl: (commit: string) => string;
  readonly statusesOf: (commit: string) => readonly LabStatus[];
};

/** `addresses`: as the host has them, with a `path` in `file`, perhaps also a `revision` there, and a `commit` in `commit`. */
export function addRepositoryPages(
  router: Router,
  addresses: { readonly repository: string; readonly file: string; readonly commit: string },
  pageOf: (ctx: Asked) => PageOf,
): void {
  router.get(addresses.repository, (ctx) => showRepository(ctx, pageOf(ctx)));
  router.get(addresses.file, (ctx) => showFile(ctx, pageOf(ctx), ctx.params.path ?? ""));
  router.get(addresses.commit, (ctx) => showCommit(ctx, pageOf(ctx), ctx.params.commit ?? ""));
}

async function showRepository(ctx: Koa.Context, page: PageOf): Promise<void> {
  const commits = await page.store.commits(page.id, page.branch, 50);
  const files = await page.store.files(page.id, page.branch);
  ctx.type = "html";
  ctx.body = fakePage(
    page.system,
    page.title,
    [
      ["Branch", page.branch],
      ["Commits", commits.length === 0 ? "none yet" : String(commits.length)],
      ["Files", String(files.length)],
    ],
    [
      ...commits.map((one) => [`${one.id.slice(0, 12)} ${firstLine(one.message)}`, page.commitUrl(one.id)] as const),
      ...files.map((path) => [path, page.fileUrl(path)] as const),
    ],
  );
}

async function showFile(ctx: Asked, page: PageOf, path: string): Promise<void> {
  const { at = ctx.params.revision ?? page.branch } = ctx.query;
  const content = await page.store.file(page.id, String(at), path);
  ctx.status = content === undefined ? 404 : 200;
  ctx.type = "html";
  ctx.body = fakePage(page.system, `${page.title}: ${path}`, [
    ["Content", content?.toString("utf8") ?? "no such file"],
  ]);
}

async function showCommit(ctx: Koa.Context, page: PageOf, commit: string): Promise<void> {
  const [found] = await page.store.commits(page.id, commit, 1);
  ctx.status = found === undefined ? 404 : 200;
  ctx.type = "html";
  const statuses = page.statusesOf(commit);
  const facts: [string, string][] = statuses.map((one) => [one.name, `${one.state}: ${one.description}`]);
  const links = statuses.map((one) => [`${one.name}: ${one.state}`, one.url] as const);
  const content: [string, string][] = [
    ["Author", found === undefined ? "no such commit" : `${found.author} <${found.email}>`],
    ["Date", found === undefined ? "" : new Date(found.atMs).toISOString()],
    ["Message", found?.message ?? ""],
    ["Changes", found === undefined ? "" : await page.store.patch(page.id, commit)],
  ];
  ctx.body = fakePage(page.system, `${page.title}: ${commit.slice(0, 12)}`, [...content, ...facts], links);
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0] ?? "";
}
