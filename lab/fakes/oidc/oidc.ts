// Fake OIDC issuer (as Keycloak is one): discovery, authorization code flow, refresh tokens that rotate, userinfo, logout from
// both sides. It is strict: it insists on PKCE S256, state and nonce, on the exact redirect address, on the client's secret,
// and takes every code and refresh token once. People sign in with their name alone. It can also send people on to another
// issuer (identity brokering), and tests can let it answer wrongly.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import type Router from "@koa/router";
import type Koa from "koa";
import { Answer, type FakeServer, readJson, serve } from "../fake-server.ts";
import { brokerRoutes } from "./broker.ts";
import {
  cookieName,
  type FakeIssuer,
  type Misbehaviour,
  type OidcClient,
  type OidcOptions,
  type OidcPerson,
  openSession,
  personOf,
  type Session,
  sendBack,
} from "./fake-issuer.ts";
import { type Claims, claimsOf, makeJwt, newKey, type Signature } from "./jwt.ts";

export type FakeOidc = FakeServer & {
  readonly people: Map<string, OidcPerson>;
  /** Their addresses may be known only after the issuer has started. */
  readonly clients: OidcClient[];
  misbehaviour: Misbehaviour;
  /** New keys; tokens of the old ones are no longer valid. */
  readonly rotateKeys: () => void;
  readonly logoutToken: (claims: Claims, signature?: Signature, typ?: string) => string;
  /** Ends the sessions of a person here and tells the client. Resolves to the status of its answers. */
  readonly logOut: (username: string) => Promise<readonly number[]>;
  /** Open sessions of a person. */
  readonly sessionsOf: (username: string) => number;
};

const ID_TOKEN_S = 300;
const BACK_CHANNEL_EVENT = "http://schemas.openid.net/event/backchannel-logout";

export async function startOidc(options: OidcOptions): Promise<FakeOidc> {
  let url = "";
  const issuer: FakeIssuer = {
    options,
    url: () => url,
    sessions: new Map(),
    codes: new Map(),
    refreshTokens: new Map(),
    accessTokens: new Map(),
    people: new Map(options.people.map((one) => [one.username, personOf(one.username, [...one.groups])])),
    clients: [...options.clients],
    key: newKey(),
    misbehaviour: {},
  };
  const server = await serve(options, (router) => {
    discoveryRoutes(router, issuer);
    authorizationRoutes(router, issuer);
    tokenRoutes(router, issuer);
    logoutRoutes(router, issuer);
    brokerRoutes(router, issuer, options.upstream);
  });
  url = server.url;
  return {
    ...server,
    people: issuer.people,
    clients: issuer.clients,
    get misbehaviour() {
      return issuer.misbehaviour;
    },
    set misbehaviour(misbehaviour) {
      issuer.misbehaviour = misbehaviour;
    },
    rotateKeys: () => {
      issuer.key = newKey();
    },
    logoutToken: (claims, signature, typ = "logout+jwt") => logoutToken(issuer, claims, signature, typ),
    logOut: (username) => logOut(issuer, username),
    sessionsOf: (username) => [...issuer.sessions.values()].filter((session) => session.username === username).length,
  };
}

function discoveryRoutes(router: Router, issuer: FakeIssuer): void {
  router.get("/.well-known/openid-configuration", (ctx) => {
    const url = issuer.url();
    ctx.body = {
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      userinfo_endpoint: `${url}/userinfo`,
      jwks_uri: `${url}/jwks`,
      end_session_endpoint: `${url}/logout`,
      response_types_supported: ["code"],
      grant_types_supported: ["authorization_code", "refresh_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      token_endpoint_auth_methods_supported: ["client_secret_basic"],
      code_challenge_methods_supported: ["S256"],
      authorization_response_iss_parameter_supported: true,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    };
  });
  router.get("/jwks", (ctx) => {
    ctx.body = { keys: [issuer.key.jwk] };
  });
}

function authorizationRoutes(router: Router, issuer: FakeIssuer): void {
  router.get("/authorize", (ctx) => {
    const query = checkAuthorization(issuer, ctx);
    const session = issuer.sessions.get(ctx.cookies.get(cookieName(issuer)) ?? "");
    if (session) sendBack(issuer, ctx, query, session);
    else ctx.body = loginPage(issuer, query);
    if (!session) ctx.type = "html";
  });
  router.post("/login", async (ctx) => {
    const { username = "", ...query } = (await readJson(ctx)) as { [name: string]: string };
    const person = issuer.people.get(username);
    if (!person || person.isDisabled) throw new Answer(403, "unknown or disabled");
    sendBack(issuer, ctx, query, openSession(issuer, ctx, username));
  });
}

/** An error in the client or its address is shown, not sent anywhere (RFC 6749, 4.1.2.1). */
function checkAuthorization({ clients }: FakeIssuer, ctx: Koa.Context): { [name: string]: string } {
  const query = Object.fromEntries(new URLSearchParams(ctx.querystring));
  const refuse = (what: string): never => {
    throw new Answer(400, { error: "invalid_request", error_description: what });
  };
  const client = clients.find(({ id }) => id === query.client_id);
  if (!client) return refuse("client_id");
  if (!client.redirectUris.includes(query.redirect_uri ?? "")) refuse(`redirect_uri ${query.redirect_uri}`);
  if (query.response_type !== "code") refuse("response_type");
  if (!query.scope?.split(" ").includes("openid")) refuse("scope");
  if (query.code_challenge_method !== "S256") refuse("code_challenge_method");
  if (!/^[\w-]{43}$/.test(query.code_challenge ?? "")) refuse("code_challenge");
  if ((query.state ?? "").length < 16) refuse("state");
  if ((query.nonce ?? "").length < 16) refuse("nonce");
  return query;
}

function tokenRoutes(router: Router, issuer: FakeIssuer): void {
  router.post("/token", async (ctx) => {
    const body = (await readJson(ctx)) as { [name: string]: string };
    const client = issuer.clients.find((one) => isFrom(one, ctx.get("authorization")));
    if (!client) throw new Answer(401, { error: "invalid_client" });
    ctx.set("Cache-Control", "no-store");
    if (body.grant_type === "authorization_code") ctx.body = redeemCode(issuer, client.id, body);
    else if (body.grant_type === "refresh_token") ctx.body = redeemRefresh(issuer, client.id, body);
    else throw new Answer(400, { error: "unsupported_grant_type" });
  });
  router.get("/userinfo", (ctx) => {
    const session = issuer.accessTokens.get(ctx.get("authorization").replace(/^Bearer /, ""));
    if (!session) throw new Answer(401, { error: "invalid_token" });
    ctx.body = { ...aboutOf(issuer, session), groups: personIn(issuer, session).groups };
  });
}

/** RFC 6749, 2.3.1: both parts are encoded as in a form, where a client may also encode what need not be, such as `-`. */
function isFrom({ id, secret }: OidcClient, authorization: string): boolean {
  const [scheme, encoded = ""] = authorization.split(" ");
  const decode = (text: string): string | null => new URLSearchParams(`x=${text}`).get("x");
  const [name = "", password = ""] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  return scheme === "Basic" && decode(name) === id && decode(password) === secret;
}

function redeemCode(issuer: FakeIssuer, client: string, body: { [name: string]: string }): Claims {
  const code = issuer.codes.get(body.code ?? "");
  const challenge = createHash("sha256")
    .update(body.code_verifier ?? "")
    .digest("base64url");
  const isRight =
    code !== undefined &&
    code.client === client &&
    !code.isUsed &&
    code.untilMs > Date.now() &&
    code.query.redirect_uri === body.redirect_uri &&
    code.query.code_challenge === challenge;
  if (!isRight) throw new Answer(400, { error: "invalid_grant" });
  code.isUsed = true;
  return answerOf(issuer, { client, session: code.session, scope: code.query.scope ?? "" }, code.query.nonce);
}

/** A refresh token that comes twice was stolen: the whole session ends. */
function redeemRefresh(issuer: FakeIssuer, client: string, body: { [name: string]: string }): Claims {
  const refresh = issuer.refreshTokens.get(body.refresh_token ?? "");
  const isOpen = refresh && [...issuer.sessions.values()].some(({ sid }) => sid === refresh.session.sid);
  if (refresh?.isUsed) endSession(issuer, refresh.session.sid);
  if (refresh?.client !== client || refresh.isUsed || !isOpen || personIn(issuer, refresh.session).isDisabled) {
    throw new Answer(400, { error: "invalid_grant" });
  }
  refresh.isUsed = true;
  return answerOf(issuer, refresh, undefined);
}

type Given = { readonly client: string; readonly session: Session; readonly scope: string };

function answerOf(issuer: FakeIssuer, { client, session, scope }: Given, nonce: string | undefined): Claims {
  const { misbehaviour, accessTokens, refreshTokens, options } = issuer;
  const access = randomBytes(24).toString("base64url");
  const refresh = randomBytes(24).toString("base64url");
  accessTokens.set(access, session);
  refreshTokens.set(refresh, { client, session, scope, isUsed: false });
  const now = Math.floor(Date.now() / 1_000);
  const groups = options.groupsAtUserinfo ? {} : { groups: personIn(issuer, session).groups };
  const claims: Claims = {
    iss: issuer.url(),
    aud: client,
    azp: client,
    iat: now,
    exp: now + ID_TOKEN_S,
    sid: session.sid,
    ...(nonce === undefined ? {} : { nonce }),
    ...aboutOf(issuer, session),
    ...groups,
  };
  const idToken = makeJwt(misbehaviour.claims?.(claims) ?? claims, issuer.key, misbehaviour.signature);
  const answer = {
    access_token: access,
    token_type: "Bearer",
    expires_in: ID_TOKEN_S,
    refresh_token: refresh,
    scope,
    id_token: idToken,
  };
  return misbehaviour.token?.(answer) ?? answer;
}

function aboutOf(issuer: FakeIssuer, session: Session): Claims {
  const { username, sub } = personIn(issuer, session);
  return {
    sub,
    preferred_username: username,
    name: `${username} of ${issuer.options.name}`,
    email: `${username}@example.com`,
  };
}

function personIn(issuer: FakeIssuer, { username }: Session): OidcPerson {
  const person = issuer.people.get(username);
  if (!person) throw new Answer(400, { error: "invalid_grant" });
  return person;
}

function logoutRoutes(router: Router, issuer: FakeIssuer): void {
  router.get("/logout", async (ctx) => {
    const { id_token_hint: hint, post_logout_redirect_uri: to } = ctx.query;
    if (typeof hint !== "string" || claimsOf(hint).iss !== issuer.url()) throw new Answer(400, "id_token_hint");
    if (typeof to !== "string" || !issuer.clients.some(({ postLogoutUris }) => postLogoutUris.includes(to)))
      throw new Answer(400, `not registered: ${to}`);
    endSession(issuer, String(claimsOf(hint).sid));
    ctx.cookies.set(cookieName(issuer), "", { maxAge: 0 });
    ctx.status = 303;
    ctx.redirect(to);
  });
}

function endSession({ sessions }: FakeIssuer, sid: string): void {
  for (const [secret, session] of sessions) if (session.sid === sid) sessions.delete(secret);
}

async function logOut(issuer: FakeIssuer, username: string): Promise<readonly number[]> {
  const mine = [...issuer.sessions.values()].filter((session) => session.username === username);
  const states: number[] = [];
  for (const session of mine) {
    endSession(issuer, session.sid);
    const token = logoutToken(issuer, { sid: session.sid, sub: personIn(issuer, session).sub });
    states.push((await postLogout(firstClient(issuer), token)).status);
  }
  return states;
}

function firstClient({ clients }: FakeIssuer): OidcClient {
  const [first] = clients;
  if (!first) throw new Error("this issuer has no client");
  return first;
}

export function postLogout({ backChannelUri = "" }: OidcClient, token: string): Promise<Response> {
  return fetch(backChannelUri, { method: "POST", body: new URLSearchParams({ logout_token: token }) });
}

function logoutToken(issuer: FakeIssuer, claims: Claims, signature?: Signature, typ = "logout+jwt"): string {
  const now = Math.floor(Date.now() / 1_000);
  const all = {
    iss: issuer.url(),
    aud: firstClient(issuer).id,
    iat: now,
    exp: now + 120,
    jti: randomUUID(),
    events: { [BACK_CHANNEL_EVENT]: {} },
    ...claims,
  };
  // A claim of undefined is left out.
  return makeJwt(JSON.parse(JSON.stringify(all)) as Claims, issuer.key, signature, typ);
}

function loginPage(issuer: FakeIssuer, query: { [name: string]: string }): string {
  const hidden = Object.entries(query).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`,
  );
  const broker = issuer.options.upstream
    ? `<p><a id="broker" href="/broker?${escapeHtml(new URLSearchParams(query).toString())}">Sign in with another issuer</a></p>`
    : "";
  return `<!doctype html><title>${issuer.options.name}</title><link rel="icon" href="data:,"><h1>${issuer.options.name}</h1>
<form method="post" action="/login">${hidden.join("")}<label>Name <input name="username"></label><button>Sign in</button></form>${broker}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
