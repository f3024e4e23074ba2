// Access control of the fake registry: Basic credentials or a Bearer token from the token service, checked per repository and
// action, with a challenge: where clients get a token.

import { createHmac, timingSafeEqual } from "node:crypto";
import type Koa from "koa";
import { Answer } from "../fake-server.ts";

export type Action = "pull" | "push" | "delete";

export type RegistryAccess = {
  /** Name of the service in challenges and tokens. */
  readonly service: string;
  /** Signs tokens; it must survive a restart as long as the tokens do. */
  readonly key: string;
  /** The name of the account when the password is right. */
  readonly login: (username: string, password: string) => string | undefined;
  /** `account` is undefined for an anonymous caller. */
  readonly allows: (account: string | undefined, repository: string, action: Action) => boolean;
};

type Grant = { readonly account: string | undefined; readonly scopes: readonly string[]; readonly expiresAtMs: number };

const TOKEN_SECONDS = 1_800;

/** Answers `GET …?service=&scope=`, as the token service does. Asking without credentials gives an anonymous token. */
export function answerToken(ctx: Koa.Context, access: RegistryAccess): void {
  const account = basicAccount(ctx, access);
  if (account === "wrong") throw new Answer(401, errors("UNAUTHORIZED", "authentication required"));
  const scopes = [ctx.query.scope ?? []]
    .flat()
    .flatMap((scope) => scope.split(" "))
    .filter((scope) => scope !== "");
  const granted = scopes.map((scope) => grantedPart(scope, account, access));
  const token = sign({ account, scopes: granted, expiresAtMs: Date.now() + TOKEN_SECONDS * 1000 }, access.key);
  ctx.body = { token, access_token: token, expires_in: TOKEN_SECONDS, issued_at: new Date().toISOString() };
}

/**
 * Lets a request pass or answers 401 with a challenge. Without `repository` it only requires a caller who is signed in or
 * holds a token, as `GET /v2/` does.
 */
export function checkAccess(ctx: Koa.Context, access: RegistryAccess, repository?: string, action?: Action): void {
  const scope =
    repository === undefined ? undefined : `repository:${repository}:${action === "pull" ? "pull" : "pull,push"}`;
  const grant = bearerGrant(ctx, access);
  const account = grant === undefined ? basicAccount(ctx, access) : grant.account;
  if (account === "wrong") challenge(ctx, access, scope, "authentication required");
  if (repository === undefined || action === undefined) {
    if (grant === undefined && account === undefined) challenge(ctx, access, scope, "authentication required");
    return;
  }
  const allowed =
    grant === undefined
      ? access.allows(account, repository, action)
      : grant.scopes.some((one) => covers(one, repository, action));
  if (allowed) return;
  challenge(ctx, access, scope, `unauthorized to access repository: ${repository}, action: ${action}`);
}

/** The account behind Basic credentials; undefined when there are none. */
export function basicAccount(ctx: Koa.Context, access: Pick<RegistryAccess, "login">): string | undefined | "wrong" {
  const [scheme, value] = ctx.get("authorization").split(" ");
  if (scheme?.toLowerCase() !== "basic" || value === undefined) return undefined;
  const pair = Buffer.from(value, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  return access.login(pair.slice(0, colon), pair.slice(colon + 1)) ?? "wrong";
}

export function errors(code: string, message: string, detail?: unknown): unknown {
  return { errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] };
}

function challenge(ctx: Koa.Context, access: RegistryAccess, scope: string | undefined, message: string): never {
  const realm = `http://${ctx.host}/service/token`;
  const scopePart = scope === undefined ? "" : `,scope="${scope}"`;
  ctx.set("WWW-Authenticate", `Bearer realm="${realm}",service="${access.service}"${scopePart}`);
  ctx.set("Docker-Distribution-Api-Version", "registry/2.0");
  throw new Answer(401, errors("UNAUTHORIZED", message));
}

/** What the account may do of what the scope asks for; clients learn about a refusal only when they use the token. */
function grantedPart(scope: string, account: string | undefined, access: RegistryAccess): string {
  const [type, repository, actions] = splitScope(scope);
  if (type !== "repository") return `${type}:${repository}:`;
  const all: readonly Action[] = ["pull", "push", "delete"];
  const asked = actions === "*" ? all : all.filter((action) => actions.split(",").includes(action));
  return `${type}:${repository}:${asked.filter((action) => access.allows(account, repository, action)).join(",")}`;
}

function covers(scope: string, repository: string, action: Action): boolean {
  const [type, name, actions] = splitScope(scope);
  return type === "repository" && name === repository && actions.split(",").includes(action);
}

function splitScope(scope: string): [string, string, string] {
  const first = scope.indexOf(":");
  const last = scope.lastIndexOf(":");
  return [scope.slice(0, first), scope.slice(first + 1, last), scope.slice(last + 1)];
}

function bearerGrant(ctx: Koa.Context, access: RegistryAccess): Grant | undefined {
  const [scheme, token] = ctx.get("authorization").split(" ");
  if (scheme?.toLowerCase() !== "bearer" || token === undefined) return undefined;
  const [payload = "", signature = ""] = token.split(".");
  const right = Buffer.from(mac(payload, access.key));
  const given = Buffer.from(signature);
  if (right.length !== given.length || !timingSafeEqual(right, given)) return undefined;
  const grant = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Grant;
  return grant.expiresAtMs > Date.now() ? grant : undefined;
}

function sign(grant: Grant, key: string): string {
  const payload = Buffer.from(JSON.stringify(grant)).toString("base64url");
  return `${payload}.${mac(payload, key)}`;
}

function mac(payload: string, key: string): string {
  return createHmac("sha256", key).update(payload).digest("base64url");
}
