// For the tests of images: a folder of files as a build context, and a look into finished images.

import assert from "node:assert/strict";
import { chmod, mkdir, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import tar from "tar-stream";
import { type HarborBench, registryOf } from "../harbor/harbor.fixture.ts";
import { assembleImage } from "./assemble.ts";
import { parseDockerfile } from "./dockerfile/dockerfile.ts";
import { type BuiltImage, digestOf } from "./push-image.ts";
import { buildPush } from "./steps.ts";

/** By path: the text of a file, `->target` for a link, `x:` before the text for an executable. A path with `/` at its end is a folder. */
export type Files = Readonly<Record<string, string>>;

export async function writeFiles(folder: string, files: Files, dated = new Date()): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(path.endsWith("/") ? file : dirname(file), { recursive: true });
    if (path.endsWith("/")) continue;
    if (text.startsWith("->")) {
      await symlink(text.slice(2), file);
      continue;
    }
    const executable = text.startsWith("x:");
    await writeFile(file, executable ? text.slice(2) : text);
    await chmod(file, executable ? 0o755 : 0o644);
    await utimes(file, dated, dated);
  }
}

type Options = Partial<Parameters<typeof assembleImage>[0]> & { readonly context: string; readonly scratch: string };

/** Assembles with the Dockerfile given as text. */
export function assemble(text: string, options: Options): Promise<BuiltImage> {
  const { dockerfile, problems } = parseDockerfile(text);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return assembleImage({
    dockerfile,
    file: "Dockerfile",
    buildArgs: {},
    labels: {},
    platform: "linux/amd64",
    registryOf: () => {
      throw new Error("no registry in this test");
    },
    cache: options.scratch,
    ...options,
  });
}

export type Seen = {
  readonly path: string;
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  readonly text: string;
};

/** What is inside, layer by layer; `text` of a link is its target. */
export async function look(image: BuiltImage) {
  const manifest = JSON.parse(image.manifests.at(-1)?.bytes.toString() ?? "null");
  const bytesOf = async (digest: string): Promise<Buffer | undefined> => {
    const blob = image.blobs.find(({ descriptor }) => descriptor.digest === digest);
    if (blob?.from.kind !== "local") return undefined;
    return Buffer.from(await blob.from.blob.read(0, blob.from.blob.size));
  };
  const layers: Seen[][] = [];
  for (const { digest } of manifest.layers) {
    const bytes = await bytesOf(digest);
    if (bytes) layers.push(await readTar(gunzipSync(bytes)));
  }
  const config = JSON.parse((await bytesOf(manifest.config.digest))?.toString() ?? "null");
  return { digest: digestOf(image), manifest, config, layers };
}

/** Runs image/build-push for orders/web:1, or what `input` says, and answers its output. */
export async function pushed(setup: HarborBench, input: object = {}) {
  const outcome = await setup.bench.run(buildPush, { repository: "orders/web", tags: ["1"], ...input });
  assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
  if (outcome.kind !== "succeeded") throw new Error("unreachable");
  return outcome.output;
}

/** The config of an image that orders/web has, as text. */
export async function configOf(setup: HarborBench, reference: string): Promise<string> {
  const registry = registryOf(setup);
  const manifest = await registry.getManifest("orders/web", reference);
  const { config } = JSON.parse(manifest?.bytes.toString() ?? "null");
  return (await registry.readBlob("orders/web", config, 1_000_000)).toString();
}

async function readTar(bytes: Buffer): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const entry of Readable.from([bytes]).pipe(tar.extract())) {
    const { name, type, mode, uid, gid, linkname, mtime, pax } = entry.header;
    // Owners that the plain header cannot hold.
    const large: { readonly uid?: string; readonly gid?: string } = pax ?? {};
    if (mtime.getTime() !== 0) throw new Error(`${name} has a date`);
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const text = type === "symlink" ? (linkname ?? "") : Buffer.concat(chunks).toString();
    seen.push({ path: name, type, mode: mode.toString(8), owner: `${large.uid ?? uid}:${large.gid ?? gid}`, text });
  }
  return seen;
}
