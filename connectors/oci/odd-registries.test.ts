// Registries that follow the specification in their own way: how they ask for a login, and how they refuse a mount.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import type { GantryError } from "@gantry/core/errors.ts";
import { createRegistry, type Registry } from "./client.ts";
import { sha256 } from "./manifest.ts";
import { blobOfBytes } from "./upload.ts";

const BYTES = Buffer.from("hello blob");
const BLOB = blobOfBytes(sha256(BYTES), BYTES);

type Odd = {
  readonly challenge?: (url: string) => string;
  readonly token?: unknown;
  /** Answers the request for a token. */
  readonly onToken?: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly onMount?: (response: ServerResponse) => void;
  readonly anonymous?: boolean;
};

async function serve(t: TestContext, odd: Odd): Promise<{ registry: Registry; log: string[] }> {
  const log: string[] = [];
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    const { method, url = "", headers } = request;
    const self = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    log.push(`${method} ${url}`);
    if (url.startsWith("/token")) {
      if (odd.onToken?.(request, response)) return;
      return void response.end(JSON.stringify(odd.token ?? { token: "T" }));
    }
    if (!/^(Bearer T|Basic )/.test(headers.authorization ?? "")) {
      response.writeHead(401, {
        "www-authenticate": odd.challenge?.(self) ?? `Bearer realm="${self}/token",service="r"`,
      });
      return void response.end("{}");
    }
    if (url.includes("mount=") && odd.onMount) return odd.onMount(response);
    const answers: Record<string, [number, Record<string, string>]> = {
      HEAD: [200, { "docker-content-digest": BLOB.digest }],
      POST: [202, { location: "/v2/a/b/blobs/uploads/9" }],
    };
    const [status, more] = answers[method ?? ""] ?? [201, {}];
    response.writeHead(status, more).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const registry = createRegistry({
    title: "registry",
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...(odd.anonymous ? {} : { credentials: { username: "u", password: "p" } }),
    fetch,
    signal: AbortSignal.timeout(60_000),
    nowMs: Date.now,
  });
  return { registry, log };
}

function answer(status: number, headers: Record<string, string> = {}): (response: ServerResponse) => void {
  return (response) => response.writeHead(status, headers).end('{"errors":[{"code":"DENIED"}]}');
}

const MOUNTS: Readonly<Record<string, Odd>> = {
  "400": { onMount: answer(400) },
  "401 with a challenge": { onMount: answer(401, { "www-authenticate": 'Bearer realm="/token"' }) },
  "401 without a challenge": { onMount: answer(401) },
  "403": { onMount: answer(403) },
  "404": { onMount: answer(404) },
  "405": { onMount: answer(405) },
  "416": { onMount: answer(416) },
  "500": { onMount: answer(500) },
  "302 to somewhere": { onMount: answer(302, { location: "/elsewhere" }) },
  "201 for another blob": { onMount: answer(201, { "docker-content-digest": sha256("other") }) },
  "202 without a location": { onMount: answer(202) },
  "202 with an upload": { onMount: answer(202, { location: "/v2/a/b/blobs/uploads/8" }) },
  "a token service that refuses the other repository": {
    onToken: (request, response) => {
      if (!request.url?.includes("library")) return false;
      response.writeHead(403).end("{}");
      return true;
    },
  },
};

for (const [name, odd] of Object.entries(MOUNTS)) {
  test(`a mount becomes an ordinary upload: ${name}`, async (t) => {
    const { registry, log } = await serve(t, odd);
    assert.equal(await registry.pushBlob("a/b", BLOB, "library/base"), "uploaded");
    assert.ok(
      log.some((line) => line.startsWith("PUT /v2/a/b/blobs/uploads/")),
      log.join("\n"),
    );
  });
}

for (const [name, head] of [
  ["a page", { "content-type": "text/html" }],
  ["a text", { "content-type": "text/plain" }],
  ["an answer without a type", {}],
] as const) {
  test(`nothing counts as pushed or found when ${name} of a proxy answers everything with 200`, async (t) => {
    const server = createServer((request, response) => {
      request
        .resume()
        .on("end", () => response.writeHead(200, { ...head, location: "/v2/a/b/blobs/uploads/1" }).end("OK"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const registry = createRegistry({
      title: "registry",
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      fetch,
      signal: AbortSignal.timeout(60_000),
      nowMs: Date.now,
    });
    const manifest = { digest: BLOB.digest, mediaType: "application/vnd.oci.image.manifest.v1+json", bytes: BYTES };
    const strange = { code: "system-strange", details: { status: 200 } };
    for (const call of [
      () => registry.pushBlob("a/b", BLOB),
      () => registry.putManifest("a/b", "1", manifest),
      () => registry.headManifest("a/b", BLOB.digest),
      () => registry.headManifest("a/b", "1"),
      () => registry.getManifest("a/b", "1"),
      () => registry.listReferrers("a/b", BLOB.digest, "x/y"),
    ]) {
      await assert.rejects(call, (error: GantryError) => {
        assert.deepEqual({ code: error.code, details: { status: error.details.status } }, strange);
        return true;
      });
    }
    const found = await registry.hasBlob("a/b", BLOB.digest).catch(() => false);
    assert.equal(found, false);
  });
}

test("the list of referrers is read to its last page, and one without end is refused", async (t) => {
  const pages = 3;
  let endless = false;
  const server = createServer((request, response) => {
    const page = Number(/last=(\d+)/.exec(request.url ?? "")?.[1] ?? 0);
    const link =
      page % 2 === 0 ? `</v2/a/b/referrers/x?n=1&last=${page + 1}>; rel="next"` : `<?last=${page + 1}>;rel=next`;
    const isLast = page + 1 === pages && !endless;
    const manifests = [{ mediaType: "m", digest: sha256(String(page)), size: 1, artifactType: "x/y" }];
    response.writeHead(200, isLast ? { link: '</v2/>; rel="first"' } : { link });
    response.end(JSON.stringify({ schemaVersion: 2, manifests }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const registry = createRegistry({
    title: "registry",
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fetch,
    signal: AbortSignal.timeout(60_000),
    nowMs: Date.now,
  });
  const found = await registry.listReferrers("a/b", BLOB.digest);
  assert.deepEqual(
    found.map(({ digest }) => digest),
    ["0", "1", "2"].map((one) => sha256(one)),
  );
  endless = true;
  await assert.rejects(registry.listReferrers("a/b", BLOB.digest), { code: "system-strange" });
});

test("the address of an upload keeps what the registry wrote into it", async (t) => {
  const location = "/v2/a/b/blobs/uploads/8?_state=a%20b~c/+==&x";
  const { registry, log } = await serve(t, { onMount: answer(202, { location }) });
  await registry.pushBlob("a/b", BLOB, "library/base");
  assert.equal(log.at(-1), `PUT ${location}&digest=${encodeURIComponent(BLOB.digest)}`);
});

test("a mount that works sends no bytes", async (t) => {
  const { registry, log } = await serve(t, { onMount: answer(201) });
  assert.equal(await registry.pushBlob("a/b", BLOB, "library/base"), "mounted");
  assert.ok(!log.some((line) => line.startsWith("PUT")));
});

const LOGINS: Readonly<Record<string, Odd>> = {
  access_token: { token: { access_token: "T" } },
  "an empty token beside access_token": { token: { token: "", access_token: "T" } },
  "a lifetime as text": { token: { token: "T", expires_in: "300" } },
  "a lifetime of null": { token: { token: "T", expires_in: null } },
  "a negative lifetime": { token: { token: "T", expires_in: -1 } },
  "a realm without quotes": { challenge: (url) => `Bearer realm=${url}/token,service=r` },
  "a realm with spaces around": { challenge: (url) => `Bearer realm = "${url}/token" , service = "r"` },
  "a realm as a path": { challenge: () => 'Bearer realm="/token",service="r"' },
  "a realm with a query": { challenge: (url) => `Bearer realm="${url}/token?account=u"` },
  "lower case": { challenge: (url) => `bearer Realm="${url}/token"` },
  "Basic before Bearer, without an account": {
    challenge: (url) => `Basic realm="x", Bearer realm="${url}/token"`,
    anonymous: true,
  },
  "Negotiate before Basic": { challenge: () => 'Negotiate, Basic realm="x"' },
  "Basic without a realm": { challenge: () => "Basic" },
  "commas in quotes": { challenge: (url) => `Bearer realm="${url}/token",scope="repository:a/b:pull,push",error="x"` },
};

for (const [name, odd] of Object.entries(LOGINS)) {
  test(`logs in at a registry that asks with: ${name}`, async (t) => {
    const { registry } = await serve(t, odd);
    assert.equal(await registry.headManifest("a/b", "latest"), BLOB.digest);
  });
}
