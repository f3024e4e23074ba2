import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { FakeServer } from "@gantry/lab/fakes/fake-server.ts";
import { startRegistry } from "@gantry/lab/fakes/registry/registry.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { createRegistry, type Registry } from "./client.ts";
import { type Descriptor, OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST, sha256 } from "./manifest.ts";
import type { RegistryOptions } from "./transport.ts";
import { type BlobSource, blobOfBytes } from "./upload.ts";

const ACCOUNT = { username: "ci", password: "registry-pass-1" };
const CHUNK = 64 * 1024;

async function registry(t: TestContext): Promise<FakeServer> {
  const server = await startRegistry({ name: "registry", dir: await tempDir(t), ...ACCOUNT });
  t.after(() => server.close());
  return server;
}

function client(url: string, more: Partial<RegistryOptions> = {}): Registry {
  const signal = new AbortController().signal;
  return createRegistry({
    title: "registry",
    url,
    credentials: ACCOUNT,
    fetch,
    signal,
    nowMs: Date.now,
    chunkBytes: CHUNK,
    ...more,
  });
}

function blobOf(bytes: Buffer): BlobSource & { descriptor: Descriptor; bytes: Buffer } {
  const digest = sha256(bytes);
  const descriptor = { mediaType: OCI_LAYER_GZIP, digest, size: bytes.length };
  return { ...blobOfBytes(digest, bytes), descriptor, bytes };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail("it did not fail"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof GantryError, String(error));
  return error.code;
}

async function pushSmallImage(to: Registry, repository: string, tag: string) {
  const config = blobOf(Buffer.from("{}"));
  await to.pushBlob(repository, config);
  const document = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { ...config.descriptor, mediaType: OCI_CONFIG },
    layers: [],
  };
  const bytes = Buffer.from(JSON.stringify(document));
  const manifest = { digest: sha256(bytes), mediaType: OCI_MANIFEST, bytes };
  await to.putManifest(repository, tag, manifest);
  return manifest;
}

function uploads(server: FakeServer): string[] {
  const good = server.exchanges.filter(({ path, status }) => path.includes("/uploads/") && status < 300);
  return good.map(({ method }) => method);
}

test("pushes and reads back blobs of every size around the chunk", async (t) => {
  const server = await registry(t);
  const remote = client(server.url);
  for (const size of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7]) {
    const blob = blobOf(randomBytes(size));
    assert.equal(await remote.hasBlob("a/b", blob.digest), false);
    assert.equal(await remote.pushBlob("a/b", blob), "uploaded");
    assert.equal(await remote.hasBlob("a/b", blob.digest), true);
    assert.deepEqual(await remote.readBlob("a/b", blob.descriptor, size), blob.bytes);
  }
  assert.equal(uploads(server).filter((method) => method === "PATCH").length, 1 + 3);
});

test("stores a manifest, finds it by tag and digest, and everybody may pull it", async (t) => {
  const { url } = await registry(t);
  const manifest = await pushSmallImage(client(url), "a/b", "1");
  const anonymous = client(url, { credentials: undefined as never });
  assert.equal(await anonymous.headManifest("a/b", "1"), manifest.digest);
  assert.equal(await anonymous.headManifest("a/b", manifest.digest), manifest.digest);
  assert.deepEqual((await anonymous.getManifest("a/b", "1"))?.bytes, manifest.bytes);
  assert.equal(await anonymous.headManifest("a/b", "2"), undefined);
  assert.equal(await anonymous.getManifest("nobody/knows", "2"), undefined);
});

test("mounts a blob from another repository of the same registry, and uploads it if it is missing there", async (t) => {
  const server = await registry(t);
  const remote = client(server.url);
  const blob = blobOf(randomBytes(100));
  await remote.pushBlob("base/image", blob);
  assert.equal(await remote.pushBlob("app/one", blob, "base/image"), "mounted");
  assert.equal(await remote.pushBlob("app/two", blob, "base/other"), "uploaded");
  assert.equal(await remote.hasBlob("app/two", blob.digest), true);
});

test("goes on after the connection broke in the middle of an upload, from the byte that has come", async (t) => {
  const server = await registry(t);
  const remote = client(server.url);
  const blob = blobOf(randomBytes(4 * CHUNK));
  server.faults.add({ match: "^PATCH", times: 1, after: 1, kind: "cut", bytes: 1_000 });
  server.faults.add({ match: "^PUT", times: 1, kind: "cut", bytes: 2_000 });
  assert.equal(await remote.pushBlob("a/b", blob), "uploaded");
  assert.deepEqual(await remote.readBlob("a/b", blob.descriptor, blob.size), blob.bytes);
  assert.equal(uploads(server).filter((method) => method === "POST").length, 1, "it was one upload");
});

test("an upload whose last answer was lost is not sent again", async (t) => {
  const server = await registry(t);
  const blob = blobOf(randomBytes(10));
  server.faults.add({ match: "^PUT", times: 1, kind: "drop-answer" });
  await client(server.url).pushBlob("a/b", blob);
  assert.equal(uploads(server).filter((method) => method === "PUT").length, 0, "the only PUT lost its answer");
});

test("gives up with an error when no byte arrives", async (t) => {
  const server = await registry(t);
  server.faults.add({ match: "^PATCH", times: 100, kind: "drop" });
  assert.equal(await codeOf(client(server.url).pushBlob("a/b", blobOf(randomBytes(2 * CHUNK)))), "system-unavailable");
});

test("distinguishes a wrong password, a missing right and a failing registry", async (t) => {
  const server = await registry(t);
  const blob = blobOf(Buffer.from("x"));
  const wrong = client(server.url, { credentials: { ...ACCOUNT, password: "no" } });
  assert.equal(await codeOf(wrong.pushBlob("a/b", blob)), "credential-refused");
  const nobody = client(server.url, { credentials: undefined as never });
  assert.equal(await codeOf(nobody.pushBlob("a/b", blob)), "credential-refused");
  const cases = [
    [403, "system-forbidden"],
    [412, "system-refused"],
    [413, "system-refused"],
    [429, "system-unavailable"],
    [503, "system-unavailable"],
    [302, "system-strange"],
  ] as const;
  for (const [status, code] of cases) {
    server.faults.clear();
    server.faults.add({
      match: "^PUT .*manifests",
      times: 9,
      kind: "status",
      status,
      body: { errors: [{ message: "no" }] },
    });
    assert.equal(await codeOf(pushSmallImage(client(server.url), "a/b", "1")), code, `status ${status}`);
  }
});

test("an account without the right to push gets that error, not one about its password", async (t) => {
  const { url } = await serverThat(t, (path) => {
    if (path.startsWith("/token")) return [200, { token: "t" }];
    return [
      401,
      { errors: [{ message: "unauthorized, action: push" }] },
      `Bearer realm="${"ORIGIN"}/token",service="s"`,
    ];
  });
  assert.equal(await codeOf(client(url).pushBlob("a/b", blobOf(Buffer.from("x")))), "system-forbidden");
});

test("credentials go to the registry's own host and to hosts that are trusted, to no other", async (t) => {
  const elsewhere = await serverThat(t, () => [200, { token: "t", expires_in: 300 }]);
  const asked = await serverThat(t, (_, headers) => {
    if (headers.authorization) return [404, { errors: [{ code: "NAME_UNKNOWN" }] }];
    return [401, {}, `Bearer realm="${elsewhere.url}/token",service="s"`];
  });
  // A registry on plain HTTP may not send the runner to another plain address of its network …
  assert.equal(await codeOf(client(asked.url).headManifest("a/b", "1")), "system-strange");
  assert.deepEqual(elsewhere.seen, []);
  // … unless the configuration trusts that host.
  const trusting = client(asked.url, { trustedHosts: [new URL(elsewhere.url).host] });
  assert.equal(await trusting.headManifest("a/b", "1"), undefined);
  assert.deepEqual(elsewhere.seen, [`Basic ${Buffer.from("ci:registry-pass-1").toString("base64")}`]);
  assert.deepEqual(
    asked.seen.filter((header) => header?.startsWith("Basic")),
    [],
  );
});

test("a blob that is kept elsewhere is fetched there without the token", async (t) => {
  const bytes = Buffer.from("layer");
  const storage = await serverThat(t, () => [200, bytes]);
  const front = await serverThat(t, () => [307, {}, undefined, `${storage.url}/signed`]);
  const blob = blobOf(bytes);
  assert.deepEqual(await client(front.url).readBlob("a/b", blob.descriptor, 100), bytes);
  assert.deepEqual(storage.seen, [undefined]);
});

test("damaged, longer and much too large content is refused", async (t) => {
  const { url } = await serverThat(t, () => [200, Buffer.from("other")]);
  const { descriptor } = blobOf(Buffer.from("layer"));
  assert.equal(await codeOf(client(url).readBlob("a/b", descriptor, 100)), "system-strange");
  assert.equal(await codeOf(client(url).readBlob("a/b", { ...descriptor, size: 3 }, 100)), "system-strange");
  assert.equal(await codeOf(client(url).readBlob("a/b", { ...descriptor, size: 300 }, 100)), "system-strange");
  assert.equal(await codeOf(client(url).getManifest("a/b", descriptor.digest)), "system-strange");
});

test("an abort ends the transfer with its reason", async (t) => {
  const abort = new AbortController();
  const { url } = await serverThat(t, () => undefined);
  const call = client(url, { signal: abort.signal }).headManifest("a/b", "1");
  const reason = new Error("canceled");
  abort.abort(reason);
  await assert.rejects(call, (error) => error === reason);
});

type Reply = readonly [status: number, body: object, challenge?: string | undefined, location?: string] | undefined;

/** A server that gives the scripted answers; `seen` are the Authorization headers. ORIGIN in a challenge is its own address. */
async function serverThat(t: TestContext, reply: (path: string, headers: Record<string, unknown>) => Reply) {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    const answer = reply(request.url ?? "", request.headers);
    if (!answer) return;
    const [status, body, challenge, location] = answer;
    if (challenge)
      response.setHeader("www-authenticate", challenge.replace("ORIGIN", `http://${request.headers.host}`));
    if (location) response.setHeader("location", location);
    response.writeHead(status).end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

test("saves a large blob to a file as it comes", async (t) => {
  const { url } = await registry(t);
  const remote = client(url);
  const blob = blobOf(randomBytes(5 * CHUNK));
  await remote.pushBlob("a/b", blob);
  const file = join(await tempDir(t), "blob");
  await remote.saveBlob("a/b", blob.descriptor, file);

  assert.deepEqual(await readFile(file), blob.bytes);
});
