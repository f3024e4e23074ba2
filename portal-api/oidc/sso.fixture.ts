// A portal with two issuers at two addresses, and a browser without screen: cookies, forms and redirects.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OidcClient } from "@gantry/lab/fakes/oidc/fake-issuer.ts";
import { type FakeOidc, startOidc } from "@gantry/lab/fakes/oidc/oidc.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import { freePorts } from "@gantry/runtime/free-ports.ts";
import type { PortalConfigInput } from "../config.ts";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";

export type Sites = {
  readonly portal: TestPortal;
  /** Issuer and address of the portal of each site. */
  readonly seoul: FakeOidc;
  readonly tokyo: FakeOidc;
  readonly seoulUrl: string;
  readonly tokyoUrl: string;
  readonly close: () => Promise<void>;
};

const SECRET = "a client secret with & and :";

/** Regular work runs every 0.1 s. */
const hurried: Clock = {
  ...systemClock,
  after: (ms, run) => systemClock.after(ms === 10_000 ? 100 : ms, run),
};

/** People of Seoul are ann and sam, of Tokyo ben. Tokyo also lets people of Seoul in, by brokering. */
export async function startSites(
  signIn: Partial<NonNullable<PortalConfigInput["signIn"]>> = {},
  {
    clock = hurried,
    console,
    access = {},
    ofSeoul = {},
  }: {
    readonly clock?: Clock;
    readonly console?: string;
    readonly access?: PortalConfigInput["access"];
    /** More settings of its issuer. */
    readonly ofSeoul?: { readonly usernameClaim?: string };
  } = {},
): Promise<Sites> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-sso-"));
  const [port = 0] = await freePorts(1);
  const [seoulUrl, tokyoUrl] = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
  const seoul = await startOidc({
    name: "seoul",
    dir,
    clients: [clientAt("seoul", seoulUrl)],
    people: [
      { username: "ann", groups: ["/developers", "/web"] },
      { username: "sam", groups: ["admins"] },
    ],
  });
  const broker = { id: "tokyo-broker", secret: "broker" };
  const tokyo = await startOidc({
    name: "tokyo",
    dir,
    clients: [clientAt("tokyo", tokyoUrl)],
    people: [{ username: "ben", groups: ["admins"] }],
    groupsAtUserinfo: true,
    upstream: () => ({ name: "seoul", url: seoul.url, client: broker }),
  });
  seoul.clients.push({ ...broker, redirectUris: [`${tokyo.url}/broker/callback`], postLogoutUris: [] });
  const portal = await startTestPortal(
    {
      port,
      publicUrl: seoulUrl,
      publicUrls: [tokyoUrl],
      ...(console === undefined ? {} : { console }),
      access,
      signIn: {
        issuers: [
          {
            id: "seoul",
            name: "Seoul",
            issuer: seoul.url,
            clientId: "gantry",
            clientSecret: SECRET,
            addresses: [seoulUrl],
            domains: ["seoul.example"],
            ...ofSeoul,
          },
          {
            id: "tokyo",
            name: "Tokyo",
            issuer: tokyo.url,
            clientId: "gantry",
            clientSecret: SECRET,
            addresses: [tokyoUrl],
            domains: ["tokyo.example"],
          },
        ],
        roles: [
          { group: "seoul:developers", role: "developer" },
          { group: "seoul:admins", role: "admin" },
        ],
        ...signIn,
      },
    },
    { clock },
  );
  return {
    portal,
    seoul,
    tokyo,
    seoulUrl,
    tokyoUrl,
    close: async () => {
      await Promise.all([portal.close(), seoul.close(), tokyo.close()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function clientAt(issuer: string, url: string): OidcClient {
  return {
    id: "gantry",
    secret: SECRET,
    redirectUris: [`${url}/sign-in/callback/${issuer}`],
    postLogoutUris: [`${url}/sign-in`],
    backChannelUri: `${url}/sign-in/back-channel/${issuer}`,
  };
}

export type Answer = {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
};

export type Browser = {
  /** Opens an address and follows redirects. `until`: stops before an address that contains this text. */
  readonly open: (url: string, options?: { readonly until?: string }) => Promise<Answer>;
  /** Sends a form, or a request of a script, from a page of the same origin. */
  readonly send: (method: string, url: string, body?: URLSearchParams | object) => Promise<Answer>;
  readonly cookies: Map<string, string>;
};

/** Cookies belong to a host, not to a port, as in real browsers. */
export function makeBrowser(): Browser {
  const cookies = new Map<string, string>();
  const request = async (url: URL, init: RequestInit): Promise<{ answer: Answer; location: string | null }> => {
    const mine = [...cookies].filter(([key]) => key.startsWith(`${url.hostname} `));
    const cookie = mine.map(([key, value]) => `${key.split(" ")[1]}=${value}`).join("; ");
    const response = await fetch(url, { ...init, redirect: "manual", headers: { ...init.headers, cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const at = pair.indexOf("=");
      const key = `${url.hostname} ${pair.slice(0, at)}`;
      if (pair.slice(at + 1) === "" || /max-age=0\b/i.test(line)) cookies.delete(key);
      else cookies.set(key, pair.slice(at + 1));
    }
    const { status, headers } = response;
    return { answer: { url, status, headers, text: await response.text() }, location: headers.get("location") };
  };
  const follow = async (first: URL, init: RequestInit, until?: string): Promise<Answer> => {
    let { answer, location } = await request(first, init);
    for (let hops = 0; location !== null && hops < 12; hops += 1) {
      const next = new URL(location, answer.url);
      if (until !== undefined && next.href.includes(until)) return { ...answer, url: next };
      ({ answer, location } = await request(next, { headers: { accept: "text/html" } }));
    }
    return answer;
  };
  return {
    cookies,
    open: (url, { until } = {}) => follow(new URL(url), { headers: { accept: "text/html" } }, until),
    send: (method, url, body) => {
      const isForm = body instanceof URLSearchParams;
      const type: Record<string, string> = body === undefined || isForm ? {} : { "content-type": "application/json" };
      const headers = { "sec-fetch-site": "same-origin", ...type };
      const content = body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) };
      return follow(new URL(url), { method, headers, ...content });
    },
  };
}

/** Signs in at the login page of a fake issuer, as which `answer` was shown. */
export function fillIn(browser: Browser, answer: Answer, username: string): Promise<Answer> {
  const fields = [...answer.text.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)];
  const values = fields.map(([, name = "", value = ""]): [string, string] => [name, plainText(value)]);
  return browser.send("POST", `${answer.url.origin}/login`, new URLSearchParams([...values, ["username", username]]));
}

/** The whole sign-in, from the page of the portal. */
export async function signIn(browser: Browser, url: string, issuer: string, username: string): Promise<Answer> {
  const answer = await browser.open(`${url}/sign-in/with/${issuer}?next=/docs`);
  return answer.text.includes('name="username"') ? fillIn(browser, answer, username) : answer;
}

export async function me(browser: Browser, url: string): Promise<{ name: string; role: string } | undefined> {
  const answer = await browser.send("GET", `${url}/v1/me`);
  return answer.status === 200 ? (JSON.parse(answer.text) as { name: string; role: string }) : undefined;
}

export function plainText(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
