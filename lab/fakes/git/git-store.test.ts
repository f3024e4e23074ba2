// The store reads branches as git keeps them: it must answer what git answers, however git keeps them.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { type GitStore, gitEnvironment, openGitStore } from "./git-store.ts";

/** The first commit of repository 1, on `main`. */
async function seed(store: GitStore, root: string): Promise<void> {
  const files = join(root, "files");
  await mkdir(files);
  await writeFile(join(files, "README.md"), "orders\n");
  await store.seed("1", "main", files);
}

test("branches are those of git: loose, in folders, packed, removed, and names for other branches", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "gantry-git-store-"));
  t.after(() => rm(root, { recursive: true }));
  const store = openGitStore(join(root, "repositories"));
  const git = async (...args: string[]): Promise<string> => {
    const env = { ...gitEnvironment(), GIT_DIR: store.folderOf("1") };
    return (await promisify(execFile)("git", args, { env })).stdout.trim();
  };
  const assertAsGit = async (...names: string[]): Promise<void> => {
    const branches = await store.branches("1");
    const listed = await git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads");
    assert.deepEqual(
      branches.map(({ name, commit }) => `${name} ${commit}`),
      listed === "" ? [] : listed.split("\n"),
    );
    assert.deepEqual(
      branches.map(({ name }) => name),
      names,
    );
  };
  await store.create("1", "main");
  await assertAsGit();
  await seed(store, root);
  await assertAsGit("main");
  for (const name of ["work/b", "work/a", "Zebra", "main-2"]) await git("branch", name, "main");
  await assertAsGit("Zebra", "main", "main-2", "work/a", "work/b");
  await git("branch", "-D", "work/a");
  await assertAsGit("Zebra", "main", "main-2", "work/b");
  await git("symbolic-ref", "refs/heads/alias", "refs/heads/main");
  await assertAsGit("Zebra", "alias", "main", "main-2", "work/b");
  await git("pack-refs", "--all");
  await git("branch", "late", "main");
  await assertAsGit("Zebra", "alias", "late", "main", "main-2", "work/b");
});

test("a revision is a branch, a tag or a commit, and a tag comes before a branch of the same name", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "gantry-git-store-"));
  t.after(() => rm(root, { recursive: true }));
  const store = openGitStore(join(root, "repositories"));
  await store.create("1", "main");
  await seed(store, root);
  const [first] = await store.commits("1", "main", 1);
  assert.ok(first);
  const git = (...args: string[]) =>
    promisify(execFile)("git", args, { env: { ...gitEnvironment(), GIT_DIR: store.folderOf("1") } });
  await git("branch", "side", "main");
  const merged = await store.merge("1", "side", "main", "Merge side");
  await git("tag", "v1", first.id);
  await git("branch", "v1", merged);
  const newest = async (revision: string): Promise<string | undefined> =>
    (await store.commits("1", revision, 1))[0]?.id;
  assert.equal(await newest("main"), merged);
  assert.equal(await newest("side"), first.id);
  assert.equal(await newest("v1"), first.id);
  assert.equal(await newest(first.id), first.id);
  assert.equal(await newest("nothing"), undefined);
});
