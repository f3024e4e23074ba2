// Whatever a repository holds, a checkout has what `git clone` has, byte for byte, or says what it does not bring.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { tempDir } from "../temp-dir.fixture.ts";
import { labWithBench } from "./lab-bench.fixture.ts";
import { seed } from "./lab-git.fixture.ts";
import { checkout } from "./steps.ts";

/** Names and contents are Latin-1: one character is one byte. */
type Planted = { readonly name: string; readonly mode: string; readonly content: string };

const NAMES = [
  "a",
  "A",
  "b.txt",
  "B.TXT",
  "d/x.txt",
  "d/e/f.bin",
  "D/x.txt",
  "-rf",
  "--",
  "line\nend.txt",
  "tab\there",
  'quote"d',
  "back\\slash",
  "\xff.txt",
  "\xfe.txt",
  "d/\xe9\xff/g.txt",
  "\xc3\xa9.txt",
  "e\xcc\x81.txt",
  " lead",
  "trail ",
  "*glob?",
  "[x].txt",
  "$(id)",
  "%s%n",
  ".hidden",
  "...",
  "CON",
  "c:x",
  "n".repeat(200),
  ".gitignore",
  "d/.gitignore",
  ".gitkeep",
  ".gitfoo",
  "d/.gitattributes",
  "git",
  "\x01control",
] as const;
/** Those of `.git` in disguise are refused by git itself, or by our settings of it. */
const DISGUISED = [
  ".git/x",
  ".GIT/config",
  "d/.git/x",
  "git~1",
  ".git ",
  ".g\xe2\x80\x8cit/x",
  "..",
  "d/../x",
] as const;
const ATTRIBUTES = [
  "* text=auto",
  "*.txt eol=crlf",
  "*.txt text ident",
  "a ident",
  "* export-ignore",
  "* -text",
  "[attr]crlf text eol=crlf",
  "b.* crlf",
  "a working-tree-encoding=UTF-16LE",
  "*.txt working-tree-encoding=UTF-16",
  "* filter=unknown",
  "* diff merge=union",
  "\xff* eol=crlf",
  "# *.txt eol=crlf",
  "d/** binary",
] as const;
const CONTENTS = [
  "",
  "a\n",
  "a\r\nb\n",
  "a\rb",
  "$Id$ $Id: x $\n",
  "\xc3\xa9\n",
  "\xff\xfe\0\n",
  "\0bin\n",
  "no end",
] as const;
const TARGETS = [
  "a",
  "d",
  "d/x.txt",
  "../d",
  "nowhere",
  "self",
  ".",
  "b.txt",
  "line\nend.txt",
  "\xff.txt",
  "x\\y",
] as const;
const OUTSIDE = ["/etc/hostname", "../../x", "../../../../etc/hostname", ".git/config", "d/../../.."] as const;

const file = fc.record({
  name: fc.oneof({ weight: 40, arbitrary: fc.constantFrom(...NAMES) }, fc.constantFrom(...DISGUISED)),
  mode: fc.constantFrom("100644", "100644", "100755"),
  content: fc.constantFrom(...CONTENTS),
});
const link = fc.record({
  name: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom("self", "d/link", "l", "\xff", "\xfe", "line\nlink", "d/e") },
    fc.constantFrom(".gitmodules", ".gitattributes"),
  ),
  mode: fc.constant("120000"),
  content: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...TARGETS) }, fc.constantFrom(...OUTSIDE)),
});
const attributes = fc
  .array(fc.constantFrom(...ATTRIBUTES), { maxLength: 3 })
  .map((lines) => ({ name: ".gitattributes", mode: "100644", content: lines.map((line) => `${line}\n`).join("") }));
const repository = fc
  .tuple(fc.array(file, { minLength: 1, maxLength: 8 }), fc.array(link, { maxLength: 2 }), attributes)
  .map(([files, links, rules]): readonly Planted[] => [rules, ...files, ...links]);

const RUNS = 8;

test("property: a checkout is what git clone gives, or an error that names the reason", async (t) => {
  const { check, counts } = await setUp(t);
  for (const files of fc.sample(repository, { numRuns: RUNS, seed: Math.trunc(Math.random() * 2 ** 31) })) {
    await check(files);
  }
  assert.equal(counts.same + counts.refused, RUNS);
});

test("a link whose name is not UTF-8 is checked, whatever other names look like it", async (t) => {
  const { check, counts } = await setUp(t);
  await check([
    { name: "\xfe", mode: "120000", content: "/etc/hostname" },
    { name: "\xff", mode: "120000", content: "a" },
    { name: "a", mode: "100644", content: "a" },
  ]);
  assert.deepEqual(counts, { same: 0, refused: 1 });
  await check([
    { name: "\xff", mode: "120000", content: "a" },
    { name: "\xfe.txt", mode: "120000", content: "\xff" },
    { name: "a", mode: "100644", content: "a" },
  ]);
  assert.deepEqual(counts, { same: 1, refused: 1 });
});

async function setUp(t: TestContext) {
  const { lab, bench } = await labWithBench(t);
  const store = dirname(lab.store.folderOf("x"));
  const clones = await tempDir(t);
  const counts = { same: 0, refused: 0 };
  let count = 0;
  const check = async (files: readonly Planted[]): Promise<void> => {
    const slug = `r${++count}`;
    const before = new Set(await readdir(store).catch(() => []));
    await seed(lab, slug, { "first.txt": "1" });
    const bare = join(store, (await readdir(store)).find((name) => !before.has(name)) ?? "");
    plant(bare, files);
    const clone = join(clones, slug);
    const cloned = spawnSync("git", ["clone", "--quiet", bare, clone], {
      env: { PATH: process.env.PATH, HOME: clones },
    });
    bench.nextTask();
    const outcome = await bench.once(checkout, {
      repository: { project: lab.project, slug },
      directory: slug,
    });
    const shown = JSON.stringify(files);
    if (outcome.kind === "succeeded") {
      assert.equal(cloned.status, 0, `git clone refuses what the checkout brings: ${cloned.stderr}: ${shown}`);
      assert.deepEqual(treeOf(join(bench.workspace, slug)), treeOf(clone), shown);
      assert.equal(statusOf(join(bench.workspace, slug)), statusOf(clone), shown);
      counts.same++;
      return;
    }
    const reason = JSON.stringify(outcome);
    assert.match(reason, REASONS, `${reason}: ${shown}`);
    assert.ok(cloned.status !== 0 || /symbolic link|fsck|invalid path/.test(reason), `${reason}: ${shown}`);
    counts.refused++;
  };
  return { check, counts };
}

const REASONS =
  /"system-refused".*(symbolic link.*(leads|line end|look the same)|hasDot|dotgit|gitmodules|gitattributes|invalid path|fullPathname|fsck error)/is;

/** Puts a tree on `main` without any of git's checks. */
function plant(bare: string, files: readonly Planted[]): void {
  const quoted = (name: string): string => `"${name.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
  // A file and a folder of the same name exclude each other; the last one is used.
  const commands = files.flatMap(({ name, mode, content }) => [
    `M ${mode} inline ${quoted(name)}`,
    `data ${content.length}`,
    content,
  ]);
  const head = ["commit refs/heads/main", "committer D <d@e.test> 1767225600 +0000", "data 2", "C\n", "deleteall"];
  execFileSync("git", ["-c", "core.protectNTFS=false", "fast-import", "--quiet", "--force"], {
    cwd: bare,
    env: { PATH: process.env.PATH, GIT_DIR: bare },
    input: Buffer.from(`${[...head, ...commands].join("\n")}\n`, "latin1"),
    stdio: ["pipe", "ignore", "pipe"],
  });
}

/** Every path as Latin-1, with what is there. */
function treeOf(root: string): Readonly<Record<string, string>> {
  const tree: Record<string, string> = {};
  const walk = (folder: Buffer, shown: string): void => {
    for (const name of readdirSync(folder, { encoding: "buffer" })) {
      const path = Buffer.concat([folder, Buffer.from("/"), name]);
      const known = `${shown}/${name.toString("latin1")}`;
      const stat = lstatSync(path);
      if (known === "/.git") continue;
      if (stat.isDirectory()) walk(path, known);
      else if (stat.isSymbolicLink()) tree[known] = `-> ${readlinkSync(path, "buffer").toString("latin1")}`;
      else tree[known] = `${(stat.mode & 0o100) === 0 ? "" : "x"} ${readFileSync(path, "latin1")}`;
    }
  };
  walk(Buffer.from(root), "");
  return tree;
}

function statusOf(folder: string): string {
  const args = ["-c", "core.quotePath=true", "status", "--porcelain"];
  return execFileSync("git", args, { cwd: folder, env: { PATH: process.env.PATH, HOME: folder }, encoding: "utf8" });
}
