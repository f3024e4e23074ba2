// Copies onto a base image with links, as Debian, Fedora and Ubuntu have them: files go where the links lead, and no layer
// puts a directory in the place of a link.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import tar from "tar-stream";
import { harborBench, registryOf } from "../harbor/harbor.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { assemble, look, pushed, writeFiles } from "./image.fixture.ts";
import { resolveInImage } from "./image-paths.ts";
import { buildPush } from "./steps.ts";

const BASE = {
  "tree/usr/lib/systemd/x.service": "u",
  "tree/usr/bin/sh": "x:#",
  "tree/usr/sbin/init": "x:#",
  "tree/lib": "->usr/lib",
  "tree/lib64": "->/usr/lib",
  "tree/bin": "->usr/bin",
  "tree/sbin": "->usr/sbin",
  "tree/run/lock/x": "",
  "tree/run/app/x": "",
  "tree/var/run": "->/run",
  "tree/var/lock": "->../run/lock",
  "tree/var/tmp/x": "",
  "tree/usr/tmp": "->../var/tmp",
  "tree/etc/alternatives/java": "->/usr/bin/sh",
  "tree/usr/bin/java": "->/etc/alternatives/java",
  "tree/opt/current": "->releases/1",
  "tree/opt/releases/1/x": "",
  "tree/srv/dangling": "->/data/new",
  "tree/srv/up": "->../../../../etc",
  "tree/srv/loop": "->loop",
  "tree/etc/conf.d/x": "",
  "tree/etc/hosts": "h",
};
const CONTEXT = {
  f: "f",
  "d/one": "1",
  "d/sub/two": "2",
  "e/": "",
  "lib/new.so": "n",
  "hosts/x": "x",
  "etc/conf.d": "c",
};

test("files and folders go where the links of the base image lead", async (t) => {
  const setup = await harborBench(t);
  const { bench, host } = setup;
  await writeFiles(bench.workspace, { ...BASE, Dockerfile: "FROM scratch\nCOPY tree/ /\n" });
  await pushed(setup, { tags: ["base"] });
  await writeFiles(bench.workspace, CONTEXT);
  const registry = registryOf(setup);
  const top = async (lines: string): Promise<string[]> => {
    bench.nextTask();
    await writeFile(join(bench.workspace, "Dockerfile"), `FROM ${host}/orders/web:base\n${lines}\n`);
    const { digest } = await pushed(setup, { tags: ["x"] });
    const manifest = JSON.parse((await registry.getManifest("orders/web", digest))?.bytes.toString() ?? "null");
    const bytes = gunzipSync(await registry.readBlob("orders/web", manifest.layers.at(-1), 1_000_000));
    const names: string[] = [];
    for await (const entry of Readable.from([bytes]).pipe(tar.extract())) {
      names.push(entry.header.name);
      entry.resume();
    }
    return names;
  };
  const rows: readonly (readonly [lines: string, paths: readonly string[]])[] = [
    ["COPY f /lib/systemd", ["usr/lib/systemd/f"]],
    ["COPY f /lib/systemd/", ["usr/lib/systemd/f"]],
    ["COPY f /lib/f.so", ["usr/lib/f.so"]],
    ["COPY f /lib64", ["usr/lib/f"]],
    ["COPY f /bin/", ["usr/bin/f"]],
    ["COPY f /sbin/x", ["usr/sbin/x"]],
    ["COPY f /var/run/app", ["run/app/f"]],
    ["COPY f /var/lock/", ["run/lock/f"]],
    ["COPY f /usr/tmp", ["var/tmp/f"]],
    ["COPY f /opt/current", ["opt/releases/1/f"]],
    ["COPY d /opt/current/", ["opt/releases/1/one", "opt/releases/1/sub/two"]],
    ["COPY f /srv/dangling/x", ["data/new/x"]],
    ["COPY f /srv/up/x", ["etc/x"]],
    ["COPY --chown=5 d /var/run/app", ["run/app/one", "run/app/sub/", "run/app/sub/two"]],
    ["COPY --chmod=700 e /var/run/app", []],
    ["COPY e /var/run/new", ["run/new/"]],
    ["WORKDIR /var/run/made\nCOPY f .", ["run/made/f"]],
    ["WORKDIR /var/run/made\nCOPY f /run/made", ["run/made/f"]],
    ["COPY f /etc/conf.d", ["etc/conf.d/f"]],
  ];
  for (const [lines, paths] of rows) {
    if (paths.length > 0) assert.deepEqual(await top(lines), paths, lines);
  }
  const refused: readonly (readonly [lines: string, code: string, problem: RegExp])[] = [
    ["COPY . /", "no-builder", /Line 2: COPY puts the .* of the image\. The built-in assembler/],
    ["COPY lib /usr/bin/sh", "no-builder", /puts the directory lib over the file \/usr\/bin\/sh/],
    ["COPY hosts /etc/hosts", "no-builder", /puts the directory hosts over the file \/etc\/hosts/],
    ["COPY etc /etc", "no-builder", /puts the file etc\/conf.d over the directory \/etc\/conf.d/],
    ["COPY f /etc/hosts/", "dockerfile-invalid", /\/etc\/hosts is a file in the image, not a directory/],
    ["COPY f /etc/hosts/x", "dockerfile-invalid", /\/etc\/hosts is a file in the image/],
    ["COPY f /srv/loop/x", "dockerfile-invalid", /the links at \/srv\/loop\/x go round in a circle/],
    ["COPY f /x\nWORKDIR /etc/hosts", "dockerfile-invalid", /\/etc\/hosts is a file in the image/],
    ["WORKDIR /etc/hosts/x\nCOPY f .", "dockerfile-invalid", /\/etc\/hosts is a file in the image/],
    ["WORKDIR /etc/hosts", "dockerfile-invalid", /line 2: WORKDIR: \/etc\/hosts is a file in the image/],
    ["WORKDIR /bin\nWORKDIR sh", "dockerfile-invalid", /line 3: WORKDIR: \/bin\/sh is a file in the image/],
    ["WORKDIR /srv/loop/x", "dockerfile-invalid", /line 2: WORKDIR: the links at \/srv\/loop\/x go round/],
    ["COPY f /usr/bin/java", "no-builder", /puts a file in the place of the link \/usr\/bin\/java/],
    ["COPY f d/one /new", "dockerfile-invalid", /the destination must end with a slash/],
  ];
  for (const [lines, code, problem] of refused) {
    bench.nextTask();
    await writeFile(join(bench.workspace, "Dockerfile"), `FROM ${host}/orders/web:base\n${lines}\n`);
    const input = { repository: "orders/web", tags: ["y"], builder: "assembler" };
    const outcome = await bench.run(buildPush, input);
    assert.ok(outcome.kind === "failed" || outcome.kind === "errored", lines);
    assert.equal(outcome.failure.code, code, lines);
    assert.match(JSON.stringify(outcome.failure), problem, lines);
  }
});

test("links that the Dockerfile itself made are followed, and stay links", async (t) => {
  const context = await tempDir(t);
  await writeFiles(context, { "tree/releases/1/a": "x", "tree/current": "->releases/1", "new.txt": "n", "d/b": "b" });
  const text = "FROM scratch\nCOPY tree/ /\nCOPY new.txt /current/\nCOPY d /current\nWORKDIR /current/made\nCOPY d .\n";
  const { layers } = await look(await assemble(text, { context, scratch: await tempDir(t) }));
  assert.deepEqual(
    layers.slice(1).map((layer) => layer.map(({ path }) => path)),
    [["releases/1/new.txt"], ["releases/1/b"], ["releases/1/made/"], ["releases/1/made/b"]],
  );
});

test("a path never leaves the image, however its links are written", () => {
  const links: Readonly<Record<string, string>> = {
    a: "b",
    b: "/c",
    up: "../../x",
    deep: "a/../up",
    "c/self": ".",
    l: "l",
  };
  const lookup = (path: string) => {
    const link = links[path];
    return link === undefined ? undefined : ({ kind: "symlink", link } as const);
  };
  const cases: readonly [string, string][] = [
    ["a/f", "c/f"],
    ["up/f", "x/f"],
    ["deep/f", "x/f"],
    ["a/self/self/f", "c/f"],
    ["../../etc", "etc"],
    ["", ""],
    ["new/x", "new/x"],
  ];
  for (const [path, expected] of cases) assert.deepEqual(resolveInImage(lookup, path), { path: expected }, path);
  assert.ok("problem" in resolveInImage(lookup, "l/x"));
});

test("the digest does not depend on .git, at any depth; an ignore file may take it back", async (t) => {
  const build = async (git: string, ignore?: string) => {
    const context = await tempDir(t);
    const files = {
      "a.txt": "a",
      ".git/index": git,
      ".git/logs/HEAD": git,
      "sub/.git": `gitdir: ${git}`,
      "sub/b": "b",
    };
    await writeFiles(context, {
      ...files,
      ".gitignore": "x",
      ...(ignore === undefined ? {} : { ".dockerignore": ignore }),
    });
    return look(await assemble("FROM scratch\nCOPY . /app/\n", { context, scratch: await tempDir(t) }));
  };
  for (const ignore of [undefined, "", "# nothing\n", "*.log\n", "\uFEFFa.txt\n", "*\n!a.txt\n!sub\n", "!a.txt\n"]) {
    const [one, two] = [await build("1", ignore), await build("2", ignore)];
    assert.equal(one.digest, two.digest, ignore);
    assert.ok(!one.layers.flat().some(({ path }) => /\.git(\/|$)/.test(path)), ignore);
  }
  const taken = (await build("1", "!.git\n")).layers.flat().map(({ path }) => path);
  assert.ok(taken.includes("app/.git/index") && !taken.includes("app/sub/.git") && taken.includes("app/.gitignore"));
});

test("ADD of a possible archive needs a real builder, for every file name", async (t) => {
  const context = await tempDir(t);
  const tarHead = Buffer.alloc(512);
  tarHead.write("ustar", 257);
  const heads = ["1f8b08", "425a6839", "fd377a585a0000", "28b52ffd00", "04224d1800"].map((hex) =>
    Buffer.from(hex, "hex"),
  );
  for (const [index, head] of [...heads, tarHead].entries()) {
    await writeFile(join(context, "data.bin"), head);
    const built = assemble("FROM scratch\nADD data.bin /\n", { context, scratch: await tempDir(t) });
    await assert.rejects(built, { code: "no-builder" }, String(index));
  }
  await writeFile(join(context, "data.bin"), "text");
  const { layers } = await look(
    await assemble("FROM scratch\nADD data.bin /\n", { context, scratch: await tempDir(t) }),
  );
  assert.deepEqual(
    layers.flat().map(({ path }) => path),
    ["data.bin"],
  );
});
