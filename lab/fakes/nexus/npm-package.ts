// An npm package made of a few texts: the same bytes, and so the same checksums, every time.

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

export type NpmPackage = {
  readonly name: string;
  readonly version: string;
  /** Without the scope: `greeting-1.0.0.tgz`. */
  readonly file: string;
  readonly tarball: Buffer;
  /** What a registry at this address answers about the package. */
  readonly document: (registry: string) => object;
};

/** Packs CommonJS files, with `index.js` as entry. */
export async function npmPackage(
  name: string,
  version: string,
  files: Readonly<Record<string, string>>,
): Promise<NpmPackage> {
  const description = "A small package of the lab.";
  const manifest = { name, version, description, license: "Apache-2.0", main: "index.js", types: "index.d.ts" };
  const tarball = await tarballOf({ "package.json": `${JSON.stringify(manifest, undefined, 2)}\n`, ...files });
  const file = `${name.split("/").at(-1)}-${version}.tgz`;
  const shasum = createHash("sha1").update(tarball).digest("hex");
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  const document = (registry: string): object => ({
    _id: name,
    name,
    description,
    "dist-tags": { latest: version },
    versions: {
      [version]: { ...manifest, dist: { tarball: `${registry}/${name}/-/${file}`, shasum, integrity } },
    },
    time: { [version]: new Date(0).toISOString() },
  });
  return { name, version, file, tarball, document };
}

async function tarballOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const archive = pack();
  for (const [path, text] of Object.entries(files)) {
    archive.entry({ name: `package/${path}`, mode: 0o644, mtime: new Date(0) }, text);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks), { level: 9 });
}
