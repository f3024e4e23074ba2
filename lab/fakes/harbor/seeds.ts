// What a fresh fake Harbor holds: the public project `library` with a small base image, under the names that the shipped
// templates build on, made by Gantry's own assembler and pushed by its own client, through the front door.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assembleImage } from "@gantry/connectors/image/assemble.ts";
import { parseDockerfile } from "@gantry/connectors/image/dockerfile/dockerfile.ts";
import { pushImage } from "@gantry/connectors/image/push-image.ts";
import { createRegistry } from "@gantry/connectors/oci/client.ts";

const REPOSITORIES = ["library/web-base", "library/java-base"] as const;
const TAG = "1";

export async function seedHarbor(url: string, admin: { username: string; password: string }): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${admin.username}:${admin.password}`).toString("base64")}`;
  const created = await fetch(`${url}/api/v2.0/projects`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ project_name: "library", metadata: { public: "true", auto_scan: "true" } }),
  });
  await created.body?.cancel();
  const registry = createRegistry({
    title: "library",
    url,
    credentials: admin,
    fetch,
    signal: new AbortController().signal,
    nowMs: Date.now,
  });
  const there = await Promise.all(REPOSITORIES.map((one) => registry.headManifest(one, TAG)));
  if (there.every((one) => one !== undefined)) return;
  const scratch = await mkdtemp(join(tmpdir(), "gantry-seed-"));
  try {
    const context = join(import.meta.dirname, "seeds", "web-base");
    const image = await assembleImage({
      dockerfile: parseDockerfile(await readFile(join(context, "Dockerfile"), "utf8")).dockerfile,
      context,
      file: "Dockerfile",
      buildArgs: {},
      labels: {},
      platform: "linux/amd64",
      registryOf: () => registry,
      scratch,
      cache: scratch,
    });
    for (const repository of REPOSITORIES)
      await pushImage({ registry, repository, image, tags: [TAG], scratch, log: () => undefined });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
