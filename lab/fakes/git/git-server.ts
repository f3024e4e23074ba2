// Real git over HTTP, served by git's own programs for clone and push. The fake hosts check the rights; everything else is
// git, so an unmodified client can clone and push. git's CGI program is not used: it starts the same two programs, and
// starting processes is most of the cost of a request.

import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import type Router from "@koa/router";
import type Koa from "koa";
import { Answer, type FakeServerOptions, openState } from "../fake-server.ts";
import { type GitStore, gitEnvironment, isVersion2, openGitStore } from "./git-store.ts";

export type GitAccount = {
  readonly user: string;
  readonly token: string;
  readonly rights: "read" | "write" | "admin";
};

/** What a fake host has: its options, its state, which `save` writes to disk, and its repositories. */
export type FakeGit<Options, State> = {
  readonly options: Options;
  readonly state: State;
  readonly save: () => void;
  readonly store: GitStore;
};

/** The repositories are below the host's own folder. */
export function openFakeGit<Options extends FakeServerOptions, State>(
  options: Options,
  initial: () => State,
): FakeGit<Options, State> {
  const { state, save } = openState<State>(options, initial);
  return { options, state, save, store: openGitStore(`${options.dir}/${options.name}/git`) };
}

/** How a host serves git: its addresses, its callers, and its error texts. */
export type GitAccess = {
  /** Before `/owner/name.git`; an owner may be nested groups, `group/subgroup`. */
  readonly prefix: string;
  readonly realm: string;
  readonly callerOf: (ctx: Koa.Context) => GitAccount | undefined;
  /** Throws an Answer for a repository that cannot be served at the moment. */
  readonly find: (owner: string, name: string) => { readonly id: number } | undefined;
  readonly says: { readonly unknownCaller: string; readonly noRepository: string; readonly mayNotPush: string };
};

export function addGit(router: Router, store: GitStore, { prefix, realm, callerOf, find, says }: GitAccess): void {
  const path = `^${prefix}/(.+)/([^/]+?)\\.git(/info/refs|/git-upload-pack|/git-receive-pack)$`;
  router.all(new RegExp(path), async (ctx) => {
    const account = callerOf(ctx);
    if (!account) {
      ctx.set("www-authenticate", `Basic realm="${realm}"`);
      throw new Answer(401, says.unknownCaller);
    }
    const [owner = "", name = "", service = ""] = ctx.captures ?? [];
    const repository = find(decodeURIComponent(owner), decodeURIComponent(name));
    if (!repository) throw new Answer(404, says.noRepository);
    if (isPush(ctx) && account.rights === "read") throw new Answer(403, says.mayNotPush);
    await answerGit(ctx, store, { id: String(repository.id), service, by: account.user });
  });
}

/** The caller, identified by `Bearer token`, `token token`, or Basic with one of these users; undefined if unknown. */
export function accountOf(
  ctx: Koa.Context,
  accounts: readonly GitAccount[],
  tokenUsers: readonly string[] = [],
): GitAccount | undefined {
  const [scheme = "", value = ""] = ctx.get("authorization").split(" ", 2);
  if (/^(bearer|token)$/i.test(scheme)) return accounts.find((one) => one.token === value);
  if (!/^basic$/i.test(scheme)) return undefined;
  const [user = "", ...rest] = Buffer.from(value, "base64").toString("utf8").split(":");
  const token = rest.join(":");
  return accounts.find((one) => one.token === token && (one.user === user || tokenUsers.includes(user)));
}

/** Whether this request is a push, or the discovery before one. */
function isPush(ctx: Koa.Context): boolean {
  return ctx.path.endsWith("/git-receive-pack") || ctx.query.service === "git-receive-pack";
}

/**
 * Answers one request of git's smart protocol for a repository. `service` is the part of the path after the repository:
 * `/info/refs`, `/git-upload-pack` or `/git-receive-pack`. The caller has checked the rights.
 */
async function answerGit(
  ctx: Koa.Context,
  store: GitStore,
  { id, service, by }: { readonly id: string; readonly service: string; readonly by: string },
): Promise<void> {
  const discovers = service === "/info/refs";
  const name = discovers ? ctx.query.service : service.slice(1);
  if (name !== "git-upload-pack" && name !== "git-receive-pack")
    throw new Answer(403, "Only the smart protocol is supported");
  const protocol = ctx.get("git-protocol");
  ctx.set("cache-control", "no-cache");
  ctx.type = `application/x-${name}-${discovers ? "advertisement" : "result"}`;
  if (discovers) {
    const refs = await store.advertise(id, name, protocol);
    const opening = isVersion2(protocol) ? "" : `${packet(`# service=${name}\n`)}${FLUSH}`;
    ctx.body = Buffer.concat([Buffer.from(opening), refs]);
    return;
  }
  if (name === "git-receive-pack") {
    // The answer to a push is short, and only given when the push is done.
    ctx.body = await store.pushing(id, by, () => buffer(serveGit(ctx, store, { id, name, protocol })));
    return;
  }
  ctx.body = serveGit(ctx, store, { id, name, protocol });
}

/** Gives the request to git's program; the answer is its output. */
function serveGit(
  ctx: Koa.Context,
  store: GitStore,
  { id, name, protocol }: { readonly id: string; readonly name: string; readonly protocol: string },
): Readable {
  const child = spawn("git", [name.slice("git-".length), "--stateless-rpc", store.folderOf(id)], {
    env: { ...gitEnvironment(), GIT_PROTOCOL: protocol },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const pushes = name === "git-receive-pack";
  // A disconnected client ends a read. A push that has arrived is still carried out.
  ctx.res.once("close", () => pushes || child.kill("SIGTERM"));
  child.stdin.on("error", () => ctx.req.resume());
  ctx.req.once("aborted", () => child.stdin.destroy());
  const zipped = ctx.get("content-encoding") === "gzip";
  const request = zipped ? ctx.req.pipe(createGunzip().on("error", () => child.stdin.destroy())) : ctx.req;
  request.pipe(child.stdin);
  return child.stdout;
}

const FLUSH = "0000";

/** A line with its length in front, as git's protocol has it. */
function packet(line: string): string {
  return `${(line.length + 4).toString(16).padStart(4, "0")}${line}`;
}
