// Archives that a stranger made: layers of base images are read, never unpacked, so nothing in them reaches the disk.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { GantryError } from "@gantry/core/errors.ts";
import tar from "tar-stream";
import type { Registry } from "../oci/client.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { type BaseImage, filesOf, type LayerLimits } from "./base-image.ts";

type Entry = Partial<tar.Header> & { readonly name: string };

const CANARY = "/tmp/gantry-canary-of-hostile-layers";
const plain = (name: string): Entry => ({ name, type: "file" });
const link = (name: string, linkname: string, type: "symlink" | "link" = "symlink"): Entry => ({
  name,
  type,
  linkname,
});

/** 40 archives, each a list of entries; files hold one byte. */
const ARCHIVES: { readonly [what: string]: readonly Entry[] } = {
  ...Object.fromEntries(
    [
      "../escape",
      "../../../../../../../../tmp/gantry-canary-of-hostile-layers",
      CANARY,
      `/${CANARY}`,
      `.//..${CANARY}`,
      "a/../../escape",
      "./../escape",
      "..\\escape",
      "C:\\escape",
      "a\0b",
      "a\nb",
      "a\u202eb",
      "..",
      ".",
      "/",
      "//",
      "a/./b/../../../c",
      `${"d/".repeat(500)}deep`,
      "n".repeat(5_000),
      "etc/passwd",
      "__proto__",
      "constructor/prototype",
      ".wh.../../../escape",
      ".wh..wh..opq",
      ".wh.",
      "%2e%2e/escape",
    ].map((name) => [`a file ${JSON.stringify(name.slice(0, 60))}`, [plain(name)]]),
  ),
  "a link out, and a file through it": [link("out", "/tmp"), plain("out/gantry-canary-of-hostile-layers")],
  "a relative link out": [link("out", "../../../../tmp"), plain("out/gantry-canary-of-hostile-layers")],
  "a hard link to a file of the machine": [link("passwd", "/etc/passwd", "link")],
  "a hard link out by ..": [link("passwd", "../../../../etc/passwd", "link")],
  "a link to itself": [link("loop", "loop"), plain("loop/x")],
  "two links in a circle": [link("a", "b"), link("b", "a"), plain("a/x")],
  "a link that is replaced by a folder": [link("x", "/tmp"), { name: "x", type: "directory" }, plain("x/escape")],
  "a folder that is replaced by a link": [{ name: "x", type: "directory" }, link("x", "/tmp"), plain("x/escape")],
  "a block device": [{ name: "sda", type: "block-device", devmajor: 8, devminor: 0 }],
  "a character device": [{ name: "mem", type: "character-device", devmajor: 1, devminor: 1 }],
  "a FIFO": [{ name: "pipe", type: "fifo" }],
  "a set-user-id file": [{ name: "su", type: "file", mode: 0o6755 }],
  "the same name a thousand times": Array.from({ length: 1_000 }, () => plain("same")),
  "an owner beyond 32 bits": [{ name: "x", type: "file", uid: 2 ** 33, gid: 2 ** 33 }],
};

async function archiveOf(entries: readonly Entry[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const entry of entries) {
    const isFile = entry.type === "file";
    pack.entry({ ...entry, size: isFile ? 1 : 0 } as tar.Header, isFile ? "x" : "");
  }
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function imageOf(...blobs: readonly Buffer[]): BaseImage {
  // Only what reading layers uses.
  const registry = {
    title: "registry",
    streamBlob: async function* (_: string, { digest }: { digest: string }) {
      yield blobs[Number(digest.at(-1))];
    },
  } as unknown as Registry;
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  const layers = blobs.map((layer, at) => ({
    mediaType,
    digest: `sha256:${String(at).repeat(64)}`,
    size: layer.length,
  }));
  return { registry, repository: "x/y", layers, config: {} as BaseImage["config"], digest: `sha256:${"1".repeat(64)}` };
}

for (const [what, entries] of Object.entries(ARCHIVES)) {
  test(`${what} reaches nothing but the list of files`, async (t) => {
    const cache = await tempDir(t);
    const lookup = await filesOf(imageOf(gzipSync(await archiveOf(entries))), cache).lookup();
    for (const path of ["tmp", "etc/passwd", "escape", "loop/x"]) lookup(path);
    assert.deepEqual(readdirSync(cache, { recursive: true }).toSorted(), [
      "image",
      "image/base-4",
      `image/base-4/${"1".repeat(64)}.json`,
    ]);
    assert.equal(readdirSync("/tmp").includes("gantry-canary-of-hostile-layers"), false);
    assert.equal(({} as { x?: unknown }).x, undefined);
  });
}

test("what deletes is for the layers below, wherever it stands in its own", async (t) => {
  const lower = await archiveOf([plain("d/old"), plain("d/kept"), plain("x/old"), plain("y")]);
  const upper = await archiveOf([
    link("d/.l", "../x"),
    { name: "d/.wh..wh..opq", type: "file" },
    plain("x/old"),
    plain("x/.wh.old"),
    plain(".wh.y"),
  ]);
  const lookup = await filesOf(imageOf(gzipSync(lower), gzipSync(upper)), await tempDir(t)).lookup();
  assert.deepEqual(
    ["d", "d/old", "d/kept", "d/.l", "x/old", "y"].map((path) => lookup(path)?.kind),
    ["directory", undefined, undefined, "symlink", "file", undefined],
  );
});

test("a folder that no layer lists is there as long as nothing deletes or replaces the folder itself", async (t) => {
  const rows: readonly (readonly [
    what: string,
    layers: readonly (readonly Entry[])[],
    kinds: Record<string, string | undefined>,
  ])[] = [
    [
      "its only file is deleted",
      [[plain("a/b/f")], [plain("a/b/.wh.f")]],
      { a: "directory", "a/b": "directory", "a/b/f": undefined },
    ],
    ["all in it is deleted", [[plain("a/b/f")], [plain("a/.wh..wh..opq")]], { a: "directory", "a/b": undefined }],
    ["it is deleted", [[plain("a/b/f")], [plain("a/.wh.b")]], { a: "directory", "a/b": undefined }],
    [
      "it is deleted and filled again",
      [[plain("a/b/f")], [plain("a/b/g"), plain("a/.wh.b")]],
      { "a/b": "directory", "a/b/f": undefined, "a/b/g": "file" },
    ],
    ["a file takes its place", [[plain("a/b/f")], [plain("a")]], { a: "file", "a/b": undefined, "a/b/f": undefined }],
    ["a link takes its place", [[plain("a/b/f")], [link("a/b", "/c")]], { "a/b": "symlink", "a/b/f": undefined }],
    [
      "it is there again",
      [[plain("a/b/f")], [plain("a")], [plain("a/g")]],
      { a: "directory", "a/b": undefined, "a/g": "file" },
    ],
    [
      "it is written in other ways",
      [[plain("a/./b//f")], [plain("./a/b/../.wh.b")]],
      { a: "directory", "a/b": undefined },
    ],
  ];
  for (const [what, layers, kinds] of rows) {
    const blobs = await Promise.all(layers.map(async (layer) => gzipSync(await archiveOf(layer))));
    const lookup = await filesOf(imageOf(...blobs), await tempDir(t)).lookup();
    const found = Object.fromEntries(Object.keys(kinds).map((path) => [path, lookup(path)?.kind]));
    assert.deepEqual(found, kinds, what);
  }
});

test("a layer is read by its bytes, whatever its media type says, and in old and sparse formats", async (t) => {
  const tarBytes = await archiveOf([plain("a/f")]);
  // The mark of a format stands behind the checksum, which counts it.
  const old = Buffer.from(tarBytes);
  old.fill(0, 257, 265);
  const sum = old.subarray(0, 512).reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
  old.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  const sparse = await archiveOf([{ name: "a/GNUSparseFile.0/f", type: "file", pax: { "GNU.sparse.name": "a/f" } }]);
  for (const [what, bytes] of Object.entries({
    gzip: gzipSync(tarBytes),
    plain: tarBytes,
    zstd: zstdCompressSync(tarBytes),
    old: gzipSync(old),
    sparse: gzipSync(sparse),
  })) {
    const lookup = await filesOf(imageOf(bytes), await tempDir(t)).lookup();
    assert.deepEqual([lookup("a/f")?.kind, lookup("a/GNUSparseFile.0")], ["file", undefined], what);
  }
});

test("a layer that cannot be unpacked is the fault of the image, and is named", async (t) => {
  const packed = gzipSync(await archiveOf([plain("a/f"), plain("b")]));
  const layers = {
    "no archive": Buffer.from("hello ".repeat(200)),
    "no archive inside": gzipSync(Buffer.from("hello ".repeat(200))),
    "cut in the packing": packed.subarray(0, 60),
    "cut inside": gzipSync((await archiveOf([plain("a/f"), plain("b")])).subarray(0, 700)),
    "something behind it": Buffer.concat([packed, Buffer.from("garbage")]),
  };
  for (const [what, bytes] of Object.entries(layers)) {
    const read = filesOf(imageOf(bytes), await tempDir(t)).lookup();
    await assert.rejects(
      read,
      (error) =>
        error instanceof GantryError &&
        error.code === "system-strange" &&
        /^its layer sha256:0+ cannot be unpacked: /.test(String(error.details.problem)),
      what,
    );
  }
});

test("thousands of deleted files among many are read quickly", async (t) => {
  const names = Array.from({ length: 20_000 }, (_, at) => `usr/share/d${at % 100}/f${at}`);
  const lower = await archiveOf(names.map(plain));
  const upper = await archiveOf(names.map((name) => plain(name.replace(/\/f/, "/.wh.f"))));
  const start = process.cpuUsage();
  const lookup = await filesOf(imageOf(gzipSync(lower), gzipSync(upper)), await tempDir(t)).lookup();
  assert.equal(lookup("usr/share/d1/f1"), undefined);
  assert.equal(lookup("usr/share/d1")?.kind, "directory");
  const { user } = process.cpuUsage(start);
  assert.ok(user < 10_000_000, `${user} µs`);
});

test("there are 40 archives", () => assert.ok(Object.keys(ARCHIVES).length >= 40));

test("an archive with too many entries, or that unpacks to too much, is refused", async (t) => {
  const many = await archiveOf(Array.from({ length: 1_001 }, (_, at) => plain(`f${at}`)));
  const limits: LayerLimits = { entries: 1_000, bytes: 10_000 };
  const code = async (layer: Buffer): Promise<string> => {
    const read = filesOf(imageOf(layer), await tempDir(t), limits).lookup();
    return read.then(
      () => "read",
      (error: unknown) => (error instanceof GantryError ? error.code : String(error)),
    );
  };
  assert.equal(await code(gzipSync(many)), "system-strange");
  const pack = tar.pack();
  pack.entry({ name: "zeros", size: 1_000_000 }, Buffer.alloc(1_000_000));
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(chunk as Buffer);
  const bomb = gzipSync(Buffer.concat(chunks));
  assert.ok(bomb.length < 5_000);
  assert.equal(await code(bomb), "system-strange");
  assert.equal(await code(gzipSync(await archiveOf([plain("a")]))), "read");
});
