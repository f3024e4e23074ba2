import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { tempDir } from "../temp-dir.fixture.ts";
import { readLayout } from "./oci-layout.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const digestOf = (bytes: string): string => createHash("sha256").update(bytes).digest("hex");

test("links that commands of a Dockerfile have put into a layout lead to no file of the runner", async (t) => {
  const dir = await tempDir(t);
  const layout = join(dir, "layout");
  const blobs = join(layout, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const put = async (bytes: string): Promise<{ digest: string; size: number }> => {
    await writeFile(join(blobs, digestOf(bytes)), bytes);
    return { digest: `sha256:${digestOf(bytes)}`, size: bytes.length };
  };
  const config = { mediaType: "application/vnd.oci.image.config.v1+json", ...(await put("{}")) };
  const manifest = await put(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [] }));
  await writeFile(
    join(layout, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: MANIFEST, ...manifest }] }),
  );
  assert.equal((await readLayout(layout, "buildah")).blobs.length, 1);

  const secret = join(dir, "secret");
  await writeFile(secret, "{}");
  const blob = join(blobs, digestOf("{}"));
  await rm(blob);
  await symlink(secret, blob);
  await assert.rejects(readLayout(layout, "buildah"), { code: "system-strange" });
  await rm(blob);
  await writeFile(blob, "{}");
  await rename(blobs, join(dir, "elsewhere"));
  await symlink(join(dir, "elsewhere"), blobs);
  await assert.rejects(readLayout(layout, "buildah"), { code: "system-strange" });
});

test("pipes, huge files and endless indexes in a layout are refused at once", { timeout: 60_000 }, async (t) => {
  const layout = await tempDir(t);
  const index = join(layout, "index.json");
  const blobs = join(layout, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const refused = (): Promise<void> => assert.rejects(readLayout(layout, "buildah"), { code: "system-strange" });
  await refused();
  // Reading would block a thread that all of the runner shares.
  execFileSync("mkfifo", [index]);
  await refused();
  await rm(index);
  await writeFile(index, "{}");
  await truncate(index, 8 * 1_048_576);
  await refused();

  // 60 indexes, each of which names the next one twice, say 2^60 images.
  const mediaType = "application/vnd.oci.image.index.v1+json";
  let next = await put({ schemaVersion: 2, manifests: [] });
  async function put(document: object): Promise<{ digest: string; size: number; mediaType: string }> {
    const bytes = JSON.stringify(document);
    await writeFile(join(blobs, digestOf(bytes)), bytes);
    return { digest: `sha256:${digestOf(bytes)}`, size: bytes.length, mediaType };
  }
  for (let n = 0; n < 60; n += 1) next = await put({ schemaVersion: 2, mediaType, manifests: [next, next] });
  await writeFile(index, JSON.stringify({ schemaVersion: 2, manifests: [next] }));
  assert.equal((await readLayout(layout, "buildah")).manifests.length, 61);
  for (let n = 0; n < 60; n += 1) next = await put({ schemaVersion: 2, mediaType, manifests: [next] });
  await writeFile(index, JSON.stringify({ schemaVersion: 2, manifests: [next] }));
  await refused();
});
