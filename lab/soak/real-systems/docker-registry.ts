// Debian's docker-registry, killed and started again in the middle of pushes. Gantry's own client must get every image
// into it whole.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createRegistry, type Registry } from "@gantry/connectors/oci/client.ts";
import { type Descriptor, OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST, sha256 } from "@gantry/connectors/oci/manifest.ts";
import { blobOfBytes } from "@gantry/connectors/oci/upload.ts";
import { GantryError } from "@gantry/core/errors.ts";

const PROGRAM = "/usr/bin/docker-registry";
const LAYER_BYTES = 8 * 1024 * 1024;
const REPOSITORY = "soak/image";
/** How often a push is tried again, and how long it waits in between: longer than the registry is away. */
const [TRIES, AGAIN_MS] = [100, 200];

/** Why the scenario cannot run on this machine. */
export function noDockerRegistry(): string | undefined {
  return existsSync(PROGRAM) ? undefined : "docker-registry is not installed";
}

/** `interrupted`: pushes that saw the registry go away. `broken`: images that could not be read back as they were. */
export async function pushWhileRestarting(
  times: number,
): Promise<{ pushed: number; interrupted: number; broken: number }> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-registry-"));
  const port = await freePort();
  const config = join(dir, "config.yml");
  await writeFile(config, configOf(dir, port));
  let running = start(config);
  const registry = createRegistry({
    title: "docker-registry",
    url: `http://127.0.0.1:${port}`,
    fetch,
    signal: new AbortController().signal,
    nowMs: Date.now,
    chunkBytes: 1024 * 1024,
  });
  const figures = { pushed: 0, interrupted: 0, broken: 0 };
  try {
    for (let nth = 0; nth < times; nth++) {
      const layer = randomBytes(LAYER_BYTES);
      const restart = async (): Promise<void> => {
        // A time within a push of some tens of milliseconds, different every time.
        await pause(5 + ((nth * 7) % 60));
        await kill(running);
        running = start(config);
      };
      const [{ failures, digest }] = await Promise.all([pushUntilDone(registry, `n${nth}`, layer), restart()]);
      figures.pushed += 1;
      if (failures > 0) figures.interrupted += 1;
      const back = await registry.readBlob(REPOSITORY, digest, LAYER_BYTES);
      if (!back.equals(layer)) figures.broken += 1;
    }
    return figures;
  } finally {
    await kill(running);
    await rm(dir, { recursive: true, force: true });
  }
}

async function pushUntilDone(
  registry: Registry,
  tag: string,
  layer: Buffer,
): Promise<{ failures: number; digest: Descriptor }> {
  const config = Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", tag }));
  const [layerBlob, configBlob] = [blobOfBytes(sha256(layer), layer), blobOfBytes(sha256(config), config)];
  const descriptorOf = (mediaType: string, bytes: Buffer): Descriptor => ({
    mediaType,
    digest: sha256(bytes),
    size: bytes.length,
  });
  const layers = [descriptorOf(OCI_LAYER_GZIP, layer)];
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptorOf(OCI_CONFIG, config), layers };
  const bytes = Buffer.from(JSON.stringify(manifest));
  for (let failures = 0; ; failures++) {
    try {
      await registry.pushBlob(REPOSITORY, layerBlob);
      await registry.pushBlob(REPOSITORY, configBlob);
      await registry.putManifest(REPOSITORY, tag, { digest: sha256(bytes), mediaType: OCI_MANIFEST, bytes });
      return { failures, digest: descriptorOf(OCI_LAYER_GZIP, layer) };
    } catch (error) {
      const again = error instanceof GantryError && error.entry.retryable === true && failures < TRIES;
      if (!again) throw error;
      await pause(AGAIN_MS);
    }
  }
}

function start(config: string): ChildProcess {
  return spawn(PROGRAM, ["serve", config], { stdio: "ignore" });
}

function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

function configOf(dir: string, port: number): string {
  return `version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: ${join(dir, "data")}}}
http: {addr: "127.0.0.1:${port}", secret: soak}
`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
