// Real git over HTTP: git's own `http-backend`, run as the CGI program that it is. The hosts of the lab decide who may
// do what; everything after that is git itself, so an unmodified client can clone and push.

import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import type Koa from "koa";
import { type GitStore, gitEnvironment, openGitStore } from "./git-store.ts";
import type { StandInOptions } from "./stand-in.ts";

export type GitAccount = {
  readonly user: string;
  readonly token: string;
  readonly rights: "read" | "write" | "admin";
};

/** The store of a host's repositories, below the host's own folder. */
export function storeOf(options: StandInOptions): GitStore {
  return openGitStore(`${options.dir}/${options.name}/git`);
}

/** Who is calling, by `Bearer token`, `token token`, or Basic with any of these users; undefined for a stranger. */
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

/** Is this request a push, or the discovery before one? */
export function isPush(ctx: Koa.Context): boolean {
  return ctx.path.endsWith("/git-receive-pack") || ctx.query.service === "git-receive-pack";
}

/**
 * Answers one request of git's smart protocol for a repository. `service` is the part of the path after the repository:
 * `/info/refs`, `/git-upload-pack` or `/git-receive-pack`. The caller has checked the rights.
 */
export async function answerGit(
  ctx: Koa.Context,
  store: GitStore,
  id: string,
  service: string,
  user: string,
): Promise<void> {
  const folder = store.folderOf(id);
  const child = spawn("git", ["http-backend"], {
    env: {
      ...gitEnvironment(),
      GIT_PROJECT_ROOT: dirname(folder),
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: `/${id}.git${service}`,
      REQUEST_METHOD: ctx.method,
      QUERY_STRING: ctx.querystring,
      CONTENT_TYPE: ctx.get("content-type"),
      HTTP_CONTENT_ENCODING: ctx.get("content-encoding"),
      GIT_PROTOCOL: ctx.get("git-protocol"),
      REMOTE_USER: user,
      REMOTE_ADDR: "127.0.0.1",
      ...(ctx.get("content-length") === "" ? {} : { CONTENT_LENGTH: ctx.get("content-length") }),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const pushes = service === "/git-receive-pack";
  // A client that goes away ends what only reads. A push that has arrived is carried out all the same.
  ctx.res.once("close", () => pushes || child.kill("SIGTERM"));
  child.stdin.on("error", () => ctx.req.resume());
  ctx.req.once("aborted", () => child.stdin.destroy());
  ctx.req.pipe(child.stdin);
  const body = new PassThrough();
  const { status, headers } = await readCgiHead(child.stdout, body);
  ctx.status = status;
  for (const [name, value] of headers) ctx.set(name, value);
  // The answer to a push is short, and only given when the push is done.
  ctx.body = pushes ? await buffer(body) : body;
}

/** Reads the header block of a CGI answer; the rest flows into `body`. */
function readCgiHead(
  output: NodeJS.ReadableStream,
  body: PassThrough,
): Promise<{ readonly status: number; readonly headers: readonly (readonly [string, string])[] }> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      output.off("data", onData);
      const lines = head.subarray(0, end).toString("latin1").split("\r\n");
      const fields = lines.map(
        (line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const,
      );
      const status = fields.find(([name]) => name.toLowerCase() === "status")?.[1] ?? "200";
      body.write(head.subarray(end + 4));
      output.pipe(body);
      resolve({
        status: Number.parseInt(status, 10),
        headers: fields.filter(([name]) => name.toLowerCase() !== "status"),
      });
    };
    output.on("data", onData);
    output.once("end", () => reject(new Error("git http-backend ended without an answer")));
  });
}
