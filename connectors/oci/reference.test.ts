import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReference, registryUrl } from "./reference.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

test("reads image names with the usual abbreviations", () => {
  assert.deepEqual(parseReference("nginx"), { host: "docker.io", repository: "library/nginx", tag: "latest" });
  assert.deepEqual(parseReference("me/app:2"), { host: "docker.io", repository: "me/app", tag: "2" });
  assert.deepEqual(parseReference("localhost/app"), { host: "localhost", repository: "app", tag: "latest" });
  assert.deepEqual(parseReference("r.example:8443/a/b-c/d:1.2_x"), {
    host: "r.example:8443",
    repository: "a/b-c/d",
    tag: "1.2_x",
  });
  assert.deepEqual(parseReference(`r.example/a@${DIGEST}`), { host: "r.example", repository: "a", digest: DIGEST });
  assert.deepEqual(parseReference(`r.example/a:1@${DIGEST}`)?.tag, "1");
});

test("refuses what is no image name", () => {
  const bad = [
    "",
    "A/b",
    "a//b",
    "a:",
    "a:-x",
    "a@sha256:1",
    `a@${DIGEST}@${DIGEST}`,
    "r.example/../x",
    "https://r.example/a",
  ];
  for (const text of bad) assert.equal(parseReference(text), undefined, text);
});

test("asks registries over TLS, but for those on this machine", () => {
  assert.equal(registryUrl("docker.io"), "https://registry-1.docker.io");
  assert.equal(registryUrl("harbor.example:8443"), "https://harbor.example:8443");
  assert.equal(registryUrl("127.0.0.1.example"), "https://127.0.0.1.example");
  assert.equal(registryUrl("127.0.0.1:5000"), "http://127.0.0.1:5000");
  assert.equal(registryUrl("[::1]:5000"), "http://[::1]:5000");
});
