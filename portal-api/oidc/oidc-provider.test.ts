// Sign-in with an issuer that is not ours: `oidc-provider`, which is certified by the OpenID Foundation.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { systemClock } from "@gantry/runtime/clock.ts";
import { freePorts } from "@gantry/runtime/free-ports.ts";
import { Provider } from "oidc-provider";
import { startTestPortal } from "../portal.fixture.ts";
import { type Browser, makeBrowser, me } from "./sso.fixture.ts";

const WAIT = { interval: 50, timeout: 60_000 };

/** Fills in the forms of the provider's own pages: first the name, then the consent. */
async function passForms(browser: Browser, url: string): Promise<void> {
  let answer = await browser.open(url);
  const forms: readonly Record<string, string>[] = [
    { prompt: "login", login: "ann", password: "any" },
    { prompt: "consent" },
  ];
  for (const fields of forms) {
    const action = /action="([^"]+)"/.exec(answer.text)?.[1];
    assert.ok(action, answer.text);
    answer = await browser.send("POST", new URL(action, answer.url).href, new URLSearchParams(fields));
  }
}

test("a certified provider signs in, refreshes, signs out, and ends sessions by back-channel logout", async (t) => {
  const [port = 0, issuerPort = 0] = await freePorts(2);
  const [url, issuer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${issuerPort}`];
  let groups = ["developers"];
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "gantry",
        client_secret: "a secret of the client",
        redirect_uris: [`${url}/sign-in/callback/real`],
        post_logout_redirect_uris: [`${url}/sign-in`],
        backchannel_logout_uri: `${url}/sign-in/back-channel/real`,
        backchannel_logout_session_required: true,
        grant_types: ["authorization_code", "refresh_token"],
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username", "name"], groups: ["groups"] },
    scopes: ["openid", "offline_access", "profile", "groups"],
    features: { backchannelLogout: { enabled: true } },
    pkce: { required: () => true },
    issueRefreshToken: async () => true,
    findAccount: async (_, sub) => ({
      accountId: sub,
      claims: async () => ({ sub, preferred_username: sub, name: "Ann Lee", groups }),
    }),
  });
  const server = createServer(provider.callback()).listen(issuerPort, "127.0.0.1");
  await once(server, "listening");
  const portal = await startTestPortal(
    {
      port,
      publicUrl: url,
      signIn: {
        issuers: [
          {
            id: "real",
            name: "Real",
            issuer,
            clientId: "gantry",
            clientSecret: "a secret of the client",
            scopes: ["openid", "profile", "groups"],
          },
        ],
        roles: [
          { group: "real:developers", role: "developer" },
          { group: "real:admins", role: "admin" },
        ],
        refreshMinutes: 0.000_01,
      },
    },
    { clock: { ...systemClock, after: (ms, run) => systemClock.after(ms === 10_000 ? 100 : ms, run) } },
  );
  try {
    const browser = makeBrowser();
    await passForms(browser, `${url}/sign-in/with/real`);
    assert.deepEqual(await me(browser, url).then((one) => [one?.name, one?.role]), ["real:ann", "developer"]);
    groups = ["admins"];
    await t.waitFor(async () => assert.equal((await me(browser, url))?.role, "admin"), WAIT);
    const other = makeBrowser();
    await passForms(other, `${url}/sign-in/with/real`);
    const { next } = JSON.parse((await other.send("POST", `${url}/sign-out`)).text) as { next: string };
    const page = await other.open(next);
    assert.match(page.text, /sign-out|log ?out|end.?session/i);
    const form = /action="([^"]+)"/.exec(page.text)?.[1] ?? "";
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? "";
    const end = await other.send("POST", new URL(form, page.url).href, new URLSearchParams({ xsrf, logout: "yes" }));
    assert.equal(end.url.href, `${url}/sign-in`);
    assert.equal((await me(browser, url))?.name, "real:ann");
    const ending = await browser.open(`${issuer}/session/end`);
    const token = /name="xsrf" value="([^"]+)"/.exec(ending.text)?.[1] ?? "";
    const action = /action="([^"]+)"/.exec(ending.text)?.[1] ?? "";
    await browser.send("POST", new URL(action, ending.url).href, new URLSearchParams({ xsrf: token, logout: "yes" }));
    // The browser has signed out at the issuer only; the issuer tells the portal.
    await t.waitFor(async () => assert.equal(await me(browser, url), undefined), WAIT);
  } finally {
    await portal.close();
    server.closeAllConnections();
    server.close();
  }
});
