// Histories with old defects that every git host accepts: they must not stop a checkout or a push.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { openBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { gitError } from "./git.ts";
import { startLabHost } from "./lab.fixture.ts";
import { seed } from "./lab-git.fixture.ts";
import { checkout, commitPush } from "./steps.ts";

const SANE = "A <a@b.c> 1300000000 +0000";
const person = (who: string) => `author ${who}\ncommitter ${who}\n\nold\n`;

/** What follows the tree and the parent in the old commit. */
const COMMITS: Readonly<Record<string, string>> = {
  badTimezone: person("A <a@b.c> 1300000000 +051800"),
  missingSpaceBeforeEmail: person("Kim<kim@b.c> 1300000000 +0900"),
  missingEmail: person("Kim 1300000000 +0900"),
  missingSpaceBeforeDate: person("A <a@b.c>1300000000 +0000"),
  missingNameBeforeEmail: person("<a@b.c> 1300000000 +0000"),
  zeroPaddedDate: person("A <a@b.c> 01300000000 +0000"),
  badDate: person("A <a@b.c> once +0000"),
  badDateOverflow: person("A <a@b.c> 99999999999999999999 +0000"),
  badName: person("A> <a@b.c> 1300000000 +0000"),
  badEmail: person("A <a@b<c> 1300000000 +0000"),
  multipleAuthors: `author ${SANE}\nauthor ${SANE}\ncommitter ${SANE}\n\nold\n`,
  missingAuthor: `committer ${SANE}\n\nold\n`,
  nulInCommit: `author ${SANE}\ncommitter ${SANE}\n\nold \0 text\n`,
};

type Entry = readonly [mode: string, name: string, kind: "file" | "tree"];
const TREES: Readonly<Record<string, readonly Entry[]>> = {
  zeroPaddedFilemode: [
    ["100644", "a.txt", "file"],
    ["040000", "src", "tree"],
  ],
  treeNotSorted: [
    ["100644", "b.txt", "file"],
    ["100644", "a.txt", "file"],
  ],
  badFilemode: [["100664", "a.txt", "file"]],
  duplicateEntries: [
    ["100644", "a.txt", "file"],
    ["100644", "a.txt", "file"],
  ],
};

test("old defects in the history stop neither a checkout nor a push", async (t) => {
  const { lab, bench, git } = await labWithBench(t);
  const first = git(["rev-parse", "refs/heads/main"]);
  const tree = git(["rev-parse", `${first}^{tree}`]);
  const commitOf = (of: string, rest: string): string => {
    const commit = Buffer.from(`tree ${of}\nparent ${first}\n${rest}`, "latin1");
    return git(["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], commit);
  };
  const old = Object.values(COMMITS).map((rest) => commitOf(tree, rest));
  const file = git(["hash-object", "-w", "--stdin"], Buffer.from("old\n"));
  const treeOf = (entries: readonly Entry[]): string => {
    const inner = Buffer.concat([Buffer.from("100644 x.txt\0"), Buffer.from(file, "hex")]);
    const folder = git(["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], inner);
    const bytes = entries.map(([mode, name, kind]) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(kind === "file" ? file : folder, "hex")]),
    );
    return git(["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], Buffer.concat(bytes));
  };
  for (const entries of Object.values(TREES)) old.push(commitOf(treeOf(entries), person(SANE)));
  // One commit of today on top of all of them.
  const env = {
    GIT_AUTHOR_NAME: "D",
    GIT_AUTHOR_EMAIL: "d@e.f",
    GIT_COMMITTER_NAME: "D",
    GIT_COMMITTER_EMAIL: "d@e.f",
  };
  const parents = old.flatMap((commit) => ["-p", commit]);
  git(["update-ref", "refs/heads/main", git(["commit-tree", tree, ...parents, "-m", "sane again"], undefined, env)]);
  const repository = { project: lab.project, slug: "orders" };
  const outcome = await bench.once(checkout, { repository, directory: "x" });
  assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
  await writeFile(join(bench.workspace, "x", "new.txt"), "new");
  const pushed = await bench.run(commitPush, { repository, directory: "x", message: "new" });
  assert.equal(pushed.kind, "succeeded", JSON.stringify(pushed));
});

test("the error has the line that names a defect, not the progress lines around it", () => {
  const output = [
    "remote: Enumerating objects: 9, done.",
    "remote: Counting objects:  50% (1/2)\rremote: Counting objects: 100% (2/2), done.",
    "error: object 1a2b: hasDotgit: contains '.git'",
    "fatal: fsck error in packed object",
    "remote: Total 9 (delta 0), reused 0 (delta 0)",
    "remote: Compressing objects: 100% (2/2), done.",
    "remote: Resolving deltas: 100% (2/2), done.",
    "fatal: fetch-pack: invalid index-pack output",
  ].join("\n");
  const error = gitError(new Error(output), "fetch", {
    system: "b",
    url: "https://b.example/x.git",
    authorization: "",
  });
  assert.ok(error instanceof GantryError);
  assert.match(String(error.details.problem), /^error: object 1a2b: hasDotgit: contains '.git'; fatal: fsck error/);
});

async function labWithBench(t: TestContext) {
  const lab = await startLabHost("bitbucket-dc", await tempDir(t));
  const bench = await openBench({ systems: [lab.system] });
  t.after(async () => {
    await bench.close();
    await lab.server.close();
  });
  await seed(lab, "orders", { "a.txt": "a\n" });
  const store = dirname(lab.store.folderOf("x"));
  const bare = join(store, (await readdir(store))[0] ?? "");
  const git = (args: string[], input?: Buffer, env: Record<string, string> = {}): string =>
    execFileSync("git", args, { cwd: bare, input, env: { PATH: process.env.PATH, GIT_DIR: bare, ...env } })
      .toString()
      .trim();
  return { lab, bench, git };
}
