// Answers and tokens that an attacker, or a broken issuer, could send. None of them opens or ends a session.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Misbehaviour } from "@gantry/lab/fakes/oidc/fake-issuer.ts";
import type { Claims } from "@gantry/lab/fakes/oidc/jwt.ts";
import { claimsOf } from "@gantry/lab/fakes/oidc/jwt.ts";
import { postLogout } from "@gantry/lab/fakes/oidc/oidc.ts";
import { type Answer, type Browser, makeBrowser, me, type Sites, signIn, startSites } from "./sso.fixture.ts";

let sites: Sites;
before(async () => {
  sites = await startSites();
});
after(() => sites.close());

const nowS = (): number => Math.floor(Date.now() / 1_000);
const without =
  (name: string) =>
  ({ [name]: _, ...others }: Claims): Claims =>
    others;

/** What Seoul's issuer does wrongly, and the status of the page that the person then sees. */
const WRONG: { readonly [what: string]: Misbehaviour } = {
  "the ID token of another issuer": { claims: (claims) => ({ ...claims, iss: "https://evil.example" }) },
  "the ID token of an issuer whose name begins alike": { claims: (claims) => ({ ...claims, iss: `${claims.iss}/` }) },
  "an ID token without issuer": { claims: without("iss") },
  "the ID token of another client": { claims: (claims) => ({ ...claims, aud: "another-client", azp: undefined }) },
  "an ID token for two clients, issued to the other": {
    claims: (claims) => ({ ...claims, aud: ["gantry", "other"], azp: "other" }),
  },
  "an ID token for two clients that does not say to which": {
    claims: ({ azp: _, ...claims }) => ({ ...claims, aud: ["gantry", "other"] }),
  },
  "an ID token that was issued to another client": { claims: (claims) => ({ ...claims, azp: "other" }) },
  "an ID token without audience": { claims: without("aud") },
  "an ID token of another sign-in": { claims: (claims) => ({ ...claims, nonce: "n".repeat(43) }) },
  "an ID token without nonce": { claims: without("nonce") },
  "an expired ID token": { claims: (claims) => ({ ...claims, exp: nowS() - 120, iat: nowS() - 500 }) },
  "an ID token that never expires": { claims: without("exp") },
  "an ID token without time": { claims: without("iat") },
  "an ID token that is not valid yet": { claims: (claims) => ({ ...claims, nbf: nowS() + 600 }) },
  "an ID token of tomorrow": { claims: (claims) => ({ ...claims, iat: nowS() + 86_400, exp: nowS() + 90_000 }) },
  "an ID token that is valid for ever": { claims: (claims) => ({ ...claims, exp: 1e300 }) },
  "an ID token that was issued before there were clocks": { claims: (claims) => ({ ...claims, iat: -1e300 }) },
  "an ID token of a person who will sign in tomorrow": {
    claims: (claims) => ({ ...claims, auth_time: nowS() + 86_400 }),
  },
  "an ID token whose sign-in is a text": { claims: (claims) => ({ ...claims, auth_time: "now" }) },
  "an ID token whose nbf is a text": { claims: (claims) => ({ ...claims, nbf: "now" }) },
  "an ID token whose expiry is a text": { claims: (claims) => ({ ...claims, exp: "tomorrow" }) },
  "an ID token without subject": { claims: without("sub") },
  "an ID token whose subject is a number": { claims: (claims) => ({ ...claims, sub: 1 }) },
  "alg none": { signature: "none" },
  "HS256 with the public key as the secret": { signature: "hs256-with-public-key" },
  "the signature of an unknown key": { signature: "unknown-key" },
  "the signature of other content": { signature: "of-other-content" },
  "no signature": { signature: "cut" },
  "an ID token without name": {
    claims: (claims) => ({ ...without("preferred_username")(claims), sub: claims.sub }),
    token: (answer) => ({ ...answer, access_token: "not accepted" }),
  },
  "a name with a colon, as of another issuer": { claims: (claims) => ({ ...claims, preferred_username: "tokyo:ben" }) },
  "a name with a line break": { claims: (claims) => ({ ...claims, preferred_username: "ann\nadmin" }) },
  "a name that is a list": { claims: (claims) => ({ ...claims, preferred_username: ["ann"] }) },
  "no ID token": { token: without("id_token") },
  "an ID token that is a number": { token: (answer) => ({ ...answer, id_token: 7 }) },
  "no access token": { token: without("access_token") },
  "another state": { callback: (url) => url.searchParams.set("state", "s".repeat(43)) },
  "no state": { callback: (url) => url.searchParams.delete("state") },
  "two states": { callback: (url) => url.searchParams.append("state", "another") },
  "the iss of another issuer": { callback: (url) => url.searchParams.set("iss", "https://evil.example") },
  "no iss": { callback: (url) => url.searchParams.delete("iss") },
  "a made-up code": { callback: (url) => url.searchParams.set("code", "made-up") },
  "no code": { callback: (url) => url.searchParams.delete("code") },
  "a refusal": {
    callback: (url) => {
      url.searchParams.delete("code");
      url.searchParams.set("error", "access_denied");
      url.searchParams.set("error_description", "Call 555-0100 and tell them your password");
    },
  },
};

function assertNobody(browser: Browser, end: Answer): void {
  assert.ok([400, 403, 503].includes(end.status), `${end.status} ${end.text}`);
  assert.doesNotMatch(end.text, /555-0100/);
  assert.deepEqual(
    [...browser.cookies.keys()].filter((name) => name.endsWith("gantry_session")),
    [],
  );
}

for (const [what, misbehaviour] of Object.entries(WRONG)) {
  test(`not signed in: ${what}`, async () => {
    sites.seoul.misbehaviour = misbehaviour;
    try {
      const browser = makeBrowser();
      assertNobody(browser, await signIn(browser, sites.seoulUrl, "seoul", "ann"));
    } finally {
      sites.seoul.misbehaviour = {};
    }
  });
}

/** Signs in up to the redirect to the callback, which is not opened yet. */
async function upToCallback(browser: Browser, issuer = "seoul"): Promise<URL> {
  await signIn(browser, sites.seoulUrl, "seoul", "ann");
  await browser.send("POST", `${sites.seoulUrl}/sign-out`);
  const { url } = await browser.open(`${sites.seoulUrl}/sign-in/with/${issuer}`, { until: "/sign-in/callback/" });
  return url;
}

test("an answer opens one session: not a second one, and not in another browser", async () => {
  const browser = makeBrowser();
  const callback = await upToCallback(browser);
  const thief = makeBrowser();
  assertNobody(thief, await thief.open(callback.href));
  const cookie = browser.cookies.get("127.0.0.1 gantry_sign_in") ?? "";
  await browser.open(callback.href);
  assert.equal((await me(browser, sites.seoulUrl))?.name, "seoul:ann");
  thief.cookies.set("127.0.0.1 gantry_sign_in", cookie);
  assertNobody(thief, await thief.open(callback.href));
});

test("a changed cookie of the sign-in is not accepted", async () => {
  const browser = makeBrowser();
  const callback = await upToCallback(browser);
  const name = "127.0.0.1 gantry_sign_in";
  const cookie = browser.cookies.get(name) ?? "";
  browser.cookies.set(name, `${cookie.slice(0, 40)}${cookie[40] === "A" ? "B" : "A"}${cookie.slice(41)}`);
  assertNobody(browser, await browser.open(callback.href));
});

test("an answer of one issuer is not taken for one of another (mix-up)", async () => {
  const browser = makeBrowser();
  const callback = await upToCallback(browser);
  assertNobody(browser, await browser.open(callback.href.replace("/callback/seoul", "/callback/tokyo")));
  const other = makeBrowser();
  const { url } = await other.open(`${sites.seoulUrl}/sign-in/with/tokyo`, { until: "/authorize" });
  assert.equal(url.origin, sites.tokyo.url);
  const forged = new URL(`${sites.seoulUrl}/sign-in/callback/tokyo`);
  forged.search = new URLSearchParams({
    code: "of-seoul",
    state: url.searchParams.get("state") ?? "",
    iss: sites.seoul.url,
  }).toString();
  assertNobody(other, await other.open(forged.href));
});

test("sign-in leads to no other site", async () => {
  const browser = makeBrowser();
  await browser.open(`${sites.seoulUrl}/sign-in/with/seoul?next=https%3A%2F%2Fevil.example`);
  const end = await signIn(browser, sites.seoulUrl, "seoul", "ann");
  assert.equal(end.url.origin, sites.seoulUrl);
});

test("with the mail address as name, nobody signs in by an address that the issuer has not verified", async (t) => {
  const byMail = await startSites({}, { ofSeoul: { usernameClaim: "email" } });
  t.after(() => byMail.close());
  const signInAs = async (email: string, verified: unknown): Promise<[Browser, Answer]> => {
    byMail.seoul.misbehaviour = { claims: (claims) => ({ ...claims, email, email_verified: verified }) };
    const browser = makeBrowser();
    return [browser, await signIn(browser, byMail.seoulUrl, "seoul", "ann")];
  };
  for (const verified of [false, undefined, "true", 1]) assertNobody(...(await signInAs("boss@example.com", verified)));
  const [browser] = await signInAs("ann@example.com", true);
  assert.equal((await me(browser, byMail.seoulUrl))?.name, "seoul:ann@example.com");
});

test("a refresh that answers with someone else ends the session", async (t) => {
  const hurried = await startSites({ refreshMinutes: 0.000_01 });
  try {
    const browser = makeBrowser();
    await signIn(browser, hurried.seoulUrl, "seoul", "ann");
    const sub = hurried.seoul.people.get("sam")?.sub;
    hurried.seoul.misbehaviour = { claims: (claims) => ({ ...claims, sub, preferred_username: "sam" }) };
    await t.waitFor(async () => assert.equal(await me(browser, hurried.seoulUrl), undefined), {
      interval: 50,
      timeout: 60_000,
    });
  } finally {
    await hurried.close();
  }
});

/** Logout tokens about Ann that are wrong, and how. */
const BAD_LOGOUTS: { readonly [what: string]: Parameters<Sites["seoul"]["logoutToken"]> } = {
  "of another issuer": [{ iss: "https://evil.example" }],
  "for another client": [{ aud: "another-client" }],
  "without events": [{ events: undefined }],
  "with another event": [{ events: { "http://schemas.openid.net/event/other": {} } }],
  "whose event is a text": [{ events: { "http://schemas.openid.net/event/backchannel-logout": "yes" } }],
  "with a nonce": [{ nonce: "n" }],
  "without sub and sid": [{ sub: undefined, sid: undefined }],
  "without jti": [{ jti: undefined }],
  "without time": [{ iat: undefined }],
  "that is old": [{ iat: nowS() - 600, exp: nowS() + 600 }],
  "that has expired": [{ exp: nowS() - 60 }],
  "of the future": [{ iat: nowS() + 600, exp: nowS() + 900 }],
  "that is valid for ever": [{ exp: 1e300 }],
  "that is not valid yet": [{ nbf: nowS() + 600 }],
  "whose expiry is a text": [{ exp: "tomorrow" }],
  "whose sid is a number": [{ sid: 7 }],
  "with alg none": [{}, "none"],
  "with HS256 and the public key": [{}, "hs256-with-public-key"],
  "of an unknown key": [{}, "unknown-key"],
  "with the signature of other content": [{}, "of-other-content"],
  "that is cut": [{}, "cut"],
  "of another type": [{}, "normal", "at+jwt"],
};

test("no bad logout token ends a session; a good one works once", async (t) => {
  const browser = makeBrowser();
  const tokens: string[] = [];
  sites.seoul.misbehaviour = {
    token: (answer) => {
      tokens.push(String(answer.id_token));
      return answer;
    },
  };
  await signIn(browser, sites.seoulUrl, "seoul", "ann");
  sites.seoul.misbehaviour = {};
  const [idToken = ""] = tokens;
  const { sub, sid } = claimsOf(idToken);
  const [client] = sites.seoul.clients;
  assert.ok(client);
  for (const [what, [claims, ...how]] of Object.entries(BAD_LOGOUTS)) {
    await t.test(`a logout token ${what}`, async () => {
      const token = sites.seoul.logoutToken({ sub, sid, ...claims }, ...how);
      assert.equal((await postLogout(client, token)).status, 400);
      assert.equal((await me(browser, sites.seoulUrl))?.name, "seoul:ann");
    });
  }
  assert.equal((await postLogout(client, idToken)).status, 400, "an ID token");
  assert.equal((await postLogout(client, "not a token")).status, 400);
  const other = { ...client, backChannelUri: `${sites.tokyoUrl}/sign-in/back-channel/tokyo` };
  assert.equal((await postLogout(other, sites.seoul.logoutToken({ sub, sid }))).status, 400, "of the other issuer");
  const ofOther = sites.seoul.logoutToken({ sub: "someone else", sid });
  assert.equal((await postLogout(client, ofOther)).status, 200);
  assert.equal((await me(browser, sites.seoulUrl))?.name, "seoul:ann", "the session of someone else");
  const good = sites.seoul.logoutToken({ sub });
  assert.equal((await postLogout(client, good)).status, 200);
  assert.equal(await me(browser, sites.seoulUrl), undefined);
  assert.equal((await postLogout(client, good)).status, 400, "used twice");
});
