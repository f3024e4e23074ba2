// The state of a fake issuer, and what its routes share.

import { randomBytes, randomUUID } from "node:crypto";
import type Koa from "koa";
import type { FakeServerOptions } from "../fake-server.ts";
import type { Claims, Signature, SigningKey } from "./jwt.ts";

const CODE_MS = 60_000;

export type Upstream = {
  readonly name: string;
  readonly url: string;
  readonly client: { readonly id: string; readonly secret: string };
};

export type OidcClient = {
  readonly id: string;
  readonly secret: string;
  readonly redirectUris: readonly string[];
  readonly postLogoutUris: readonly string[];
  /** Where logout tokens are sent. */
  readonly backChannelUri?: string;
};
export type OidcPerson = {
  readonly username: string;
  readonly sub: string;
  groups: string[];
  isDisabled: boolean;
};

/** What the issuer does wrongly, for tests. */
export type Misbehaviour = {
  readonly claims?: (claims: Claims) => Claims;
  readonly signature?: Signature;
  /** Changes the address to which the browser is sent back. */
  readonly callback?: (url: URL) => void;
  readonly token?: (answer: Claims) => Claims;
};

export type OidcOptions = FakeServerOptions & {
  /** The first one gets the logout tokens. */
  readonly clients: readonly OidcClient[];
  readonly people: readonly { readonly username: string; readonly groups: readonly string[] }[];
  /** Another issuer whose people may sign in here. Called when the first of them comes. */
  readonly upstream?: () => Upstream;
  /** Groups are not in the ID token but at the userinfo endpoint. */
  readonly groupsAtUserinfo?: boolean;
};

export type Session = { readonly sid: string; readonly username: string };
export type Code = {
  readonly client: string;
  readonly query: { readonly [name: string]: string };
  readonly session: Session;
  readonly untilMs: number;
  isUsed: boolean;
};
export type Refresh = { readonly client: string; readonly session: Session; readonly scope: string; isUsed: boolean };

export type FakeIssuer = {
  readonly options: OidcOptions;
  readonly url: () => string;
  readonly sessions: Map<string, Session>;
  readonly codes: Map<string, Code>;
  readonly refreshTokens: Map<string, Refresh>;
  readonly accessTokens: Map<string, Session>;
  readonly people: Map<string, OidcPerson>;
  readonly clients: OidcClient[];
  key: SigningKey;
  misbehaviour: Misbehaviour;
};

export function personOf(username: string, groups: string[]): OidcPerson {
  return { username, sub: randomUUID(), groups, isDisabled: false };
}

/** Opens a session of this issuer in the browser. */
export function openSession(issuer: FakeIssuer, ctx: Koa.Context, username: string): Session {
  const session = { sid: randomUUID(), username };
  const secret = randomBytes(16).toString("hex");
  issuer.sessions.set(secret, session);
  ctx.cookies.set(cookieName(issuer), secret, { httpOnly: true, sameSite: "lax" });
  return session;
}

export function sendBack(
  issuer: FakeIssuer,
  ctx: Koa.Context,
  query: { [name: string]: string },
  session: Session,
): void {
  const code = randomBytes(24).toString("base64url");
  issuer.codes.set(code, {
    client: query.client_id ?? "",
    query,
    session,
    untilMs: Date.now() + CODE_MS,
    isUsed: false,
  });
  const back = new URL(query.redirect_uri ?? "");
  back.searchParams.set("code", code);
  back.searchParams.set("state", query.state ?? "");
  back.searchParams.set("iss", issuer.url());
  back.searchParams.set("session_state", session.sid);
  issuer.misbehaviour.callback?.(back);
  ctx.status = 303;
  ctx.redirect(back.href);
}

/** Cookies ignore ports: two issuers on one machine need two names. */
export function cookieName({ options }: FakeIssuer): string {
  return `session_${options.name}`;
}
