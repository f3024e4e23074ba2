// The registry against the OCI distribution specification, with plain requests and with a client that others wrote.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { tempDir } from "@gantry/connectors/temp-dir.fixture.ts";
import { isInstalled } from "../../installed.fixture.ts";
import { startRegistry } from "./registry.ts";
import { sha256 } from "./store.ts";

const run = promisify(execFile);
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

async function open(t: TestContext, options: { username?: string; password?: string } = {}) {
  const dir = await tempDir(t);
  let fake = await startRegistry({ name: "registry", dir, ...options });
  t.after(() => fake.close());
  const { port, url } = fake;
  const ask = async (method: string, path: string, init: RequestInit = {}) => {
    // A restart leaves no connection to use again.
    const headers = { connection: "close", ...(init.headers as Record<string, string> | undefined) };
    const response = await fetch(new URL(path, url), { redirect: "manual", ...init, method, headers });
    const bytes = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, bytes, json: () => JSON.parse(bytes.toString()) };
  };
  const restart = async () => {
    await fake.close();
    fake = await startRegistry({ name: "registry", dir, port, ...options });
  };
  return { ask, url, restart };
}

type Ask = Awaited<ReturnType<typeof open>>["ask"];

async function putBlob(ask: Ask, repository: string, text: string) {
  const digest = sha256(text);
  const { status } = await ask("POST", `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: text });
  assert.equal(status, 201);
  return { mediaType: "application/octet-stream", digest, size: Buffer.byteLength(text) };
}

async function putManifest(ask: Ask, repository: string, reference: string, more: object = {}) {
  const config = await putBlob(ask, repository, "{}");
  const body = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [], ...more });
  const answer = await ask("PUT", `/v2/${repository}/manifests/${reference}`, {
    body,
    headers: { "content-type": MANIFEST },
  });
  return { ...answer, digest: sha256(body), body };
}

const codeOf = (answer: { json: () => { errors: { code: string }[] } }): string | undefined =>
  answer.json().errors[0]?.code;

test("uploads in one request, in two, and in chunks", async (t) => {
  const { ask } = await open(t);
  const { digest } = await putBlob(ask, "a/b", "one");
  assert.equal((await ask("HEAD", `/v2/a/b/blobs/${digest}`)).headers.get("content-length"), "3");

  const begun = await ask("POST", "/v2/a/b/blobs/uploads/");
  assert.equal(begun.status, 202);
  const location = begun.headers.get("location") ?? "";
  const two = sha256("two");
  const put = await ask("PUT", `${location}?digest=${two}`, { body: "two" });
  assert.deepEqual([put.status, put.headers.get("docker-content-digest")], [201, two]);
  assert.equal((await ask("GET", put.headers.get("location") ?? "")).bytes.toString(), "two");

  const chunked = (await ask("POST", "/v2/a/b/blobs/uploads/")).headers.get("location") ?? "";
  const chunk = (range: string, body: string) => ask("PATCH", chunked, { body, headers: { "content-range": range } });
  assert.equal((await chunk("0-2", "abc")).headers.get("range"), "0-2");
  assert.equal((await chunk("5-6", "xx")).status, 416, "out of order");
  const status = await ask("GET", chunked);
  assert.deepEqual([status.status, status.headers.get("range")], [204, "0-2"]);
  assert.equal((await chunk("3-5", "def")).status, 202);
  assert.equal((await ask("PUT", `${chunked}?digest=${sha256("abcdef")}`)).status, 201);
  assert.equal((await ask("GET", chunked)).status, 404, "the upload is over");
});

test("stores no content that has another digest", async (t) => {
  const { ask } = await open(t);
  const wrong = await ask("POST", `/v2/a/b/blobs/uploads/?digest=${sha256("other")}`, { body: "one" });
  assert.deepEqual([wrong.status, codeOf(wrong)], [400, "DIGEST_INVALID"]);
  assert.equal((await ask("HEAD", `/v2/a/b/blobs/${sha256("other")}`)).status, 404);
  assert.equal(codeOf(await ask("GET", `/v2/a/b/blobs/${sha256("one")}`)), "BLOB_UNKNOWN");
  const first = await putManifest(ask, "a/b", "1");
  const headers = { "content-type": MANIFEST };
  const other = await ask("PUT", `/v2/a/b/manifests/${first.digest}`, { body: `${first.body} `, headers });
  assert.deepEqual([other.status, codeOf(other)], [400, "DIGEST_INVALID"]);
});

test("a blob belongs to the repository it came to, until it is mounted into another", async (t) => {
  const { ask } = await open(t);
  const { digest } = await putBlob(ask, "a/b", "one");
  assert.equal((await ask("HEAD", `/v2/c/d/blobs/${digest}`)).status, 404);
  assert.equal((await ask("POST", `/v2/c/d/blobs/uploads/?mount=${digest}&from=a/b`)).status, 201);
  assert.equal((await ask("HEAD", `/v2/c/d/blobs/${digest}`)).status, 200);
  assert.equal((await ask("POST", `/v2/c/d/blobs/uploads/?mount=${digest}&from=no/one`)).status, 202);
});

test("answers parts of a blob", async (t) => {
  const { ask } = await open(t);
  const { digest } = await putBlob(ask, "a/b", "0123456789");
  const part = (range: string) => ask("GET", `/v2/a/b/blobs/${digest}`, { headers: { range } });
  const middle = await part("bytes=2-4");
  assert.deepEqual(
    [middle.status, middle.bytes.toString(), middle.headers.get("content-range")],
    [206, "234", "bytes 2-4/10"],
  );
  assert.equal((await part("bytes=8-")).bytes.toString(), "89");
  assert.equal((await part("bytes=10-")).status, 416);
});

test("accepts a manifest only when it is complete, and hides it from clients that do not ask for its type", async (t) => {
  const { ask } = await open(t);
  const lacking = { config: { mediaType: "x", digest: sha256("never"), size: 5 } };
  assert.equal(codeOf(await putManifest(ask, "a/b", "1", lacking)), "MANIFEST_BLOB_UNKNOWN");
  assert.equal(codeOf(await putManifest(ask, "a/b", "1", { mediaType: INDEX })), "MANIFEST_INVALID");
  assert.equal((await putManifest(ask, "a/b", "-bad")).status, 400);
  const { digest, body } = await putManifest(ask, "a/b", "1");
  const accept = { headers: { accept: `${INDEX}, ${MANIFEST}` } };
  for (const reference of ["1", digest]) {
    const got = await ask("GET", `/v2/a/b/manifests/${reference}`, accept);
    assert.deepEqual([got.bytes.toString(), got.headers.get("content-type")], [body, MANIFEST]);
    assert.equal(got.headers.get("docker-content-digest"), digest);
  }
  assert.equal(codeOf(await ask("GET", "/v2/a/b/manifests/1")), "MANIFEST_UNKNOWN", "Accept: */* is not enough");
  assert.equal(codeOf(await ask("GET", "/v2/no/one/manifests/1", accept)), "NAME_UNKNOWN");
  const missing = JSON.stringify({
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: [{ mediaType: MANIFEST, digest: sha256("x"), size: 1 }],
  });
  const index = await ask("PUT", "/v2/a/b/manifests/i", { body: missing, headers: { "content-type": INDEX } });
  assert.equal(codeOf(index), "MANIFEST_UNKNOWN");
});

test("lists tags in order and in pages, and deletes them", async (t) => {
  const { ask } = await open(t);
  for (const tag of ["c", "a", "b"]) await putManifest(ask, "a/b", tag);
  assert.deepEqual((await ask("GET", "/v2/a/b/tags/list")).json(), { name: "a/b", tags: ["a", "b", "c"] });
  const page = await ask("GET", "/v2/a/b/tags/list?n=2");
  assert.deepEqual(page.json().tags, ["a", "b"]);
  const next = /<(.*)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1] ?? "";
  const last = await ask("GET", next);
  assert.deepEqual([last.json().tags, last.headers.get("link")], [["c"], null]);
  assert.equal((await ask("DELETE", "/v2/a/b/manifests/a")).status, 202);
  assert.deepEqual((await ask("GET", "/v2/a/b/tags/list")).json().tags, ["b", "c"]);
  const { digest } = await putManifest(ask, "a/b", "b");
  assert.equal((await ask("DELETE", `/v2/a/b/manifests/${digest}`)).status, 202);
  assert.deepEqual((await ask("GET", "/v2/a/b/tags/list")).json().tags, [], "its tags go with a manifest");
});

test("lists what belongs to a manifest", async (t) => {
  const { ask } = await open(t);
  const subject = { mediaType: MANIFEST, digest: sha256("not there yet"), size: 1 };
  const note = await putManifest(ask, "a/b", "note", { subject, artifactType: "x/note", annotations: { k: "v" } });
  assert.equal(note.headers.get("oci-subject"), subject.digest);
  const list = async (query = "") => (await ask("GET", `/v2/a/b/referrers/${subject.digest}${query}`)).json().manifests;
  const [only] = await list();
  assert.deepEqual([only.digest, only.artifactType, only.annotations], [note.digest, "x/note", { k: "v" }]);
  assert.deepEqual(await list("?artifactType=x/other"), []);
  assert.equal((await list("?artifactType=x/note")).length, 1);
});

test("requires a token, and issues one for the rights of the account only", async (t) => {
  const { ask, url } = await open(t, { username: "ci", password: "secret-1" });
  const refused = await ask("POST", "/v2/a/b/blobs/uploads/");
  const challenge = refused.headers.get("www-authenticate") ?? "";
  assert.equal(refused.status, 401);
  assert.equal(challenge, `Bearer realm="${url}/service/token",service="registry",scope="repository:a/b:pull,push"`);
  const token = async (scope: string, password?: string): Promise<{ status: number; authorization: string }> => {
    const basic = `Basic ${Buffer.from(`ci:${password}`).toString("base64")}`;
    const headers: Record<string, string> = password === undefined ? {} : { authorization: basic };
    const answer = await ask("GET", `/service/token?service=registry&scope=${scope}`, { headers });
    return { status: answer.status, authorization: `Bearer ${answer.json().token}` };
  };
  const push = async (repository: string, authorization: string) =>
    (await ask("POST", `/v2/${repository}/blobs/uploads/`, { headers: { authorization } })).status;
  assert.equal((await token("repository:a/b:pull,push", "wrong")).status, 401);
  const good = await token("repository:a/b:pull,push", "secret-1");
  assert.equal(await push("a/b", good.authorization), 202);
  assert.equal(await push("c/d", good.authorization), 401, "for another repository");
  assert.equal(await push("a/b", (await token("repository:a/b:pull,push")).authorization), 401, "anonymous");
  assert.equal(await push("a/b", `${good.authorization}x`), 401, "forged");
});

test("everything that was answered is there after a restart", async (t) => {
  const { ask, restart } = await open(t);
  const { digest } = await putManifest(ask, "a/b", "1");
  const upload = (await ask("POST", "/v2/a/b/blobs/uploads/")).headers.get("location") ?? "";
  await ask("PATCH", upload, { body: "abc" });
  await restart();
  const head = await ask("HEAD", "/v2/a/b/manifests/1", { headers: { accept: MANIFEST } });
  assert.equal(head.headers.get("docker-content-digest"), digest);
  assert.equal((await ask("PUT", `${upload}?digest=${sha256("abcdef")}`, { body: "def" })).status, 201);
});

test("an unmodified client pushes, lists and pulls", async (t) => {
  if (!(await isInstalled("skopeo"))) return t.skip("skopeo is not on this machine");
  const { url } = await open(t, { username: "ci", password: "secret-1" });
  const dir = await tempDir(t);
  const blob = async (text: string) => {
    const digest = sha256(text);
    await writeFile(join(dir, digest.slice(7)), text);
    return { digest, size: text.length };
  };
  const config = {
    mediaType: "application/vnd.oci.image.config.v1+json",
    ...(await blob('{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}')),
  };
  await writeFile(
    join(dir, "manifest.json"),
    JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [] }),
  );
  await writeFile(join(dir, "version"), "Directory Transport Version: 1.1\n");
  const policy = join(dir, "policy.json");
  await writeFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  const image = `docker://${new URL(url).host}/a/b:1`;
  const common = ["--policy", policy];
  await run("skopeo", [
    ...common,
    "copy",
    "--dest-tls-verify=false",
    "--dest-creds",
    "ci:secret-1",
    `dir:${dir}`,
    image,
  ]);
  const { stdout } = await run("skopeo", [...common, "list-tags", "--tls-verify=false", image.slice(0, -2)]);
  assert.deepEqual(JSON.parse(stdout).Tags, ["1"]);
  const { stdout: raw } = await run("skopeo", [...common, "inspect", "--raw", "--tls-verify=false", image]);
  assert.deepEqual(JSON.parse(raw).config, config);
});
