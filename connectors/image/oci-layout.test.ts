import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
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
