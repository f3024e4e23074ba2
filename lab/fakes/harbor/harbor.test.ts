import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { assemble } from "@gantry/connectors/image/image.fixture.ts";
import { digestOf, pushImage } from "@gantry/connectors/image/push-image.ts";
import { createRegistry } from "@gantry/connectors/oci/client.ts";
import { tempDir } from "@gantry/connectors/temp-dir.fixture.ts";
import { sha256 } from "../registry/store.ts";
import { type HarborOptions, startHarbor } from "./harbor.ts";

const ADMIN = { username: "admin", password: "harbor-pass-1" };
const INSTANT = { registerMs: 0, queueMs: 0, scanMs: 0 };

async function open(t: TestContext, more: Partial<HarborOptions> = {}) {
  const options = { name: "harbor", dir: await tempDir(t), timing: INSTANT, ...ADMIN, ...more };
  let harbor = await startHarbor(options);
  t.after(() => harbor.close());
  const { port, url } = harbor;
  const as = (username: string, password: string) =>
    `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const api = async (
    method: string,
    path: string,
    body?: object,
    authorization = as(ADMIN.username, ADMIN.password),
  ) => {
    const response = await fetch(`${url}/api/v2.0${path}`, {
      method,
      headers: { connection: "close", "content-type": "application/json", ...(authorization ? { authorization } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text,
    };
  };
  const push = async (repository: string, files: Record<string, string>) => {
    const scratch = await tempDir(t);
    await mkdir(join(scratch, "context"));
    for (const [name, text] of Object.entries(files)) await writeFile(join(scratch, "context", name), text);
    const image = await assemble("FROM scratch\nCOPY . /app/\n", { context: join(scratch, "context"), scratch });
    const signal = new AbortController().signal;
    const registry = createRegistry({ title: "harbor", url, credentials: ADMIN, fetch, signal, nowMs: Date.now });
    await pushImage({ registry, repository, image, tags: ["1"], scratch, log: () => undefined });
    return digestOf(image);
  };
  const restart = async () => {
    await harbor.close();
    harbor = await startHarbor({ ...options, port });
  };
  return { api, push, restart, as, url };
}

const REPORT = "application/vnd.security.vulnerability.report; version=1.1";

test("begins with a public base image that anybody can pull", async (t) => {
  const { url, api } = await open(t);
  const accept = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await fetch(`${url}/v2/library/web-base/manifests/1`, { headers: { accept } });
  assert.equal(manifest.status, 200);
  const { body } = await api("GET", "/projects/library/repositories/web-base/artifacts/1?with_scan_overview=true");
  assert.equal(body.scan_overview[REPORT].severity, "Medium");
  const ping = await fetch(`${url}/v2/`);
  assert.equal(ping.status, 401, "clients learn from it where to sign in");
});

test("projects: ids come in the Location header, metadata are strings, names are unique", async (t) => {
  const { api } = await open(t, { empty: true });
  const made = await api("POST", "/projects", { project_name: "orders", metadata: { public: "false" } });
  assert.deepEqual([made.status, made.headers.get("location")], [201, "/api/v2.0/projects/1"]);
  assert.equal((await api("POST", "/projects", { project_name: "orders" })).status, 409);
  assert.equal((await api("POST", "/projects", { project_name: "Orders" })).status, 400);
  assert.equal((await api("POST", "/projects", { project_name: "x", metadata: { public: true } })).status, 422);
  assert.equal((await api("POST", "/projects", { project_name: "x" }, "")).status, 401);
  assert.equal((await api("HEAD", "/projects?project_name=orders")).status, 200);
  assert.equal((await api("HEAD", "/projects?project_name=other")).status, 404);
  assert.equal((await api("GET", "/projects/1")).body.name, "orders");
  assert.equal((await api("GET", "/projects/orders", undefined, "")).status, 401);
});

test("the scan finds what the image contains", async (t) => {
  const { api, push } = await open(t, { empty: true });
  await api("POST", "/projects", { project_name: "orders", metadata: { auto_scan: "true" } });
  const dependencies = { minimist: "^1.2.5", lodash: "4.17.21", semver: "7.3.8" };
  const digest = await push("orders/web", { "package.json": JSON.stringify({ dependencies }) });
  const path = `/projects/orders/repositories/web/artifacts/${digest}`;
  const { body } = await api("GET", `${path}?with_scan_overview=true`);
  assert.deepEqual(body.scan_overview[REPORT].summary, { total: 2, fixable: 2, summary: { Critical: 1, Medium: 1 } });
  const report = await api("GET", `${path}/additions/vulnerabilities`);
  assert.deepEqual(
    report.body[REPORT].vulnerabilities.map((one: { id: string }) => one.id),
    ["CVE-2021-44906", "CVE-2022-25883"],
  );
});

test("a layer that the scanner cannot read ends the scan as an error", async (t) => {
  const { api, url, as } = await open(t, { empty: true });
  await api("POST", "/projects", { project_name: "orders", metadata: { auto_scan: "true" } });
  const authorization = as(ADMIN.username, ADMIN.password);
  const blob = async (text: string, mediaType: string) => {
    const digest = sha256(text);
    const path = `${url}/v2/orders/web/blobs/uploads/?digest=${digest}`;
    assert.equal((await fetch(path, { method: "POST", body: text, headers: { authorization } })).status, 201);
    return { mediaType, digest, size: text.length };
  };
  const config = await blob("{}", "application/vnd.oci.image.config.v1+json");
  const layers = [await blob("not gzip", "application/vnd.oci.image.layer.v1.tar+gzip")];
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const body = JSON.stringify({ schemaVersion: 2, mediaType, config, layers });
  const headers = { authorization, "content-type": mediaType };
  await fetch(`${url}/v2/orders/web/manifests/1`, { method: "PUT", body, headers });
  const answer = await api("GET", "/projects/orders/repositories/web/artifacts/1?with_scan_overview=true");
  assert.equal(answer.body.scan_overview[REPORT].scan_status, "Error");
});

test("repository names with a slash must be encoded twice", async (t) => {
  const { api, push } = await open(t, { empty: true });
  await api("POST", "/projects", { project_name: "orders" });
  await push("orders/team/web", { a: "a" });
  assert.equal((await api("GET", "/projects/orders/repositories/team%252Fweb/artifacts/1")).status, 200);
  assert.equal((await api("GET", "/projects/orders/repositories/team%2Fweb/artifacts/1")).status, 404);
});

test("a robot does what it was given", async (t) => {
  const { api, push, as, url } = await open(t, { empty: true });
  for (const name of ["orders", "other"]) await api("POST", "/projects", { project_name: name });
  await push("orders/web", { a: "a" });
  await push("other/web", { a: "a" });
  const access = [{ resource: "repository", action: "pull" }];
  const robot = {
    name: "ci",
    level: "project",
    duration: -1,
    permissions: [{ kind: "project", namespace: "orders", access }],
  };
  const made = await api("POST", "/robots", robot);
  assert.equal(made.body.name, "robot$orders+ci");
  assert.equal((await api("POST", "/robots", robot)).status, 409);
  const authorization = as(made.body.name, made.body.secret);
  const artifact = (project: string) =>
    api("GET", `/projects/${project}/repositories/web/artifacts/1`, undefined, authorization);
  assert.deepEqual([(await artifact("orders")).status, (await artifact("other")).status], [200, 403]);
  const upload = await fetch(`${url}/v2/orders/web/blobs/uploads/`, { method: "POST", headers: { authorization } });
  assert.equal(upload.status, 401, "it may pull, not push");
});

test("pushing needs a project", async (t) => {
  const { push } = await open(t, { empty: true });
  await assert.rejects(push("nowhere/web", { a: "a" }), /does not allow it/);
});

test("remembers everything over a restart, a running scan included", async (t) => {
  let nowMs = 1_000;
  const clock = () => nowMs;
  const { api, push, restart } = await open(t, {
    empty: true,
    clock,
    timing: { registerMs: 0, queueMs: 0, scanMs: 1_000 },
  });
  await api("POST", "/projects", { project_name: "orders", metadata: { auto_scan: "true" } });
  await push("orders/web", { a: "a" });
  const status = async () => {
    const { body } = await api("GET", "/projects/orders/repositories/web/artifacts/1?with_scan_overview=true");
    return body.scan_overview[REPORT].scan_status;
  };
  nowMs = 1_500;
  assert.equal(await status(), "Running");
  const scan = () => api("POST", "/projects/orders/repositories/web/artifacts/1/scan", { scan_type: "vulnerability" });
  assert.equal((await scan()).status, 409);
  await restart();
  assert.equal(await status(), "Running");
  nowMs = 2_500;
  assert.equal(await status(), "Success");
  assert.equal((await scan()).status, 202);
});

test("shows people that it is a fake", async (t) => {
  const { url } = await open(t);
  for (const path of ["/", "/harbor/projects/1"]) {
    const page = await (await fetch(url + path)).text();
    assert.match(page, /fake Harbor/);
    assert.match(page, /library/);
  }
});
