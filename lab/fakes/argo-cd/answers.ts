// Shared by all routes of the fake: authentication, the exact content type, and the error texts of the real gateway.

import { randomBytes, randomUUID } from "node:crypto";
import type Koa from "koa";
import { Answer, readJson } from "../fake-server.ts";
import { type Meta, type State, stamp } from "./model.ts";

export const CODE = {
  unknown: 2,
  invalid: 3,
  notFound: 5,
  denied: 7,
  precondition: 9,
  aborted: 10,
  unauthenticated: 16,
} as const;
const STATUS: Record<number, number> = { 2: 500, 3: 400, 5: 404, 7: 403, 9: 400, 10: 409, 16: 401 };

export function refuse(code: number, message: string): Answer {
  return new Answer(STATUS[code] ?? 500, { error: message, code, message });
}

export type Account = {
  readonly name: string;
  /** For `POST /session`. */
  readonly password?: string;
  /** A token of an account with the capability `apiKey`. */
  readonly token?: string;
  /** Rights that this account lacks, e.g. `clusters, update`; it has all others. */
  readonly without?: readonly string[];
};

/** Throws 403 when the account lacks this right. */
export function need(ctx: Koa.Context, accounts: readonly Account[], right: string): void {
  if (!lacks(ctx, accounts, right)) return;
  throw refuse(CODE.denied, `permission denied: ${right}, sub: ${String(ctx.state.account)}`);
}

/** Whether the account lacks this right. Lists leave out what it may not see. */
export function lacks(ctx: Koa.Context, accounts: readonly Account[], right: string): boolean {
  return accounts.some(({ name, without }) => name === ctx.state.account && without?.includes(right) === true);
}

/** The name of the account, or 401. */
export function signedIn(ctx: Koa.Context, accounts: readonly Account[], state: State): string {
  const [scheme = "", bearer = ""] = ctx.get("authorization").split(" ", 2);
  const token = /^bearer$/i.test(scheme) ? bearer : (ctx.cookies.get("argocd.token") ?? "");
  if (token === "") throw refuse(CODE.unauthenticated, "no session information");
  const account = accounts.find((one) => one.token === token)?.name ?? state.sessions[token];
  if (account === undefined) throw refuse(CODE.unauthenticated, "invalid session: token signature is invalid");
  return account;
}

export function newSession(state: State, account: string): string {
  const token = randomBytes(32).toString("base64url");
  state.sessions[token] = account;
  return token;
}

/** The gateway compares the whole header: it refuses a charset after it, and requires it for DELETE too. */
export function checkContentType(ctx: Koa.Context): void {
  if (ctx.method === "GET" || ctx.get("content-type").toLowerCase() === "application/json") return;
  throw new Answer(415, "Invalid content type");
}

export async function bodyOf(ctx: Koa.Context): Promise<Record<string, unknown>> {
  const body = await readJson(ctx);
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw refuse(CODE.invalid, "invalid body");
  return body as Record<string, unknown>;
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The metadata of a new object. */
export function newMeta(state: State, given: unknown): Meta {
  const { name, labels, annotations, finalizers } = (given ?? {}) as Partial<Meta>;
  if (text(name) === undefined) throw refuse(CODE.invalid, "metadata.name is needed");
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(String(name))) {
    throw refuse(
      CODE.invalid,
      `metadata.name: Invalid value: "${String(name)}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`,
    );
  }
  state.version += 1;
  return {
    name: String(name),
    namespace: "argocd",
    uid: randomUUID(),
    resourceVersion: String(state.version),
    creationTimestamp: stamp(Date.now()),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(finalizers ? { finalizers } : {}),
  };
}

export function bump(state: State, meta: Meta): void {
  state.version += 1;
  meta.resourceVersion = String(state.version);
}
