// What a person sees of a repository at a git host of the lab: its files, its commits, one file, one commit.

import type Koa from "koa";
import { fakePage } from "../page.ts";
import type { GitStore } from "./git-store.ts";

export type PageOf = {
  readonly system: string;
  readonly title: string;
  readonly store: GitStore;
  readonly id: string;
  readonly branch: string;
  /** Addresses at this host. */
  readonly fileUrl: (path: string) => string;
  readonly commitUrl: (commit: string) => string;
};

export async function showRepository(ctx: Koa.Context, page: PageOf): Promise<void> {
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

export async function showFile(ctx: Koa.Context, page: PageOf, path: string): Promise<void> {
  const content = await page.store.file(page.id, page.branch, path);
  ctx.status = content === undefined ? 404 : 200;
  ctx.type = "html";
  ctx.body = fakePage(page.system, `${page.title}: ${path}`, [
    ["Content", content?.toString("utf8") ?? "no such file"],
  ]);
}

export async function showCommit(ctx: Koa.Context, page: PageOf, commit: string): Promise<void> {
  const [found] = await page.store.commits(page.id, commit, 1);
  ctx.status = found === undefined ? 404 : 200;
  ctx.type = "html";
  ctx.body = fakePage(page.system, `${page.title}: ${commit.slice(0, 12)}`, [
    ["Author", found === undefined ? "no such commit" : `${found.author} <${found.email}>`],
    ["Date", found === undefined ? "" : new Date(found.atMs).toISOString()],
    ["Message", found?.message ?? ""],
    ["Changes", found === undefined ? "" : await page.store.patch(page.id, commit)],
  ]);
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0] ?? "";
}
