import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createHttp } from "@gantry/connectors/http.ts";
import { tempDir } from "@gantry/connectors/temp-dir.fixture.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { selfSigned } from "@gantry/lab/fakes/certificate.ts";
import { type FakeServer, serve } from "@gantry/lab/fakes/fake-server.ts";
import type { SystemSettings } from "../config.ts";
import { systemFetch } from "./system-fetch.ts";
import { warnOfInsecure } from "./systems.ts";

type T = { after: (fn: () => Promise<void>) => void };
const CERTIFICATE = selfSigned(["localhost"]);
const WITH_ADDRESS = selfSigned(["other.example"], ["127.0.0.1"]);

async function start(t: T, tls = CERTIFICATE): Promise<{ server: FakeServer; dir: string; url: string }> {
  const dir = await tempDir(t);
  const server = await serve({ name: "sonarqube", dir, tls }, (router) => {
    router.get("/x", (ctx) => {
      ctx.body = { fine: true };
    });
  });
  t.after(() => server.close());
  return { server, dir, url: `https://localhost:${server.port}` };
}

/** The answer's status, or the code of the error, of one GET by a site that has this system. */
async function get(url: string, settings: Partial<SystemSettings>, path = "/x"): Promise<number | string> {
  const system = { kind: "sonarqube", url, standIn: true, token: "t", ...settings } as SystemSettings;
  const signal = AbortSignal.timeout(60_000);
  const http = createHttp({
    system: "sonarqube",
    baseUrl: url,
    fetch: systemFetch(fetch, { sonarqube: system }),
    signal,
  });
  try {
    return (await http.get(path)).status;
  } catch (error) {
    assert.ok(error instanceof GantryError, String(error));
    return `${error.code}: ${String(error.details.problem)}`;
  }
}

test("`ca:` and `insecureSkipVerify:` decide which certificates a system may have", async (t) => {
  const { dir, url, server } = await start(t);
  const withAddress = await start(t, WITH_ADDRESS);
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };
  const ca = await file("ca.pem", CERTIFICATE.cert);
  const several = await file("several.pem", `# site\n${WITH_ADDRESS.cert}\n${CERTIFICATE.cert}`);
  const other = await file("other.pem", selfSigned(["localhost"]).cert);
  const key = await file("key.pem", CERTIFICATE.key);
  const address = `https://127.0.0.1:${server.port}`;
  const rows: readonly (readonly [string, string, Partial<SystemSettings>, number | RegExp])[] = [
    ["neither", url, {}, /^certificate-untrusted: DEPTH_ZERO_SELF_SIGNED_CERT/],
    ["its own certificate as authority", url, { ca }, 200],
    ["one of several certificates in the file", url, { ca: several }, 200],
    ["the authority of another server", url, { ca: other }, /^certificate-untrusted: /],
    [
      "a name that the certificate does not have",
      address,
      { ca },
      /^certificate-untrusted: ERR_TLS_CERT_ALTNAME_INVALID/,
    ],
    ["an address that the certificate has", withAddress.server.url, { ca: several }, 200],
    ["no check at all", url, { insecureSkipVerify: true }, 200],
    ["no check at all, and another name", address, { insecureSkipVerify: true }, 200],
    ["a check that is switched on", url, { insecureSkipVerify: false }, /^certificate-untrusted: /],
    ["a file that does not exist", url, { ca: join(dir, "absent.pem") }, /^authority-unreadable: .*no such file/],
    ["a file without a certificate", url, { ca: key }, /^authority-unreadable: .*does not contain a PEM certificate/],
    ["http in place of https", `http://localhost:${server.port}`, {}, /^system-strange: .*https:\/\//],
  ];
  for (const [name, at, settings, expected] of rows) {
    const got = await get(at, settings);
    if (expected instanceof RegExp) assert.match(String(got), expected, name);
    else assert.equal(got, expected, name);
  }
});

test("another system's settings do not apply: neither to another host nor to another port", async (t) => {
  const { url } = await start(t);
  const other = await start(t);
  const system = { kind: "sonarqube", url: other.url, standIn: true, token: "t", insecureSkipVerify: true } as const;
  const fetchSystem = systemFetch(fetch, { other: system });
  assert.equal((await fetchSystem(`${other.url}/x`)).status, 200);
  await assert.rejects(fetchSystem(`${url}/x`));
});

/** Calls by the `fetch` of a step at a site without systems: the answer's status, or the code of the error. */
async function guarded(url: string, allow: readonly string[] = [], init: RequestInit = {}): Promise<number | string> {
  try {
    const answer = await systemFetch(fetch, {}, allow)(url, init);
    await answer.body?.cancel();
    return answer.status;
  } catch (error) {
    return error instanceof GantryError ? error.code : String(error);
  }
}

test("an address that is none of a system is not called when it leads to this machine, also by a name or a redirect", async (t) => {
  const dir = await tempDir(t);
  const server = await serve({ name: "victim", dir }, (router) => {
    router.get("/x", (ctx) => {
      ctx.body = { secret: true };
    });
    router.get("/away", (ctx) => ctx.redirect(String(ctx.query.to)));
  });
  t.after(() => server.close());
  const { port } = server;
  for (const host of ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"])
    assert.equal(await guarded(`http://${host}:${port}/x`), "address-refused", host);
  assert.equal(server.exchanges.length, 0);
  assert.equal(await guarded(`http://127.0.0.1:${port}/x`, ["127.0.0.0/8"]), 200);
  assert.equal(await guarded(`http://localhost:${port}/x`, ["localhost"]), 200);
  // What is allowed leads away to what is not: to an address, and to a name.
  const away = (to: string): string => `http://localhost:${port}/away?to=${encodeURIComponent(to)}`;
  assert.equal(await guarded(away("http://169.254.169.254/latest")), "address-refused");
  for (const to of [`http://127.0.0.1:${port}/x`, "http://169.254.169.254/latest", "http://metadata.google.internal/"])
    assert.equal(await guarded(away(to), ["localhost"]), "address-refused", to);
  assert.equal(server.exchanges.filter(({ path }) => path === "/x").length, 2);
});

test("a system of the site may be on this machine", async (t) => {
  const dir = await tempDir(t);
  const server = await serve({ name: "harbor", dir }, (router) => {
    router.get("/x", (ctx) => {
      ctx.body = {};
    });
  });
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.port}`;
  const system = { kind: "sonarqube", url, standIn: true, token: "t" } as const;
  assert.equal((await systemFetch(fetch, { sonarqube: system }, [])(`${url}/x`)).status, 200);
});

test("https to a server with plain http is reported as such, and not retried", async (t) => {
  const dir = await tempDir(t);
  const server = await serve({ name: "plain", dir }, () => undefined);
  t.after(() => server.close());
  assert.match(String(await get(`https://127.0.0.1:${server.port}`, {})), /^certificate-untrusted: .*http:\/\//);
});

test("a system whose certificate is not checked is named in red, once per step", () => {
  const lines: string[] = [];
  const system = { kind: "sonarqube", name: "sonar", url: "https://s.example", standIn: false, token: "t" } as const;
  const lookup = (insecureSkipVerify: boolean) =>
    warnOfInsecure((() => ({ ...system, insecureSkipVerify })) as never, (line) => void lines.push(line));
  lookup(false)("sonarqube");
  assert.deepEqual(lines, []);
  const unsafe = lookup(true);
  unsafe("sonarqube");
  unsafe("sonarqube");
  assert.equal(lines.length, 1);
  assert.match(lines.join(), /insecureSkipVerify is set for sonar/);
  assert.ok(lines.join().startsWith("\u001b[1;31m"));
});
