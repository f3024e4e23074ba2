// Identity brokering: people of another issuer sign in at this one, which is itself a client there. Their name here is
// `<username>@<name of the other issuer>`.

import { createHash, randomBytes } from "node:crypto";
import type Router from "@koa/router";
import { Answer } from "../fake-server.ts";
import { type FakeIssuer, openSession, personOf, sendBack, type Upstream } from "./fake-issuer.ts";
import { claimsOf } from "./jwt.ts";

type Begun = { readonly query: { [name: string]: string }; readonly verifier: string };

export function brokerRoutes(router: Router, issuer: FakeIssuer, upstream: (() => Upstream) | undefined): void {
  if (!upstream) return;
  const begun = new Map<string, Begun>();
  const callback = (): string => `${issuer.url()}/broker/callback`;

  router.get("/broker", (ctx) => {
    const { url, client } = upstream();
    const state = randomBytes(16).toString("hex");
    const verifier = randomBytes(32).toString("base64url");
    begun.set(state, { query: Object.fromEntries(new URLSearchParams(ctx.querystring)), verifier });
    const to = new URL(`${url}/authorize`);
    to.search = new URLSearchParams({
      client_id: client.id,
      redirect_uri: callback(),
      response_type: "code",
      scope: "openid",
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      state,
      nonce: randomBytes(16).toString("hex"),
    }).toString();
    ctx.status = 303;
    ctx.redirect(to.href);
  });

  router.get("/broker/callback", async (ctx) => {
    const { name, url, client } = upstream();
    const one = begun.get(String(ctx.query.state));
    if (!one) throw new Answer(400, "unknown state");
    const answer = await fetch(`${url}/token`, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString("base64")}` },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code: String(ctx.query.code),
        redirect_uri: callback(),
        code_verifier: one.verifier,
      }),
    });
    const { id_token: idToken } = (await answer.json()) as { id_token?: string };
    if (idToken === undefined) throw new Answer(400, "the other issuer refused");
    const username = `${String(claimsOf(idToken).preferred_username)}@${name}`;
    if (!issuer.people.has(username)) issuer.people.set(username, personOf(username, ["guests"]));
    sendBack(issuer, ctx, one.query, openSession(issuer, ctx, username));
  });
}
