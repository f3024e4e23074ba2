// Checkouts bring what the repository has: symbolic links, submodules and Git LFS files, or they say what is missing.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { appendFile, lstat, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { fastClock, openBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { startLabHost } from "./lab.fixture.ts";
import { plantTree, seed, type TreeFile } from "./lab-git.fixture.ts";
import { checkout, commitPush } from "./steps.ts";

test("links are real links in a checkout, and a later commit keeps them", async (t) => {
  const { bench, plant, repository } = await setUp(t);
  const slug = await plant([
    { path: "real/f.json", content: "{}" },
    { path: "config.json", mode: "120000", content: "real/f.json" },
  ]);
  const outcome = await bench.once(checkout, { repository: repository(slug), directory: "x" });
  assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
  assert.ok((await lstat(join(bench.workspace, "x/config.json"))).isSymbolicLink());
  assert.equal(await readFile(join(bench.workspace, "x/config.json"), "utf8"), "{}");
  await writeFile(join(bench.workspace, "x/new.txt"), "n");
  assert.equal(await commitOf(bench, repository(slug), "x"), "succeeded");
  bench.nextTask();
  await bench.once(checkout, { repository: repository(slug), directory: "y" });
  assert.ok((await lstat(join(bench.workspace, "y/config.json"))).isSymbolicLink());
  assert.equal(await readFile(join(bench.workspace, "y/new.txt"), "utf8"), "n");
  const bad = await plant([{ path: "l", mode: "120000", content: "../../etc" }]);
  bench.nextTask();
  const refused = await bench.once(checkout, { repository: repository(bad), directory: "z" });
  assert.match(
    JSON.stringify(refused),
    /system-refused.*symbolic link l → \.\.\/\.\.\/etc leads out of the repository/,
  );
});

test("a commit starts no program that a script has written into the configuration of a submodule", async (t) => {
  const { bench, plant, tip, repository } = await setUp(t);
  const lib = await plant([{ path: "lib.txt", content: "lib" }]);
  const app = await plant([
    { path: "a.txt", content: "a" },
    { path: ".gitmodules", content: `[submodule "lib"]\n\tpath = lib\n\turl = ../${lib}.git\n` },
    { path: "lib", mode: "160000", content: tip(lib) },
  ]);
  const outcome = await bench.once(checkout, { repository: repository(app) });
  assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
  const [canary, gitDir] = [join(bench.home, "canary"), join(bench.workspace, "lib", ".git")];
  await appendFile(join(gitDir, "config"), `[filter "x"]\n\tclean = touch ${canary}; cat\n`);
  await mkdir(join(gitDir, "info"), { recursive: true });
  await writeFile(join(gitDir, "info", "attributes"), "* filter=x\n");
  await writeFile(join(bench.workspace, "lib", "lib.txt"), "new");
  await writeFile(join(bench.workspace, "a.txt"), "b");
  const input = { repository: repository(app), message: "Change" };
  const pushed = await bench.once(commitPush, input);
  assert.ok(pushed.kind === "succeeded" && pushed.output.changed, JSON.stringify(pushed));
  await assert.rejects(lstat(canary));
  await writeFile(join(gitDir, "HEAD"), `${"1".repeat(40)}\n`);
  bench.nextTask();
  const moved = await bench.once(commitPush, input);
  assert.match((moved.kind === "errored" && moved.failure.why) || "", /"lib" is a repository of its own/);
  await assert.rejects(lstat(canary));
});

test("a repository that is too large is refused before its files are written, and while it is downloaded", async (t) => {
  const { bench, plant, repository } = await setUp(t, { checkoutLimits: { mb: 2, files: 50 } });
  const many = await plant(Array.from({ length: 51 }, (_, n) => ({ path: `f${n}`, content: "x" })));
  const bomb = await plant([{ path: "zeros", content: "0".repeat(8 * 1_048_576) }]);
  const huge = await plant([{ path: "noise", content: randomBytes(4 * 1_048_576).toString("hex") }]);
  const lfs = await plant([
    { path: ".gitattributes", content: "*.bin filter=lfs\n" },
    {
      path: "a.bin",
      content: `version https://git-lfs.github.com/spec/v1\noid sha256:${"4".repeat(64)}\nsize 99999999999\n`,
    },
  ]);
  for (const [slug, limit, problem] of [
    [many, "50 files", /has 51 files at/],
    [bomb, "2 MiB", /has 8 MiB at/],
    [huge, "2 MiB", /was stopped while it downloaded/],
    [lfs, "2 MiB", /Git LFS files of .* have 95368 MiB/],
  ] as const) {
    const outcome = await bench.once(checkout, { repository: repository(slug), directory: slug });
    assert.ok(outcome.kind === "errored" && outcome.failure.code === "checkout-too-large", JSON.stringify(outcome));
    assert.equal(outcome.failure.message, `The checkout has more than ${limit}.`);
    assert.match(outcome.failure.why ?? "", problem);
    assert.deepEqual(
      (await readdir(join(bench.workspace, slug)).catch(() => [])).filter((name) => /^f\d|zeros|noise/.test(name)),
      [],
    );
  }
});

test("a submodule that the app may not read is refused, and nothing of it is fetched", async (t) => {
  const refusals: string[] = [];
  const { bench, plant, tip, repository } = await setUp(t, {
    require: (resource) => {
      refusals.push(resource.kind === "clone-url" ? resource.url : resource.kind);
      throw new GantryError("outside-app", { step: "git/checkout", what: "it", problem: "It is another app's." });
    },
  });
  const lib = await plant([{ path: "lib.txt", content: "lib" }]);
  const app = await plant([
    { path: ".gitmodules", content: `[submodule "lib"]\n\tpath = lib\n\turl = ../${lib}.git\n` },
    { path: "lib", mode: "160000", content: tip(lib) },
  ]);
  const outcome = await bench.once(checkout, { repository: repository(app) });
  assert.ok(outcome.kind === "errored" && outcome.failure.code === "outside-app", JSON.stringify(outcome));
  assert.match(outcome.failure.why ?? "", /submodule lib .*another app's/);
  assert.match(refusals.join(" "), new RegExp(`^http.*/${lib}\\.git$`));
  assert.deepEqual(await readdir(join(bench.workspace, "lib")).catch(() => []), []);
});

test("submodules are checked out, nested ones too, and a later commit leaves them as they are", async (t) => {
  const { lab, bench, plant, tip, repository } = await setUp(t);
  const inner = await plant([{ path: "in.txt", content: "in" }]);
  const modules = (path: string, url: string, more = "") =>
    `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n${more}`;
  const lib = await plant([
    { path: "lib.txt", content: "lib" },
    { path: ".gitmodules", content: modules("deep", `../${inner}.git`) },
    { path: "deep", mode: "160000", content: tip(inner) },
  ]);
  const host = new URL(lab.system.url).hostname;
  const urls = [`../${lib}.git`, `${lab.system.url}/scm/apps/${lib}.git`, `ssh://git@${host}:7999/apps/${lib}.git`];
  for (const [index, url] of urls.entries()) {
    const app = await plant([
      { path: "a.txt", content: "a" },
      { path: ".gitmodules", content: modules("vendor/lib", url) },
      { path: "vendor/lib", mode: "160000", content: tip(lib) },
    ]);
    bench.nextTask();
    const outcome = await bench.once(checkout, { repository: repository(app), directory: `x${index}` });
    assert.equal(outcome.kind, "succeeded", `${url}: ${JSON.stringify(outcome)}`);
    assert.equal(await readFile(join(bench.workspace, `x${index}/vendor/lib/deep/in.txt`), "utf8"), "in");
    await writeFile(join(bench.workspace, `x${index}/b.txt`), "b");
    assert.equal(await commitOf(bench, repository(app), `x${index}`), "succeeded");
  }
  const missing = "2".repeat(40);
  const bad: readonly (readonly [string, readonly TreeFile[], RegExp])[] = [
    ["another host", [{ path: ".gitmodules", content: modules("l", "http://else.example/l.git") }], /does not lead to/],
    ["ssh elsewhere", [{ path: ".gitmodules", content: modules("l", "git@else.example:x/l.git") }], /submodule l/],
    ["no address", [{ path: "a", content: "a" }], /says no address for the submodule l/],
    ["another path", [{ path: ".gitmodules", content: modules("m", "../x.git") }], /says no address/],
    ["no repository", [{ path: ".gitmodules", content: modules("l", "../nowhere.git") }], /submodule l/],
    [
      "no such commit",
      [{ path: ".gitmodules", content: modules("l", `../${inner}.git`) }],
      /submodule l .*222222222222/,
    ],
  ];
  for (const [index, [name, files, problem]] of bad.entries()) {
    const slug = await plant([...files, { path: "l", mode: "160000", content: missing }]);
    bench.nextTask();
    const outcome = await bench.run(checkout, { repository: repository(slug), directory: `bad${index}` });
    assert.equal(outcome.kind, "errored", name);
    assert.match(JSON.stringify(outcome), problem, name);
  }
  const left = await plant([
    { path: ".gitmodules", content: modules("l", "../x.git", "\tupdate = none\n") },
    { path: "l", mode: "160000", content: missing },
  ]);
  bench.nextTask();
  bench.lines.length = 0;
  assert.equal((await bench.once(checkout, { repository: repository(left), directory: "left" })).kind, "succeeded");
  assert.match(bench.lines.join("\n"), /submodule l: left out, as \.gitmodules says/);
});

test("files of Git LFS come in place of their pointers, and go back as pointers", async (t) => {
  const { bench, plant, repository, lfs } = await setUp(t);
  const bytes = Buffer.from("a large model".repeat(200));
  const oid = createHash("sha256").update(bytes).digest("hex");
  const pointer = (of: string, size: number) =>
    `version https://git-lfs.github.com/spec/v1\noid sha256:${of}\nsize ${size}\n`;
  const attributes = { path: ".gitattributes", content: "*.bin filter=lfs diff=lfs merge=lfs -text\n" };
  const files = [
    attributes,
    { path: "m/model.bin", content: pointer(oid, bytes.length) },
    { path: "m/tool.bin", mode: "100755", content: pointer(oid, bytes.length) },
    { path: "raw.bin", content: "raw" },
  ];
  const slug = await plant(files);
  const out = async (directory: string, of = slug) => {
    bench.nextTask();
    return bench.once(checkout, { repository: repository(of), directory });
  };
  assert.match(JSON.stringify(await out("none")), /errored.*does not have it/, "not silently less");
  lfs.objects.set(oid, Buffer.from("another content, as long".padEnd(bytes.length)));
  assert.match(JSON.stringify(await out("wrong")), /errored.*The content has another digest/);
  lfs.objects.set(oid, bytes);
  assert.equal((await out("x")).kind, "succeeded", JSON.stringify(lfs.log));
  assert.deepEqual(await readFile(join(bench.workspace, "x/m/model.bin")), bytes);
  assert.equal(await readFile(join(bench.workspace, "x/raw.bin"), "utf8"), "raw");
  const modes = await Promise.all(["model", "tool"].map((name) => lstat(join(bench.workspace, `x/m/${name}.bin`))));
  assert.deepEqual(
    modes.map(({ mode }) => mode & 0o777),
    [0o644, 0o755],
    "executable files stay executable",
  );
  assert.deepEqual([...new Set(lfs.credentials)], ["Bearer lab-admin-token"]);
  const asked = lfs.log.length;
  assert.equal((await out("again")).kind, "succeeded");
  assert.equal(lfs.log.length, asked, "objects are kept in the cache");
  await writeFile(join(bench.workspace, "x/new.txt"), "n");
  assert.equal(await commitOf(bench, repository(slug), "x"), "succeeded");
  bench.nextTask();
  await bench.once(checkout, { repository: repository(slug), directory: "y", lfs: false });
  assert.equal(await readFile(join(bench.workspace, "y/m/model.bin"), "utf8"), pointer(oid, bytes.length));
  await writeFile(join(bench.workspace, "x/m/model.bin"), "changed".repeat(1000));
  assert.match(
    await commitOf(bench, repository(slug), "x"),
    /model\.bin.*is kept in Git LFS; a change of it cannot be pushed/,
  );
});

test("names that are not UTF-8: files of Git LFS come and go, submodules are refused", async (t) => {
  const { bench, plant, tip, repository, lfs } = await setUp(t);
  const bytes = Buffer.from("a large model".repeat(200));
  const oid = createHash("sha256").update(bytes).digest("hex");
  lfs.objects.set(oid, bytes);
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${bytes.length}\n`;
  const rows: readonly (readonly [quoted: string, file: Buffer])[] = [
    ['"\\377.bin"', Buffer.from("\xff.bin", "latin1")],
    ['"\\376.bin"', Buffer.from("\xfe.bin", "latin1")],
    ['"d\\351/m.bin"', Buffer.from("d\xe9/m.bin", "latin1")],
    ['"line\\nend.bin"', Buffer.from("line\nend.bin")],
    ['"tab\\t\\"q\\".bin"', Buffer.from('tab\t"q".bin')],
    ["back\\slash.bin", Buffer.from("back\\slash.bin")],
    ["é .bin", Buffer.from("é .bin")],
    [" lead.bin", Buffer.from(" lead.bin")],
    ["a: filter: lfs.bin", Buffer.from("a: filter: lfs.bin")],
    ["-x.bin", Buffer.from("-x.bin")],
    ['"\\001.bin"', Buffer.from("\x01.bin")],
  ];
  const slug = await plant([
    { path: ".gitattributes", content: "*.bin filter=lfs -text\n" },
    ...rows.map(([path]) => ({ path, content: pointer })),
  ]);
  const outcome = await bench.once(checkout, { repository: repository(slug), directory: "x" });
  assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
  for (const [name, file] of rows) {
    const path = Buffer.concat([Buffer.from(join(bench.workspace, "x/")), file]);
    assert.deepEqual(await readFile(path), bytes, name);
  }
  await writeFile(join(bench.workspace, "x/new.txt"), "n");
  assert.equal(await commitOf(bench, repository(slug), "x"), "succeeded");
  bench.nextTask();
  await bench.once(checkout, { repository: repository(slug), directory: "y", lfs: false });
  for (const [name, file] of rows) {
    const path = Buffer.concat([Buffer.from(join(bench.workspace, "y/")), file]);
    assert.equal(await readFile(path, "utf8"), pointer, name);
  }
  const lib = await plant([{ path: "lib.txt", content: "lib" }]);
  const app = await plant([
    { path: ".gitmodules", content: `[submodule "l"]\n\tpath = "\uFFFD"\n\turl = ../${lib}.git\n` },
    { path: '"\\377"', mode: "160000", content: tip(lib) },
  ]);
  bench.nextTask();
  const refused = await bench.once(checkout, { repository: repository(app), directory: "z" });
  assert.match(JSON.stringify(refused), /system-refused.*path of the submodule .* is not UTF-8/);
});

test("a .gitmodules that cannot be read, and a tag that names no commit, are told as such", async (t) => {
  const { bench, plant, tip, bareOf, repository } = await setUp(t);
  const lib = await plant([{ path: "lib.txt", content: "lib" }]);
  const app = await plant([
    { path: ".gitmodules", content: '[submodule "a"b"]\n\tpath = lib\n' },
    { path: "lib", mode: "160000", content: tip(lib) },
  ]);
  const reasonOf = async (slug: string, ref?: string): Promise<string> => {
    bench.nextTask();
    const where = { repository: repository(slug), directory: `d-${slug}`, ...(ref === undefined ? {} : { ref }) };
    const outcome = await bench.once(checkout, where);
    assert.ok(outcome.kind === "errored", JSON.stringify(outcome));
    assert.equal(outcome.failure.code, "system-refused");
    return outcome.failure.why ?? "";
  };
  assert.match(await reasonOf(app), /line 1 of \.gitmodules cannot be read/);
  execFileSync("git", ["tag", "tree", "main^{tree}"], { cwd: bareOf(lib) });
  assert.match(await reasonOf(lib, "tree"), /refs\/tags\/tree names no commit/);
});

async function commitOf(
  bench: Awaited<ReturnType<typeof openBench>>,
  repository: object,
  directory: string,
): Promise<string> {
  bench.nextTask();
  const outcome = await bench.run(commitPush, { repository, directory, branch: "main", message: "m" });
  return outcome.kind === "succeeded" ? outcome.kind : JSON.stringify(outcome);
}

/** A git host with an LFS store in front of it, and repositories of any content. */
async function setUp(t: TestContext, more: Pick<Parameters<typeof openBench>[0], "require" | "checkoutLimits"> = {}) {
  const lab = await startLabHost("bitbucket-dc", await tempDir(t));
  const lfs = { objects: new Map<string, Buffer>(), log: [] as string[], credentials: [] as (string | undefined)[] };
  const server = createServer((request, response) => {
    const url = request.url ?? "";
    if (!url.includes("/info/lfs/")) {
      const headers = { ...request.headers, host: new URL(lab.system.url).host };
      const onward = httpRequest(`${lab.system.url}${url}`, { method: request.method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      onward.on("error", () => response.destroy());
      return void request.pipe(onward);
    }
    lfs.log.push(url);
    lfs.credentials.push(request.headers.authorization);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const found = lfs.objects.get(url.slice(url.lastIndexOf("/") + 1));
      if (request.method === "GET") return void response.end(found);
      const { objects } = JSON.parse(Buffer.concat(chunks).toString()) as { objects: { oid: string }[] };
      const href = (oid: string) => `http://${request.headers.host}${url.replace("batch", oid)}`;
      const answers = objects.map(({ oid }) =>
        lfs.objects.has(oid) ? { oid, actions: { download: { href: href(oid) } } } : { oid, error: { code: 404 } },
      );
      response.end(JSON.stringify({ objects: answers }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const system = { ...lab.system, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  const bench = await openBench({
    systems: [system],
    task: { requestedAtMs: Date.now() },
    limits: { maxPauseMs: 5 },
    nowMs: fastClock(),
    ...more,
  });
  t.after(async () => {
    await bench.close();
    server.closeAllConnections();
    server.close();
    await lab.server.close();
  });
  const store = dirname(lab.store.folderOf("x"));
  const folders = new Map<string, string>();
  await seed(lab, "first", { "first.txt": "1" });
  const plant = async (files: readonly TreeFile[]): Promise<string> => {
    const slug = `r${folders.size + 1}`;
    const before = new Set(await readdir(store));
    await seed(lab, slug, { "first.txt": "1" });
    const bare = join(store, (await readdir(store)).find((name) => !before.has(name)) ?? "");
    folders.set(slug, bare);
    await plantTree(bare, files);
    return slug;
  };
  const tip = (slug: string): string =>
    execFileSync("git", ["rev-parse", "refs/heads/main"], { cwd: folders.get(slug), encoding: "utf8" }).trim();
  return {
    lab: { ...lab, system },
    bench,
    plant,
    tip,
    bareOf: (slug: string) => folders.get(slug),
    lfs,
    repository: (slug: string) => ({ project: lab.project, slug }),
  };
}
