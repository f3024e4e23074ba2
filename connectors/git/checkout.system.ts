import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { tryLock } from "@gantry/runtime/lock.ts";
import { fastClock, openBench } from "../step.fixture.ts";
import { labWithBench } from "./lab-bench.fixture.ts";
import { pushAsSomebody, seed, tagMain } from "./lab-git.fixture.ts";
import { checkout, createRepository } from "./steps.ts";

test("the default branch, another branch, a tag's commit and a commit by its id", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "one\n" });
  const repository = { project: lab.project, slug: "orders" };
  const main = await bench.once(checkout, { repository, directory: "main" });
  assert.ok(main.kind === "succeeded", JSON.stringify(main));
  const { commit } = main.output;
  assert.deepEqual(main.output, {
    commit,
    shortCommit: commit.slice(0, 12),
    branch: "main",
    subject: "First version",
    author: "Lab",
    directory: "main",
    cloneUrl: `${lab.system.url}/scm/apps/orders.git`,
    url: `${lab.system.url}/projects/APPS/repos/orders/commits/${commit}`,
    fileUrl: `${lab.system.url}/projects/APPS/repos/orders/browse/{path}?at=${commit}#{line}`,
  });
  const side = await pushAsSomebody(lab, "orders", { "a.txt": "two\n" }, "feature/x");
  const other = await bench.once(checkout, { repository, ref: "feature/x", directory: "side" });
  assert.equal(other.kind === "succeeded" && other.output.commit, side);
  assert.equal(await readFile(join(bench.workspace, "side", "a.txt"), "utf8"), "two\n");
  const byId = await bench.once(checkout, { repository, ref: commit, directory: "by-id" });
  assert.equal(byId.kind === "succeeded" && byId.output.commit, commit);
  assert.equal(await readFile(join(bench.workspace, "by-id", "a.txt"), "utf8"), "one\n");
  await tagMain(lab, "orders", "release");
  const tag = await bench.once(checkout, { repository, ref: "release", directory: "tag" });
  assert.equal(tag.kind === "succeeded" && tag.output.branch, "refs/tags/release", "not the release branch");
  await pushAsSomebody(lab, "orders", { "a.txt": "three\n" }, "release");
  const branch = await bench.once(checkout, { repository, ref: "release", directory: "branch" });
  assert.equal(branch.kind === "succeeded" && branch.output.branch, "release");
});

test("a commit is of a branch only when the branch has it", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "one\n" });
  const repository = { project: lab.project, slug: "orders" };
  const side = await pushAsSomebody(lab, "orders", { "a.txt": "side\n" }, "feature/x");
  const old = await bench.once(checkout, { repository, directory: "old" });
  assert.ok(old.kind === "succeeded");
  const newest = await pushAsSomebody(lab, "orders", { "a.txt": "two\n" }, "main");
  let folder = 0;
  const branchOf = async (ref: string, branch?: string): Promise<string> => {
    folder += 1;
    const more = branch === undefined ? {} : { branch };
    const made = await bench.once(checkout, { repository, ref, ...more, directory: `of-${folder}` });
    return made.kind === "succeeded" ? made.output.branch : JSON.stringify(made);
  };
  assert.equal(await branchOf(newest, "main"), "main", "its newest commit");
  assert.equal(await branchOf(old.output.commit, "main"), "main", "an older one");
  assert.equal(await branchOf(side, "main"), "feature/x", "the newest commit of another branch");
  assert.equal(await branchOf(newest, "gone"), "main", "a branch that does not exist");
  assert.equal(await branchOf(old.output.commit, "gone"), old.output.commit, "an older commit of an unknown branch");
  assert.equal(await branchOf(newest), newest);
  assert.equal(await branchOf("feature/x", "main"), "feature/x", "a branch is that branch");
});

test("a commit that never was there, and a repository of SHA-256, are told", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "one\n" });
  const repository = { project: lab.project, slug: "orders" };
  const why = async (ref: string | undefined): Promise<string> => {
    bench.nextTask();
    const outcome = await bench.once(checkout, { repository, ...(ref === undefined ? {} : { ref }) });
    return outcome.kind === "errored" ? `${outcome.failure.code}: ${outcome.failure.why}` : outcome.kind;
  };
  const never = "1".repeat(40);
  assert.equal(await why(never), `system-refused: It has no commit ${never}.`);
  const store = dirname(lab.store.folderOf("x"));
  const [bare = ""] = await readdir(store);
  await rm(join(store, bare), { recursive: true });
  const make =
    "git init -q --bare --object-format=sha256 -b main . && git update-ref refs/heads/main $(git commit-tree -m x $(git mktree </dev/null))";
  await mkdir(join(store, bare));
  const who = Object.fromEntries(
    ["AUTHOR", "COMMITTER"].flatMap((one) => [
      [`GIT_${one}_NAME`, "d"],
      [`GIT_${one}_EMAIL`, "d@e.test"],
    ]),
  );
  execFileSync("sh", ["-c", make], { cwd: join(store, bare), env: { PATH: process.env.PATH, ...who } });
  for (const ref of [undefined, "main"])
    assert.match(await why(ref), /^system-refused: .*SHA-256, which cannot be read/);
});

test("an ordinary git finds a whole repository in the workspace; a depth cuts its history", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "one\n" });
  for (const content of ["two\n", "three\n"]) await pushAsSomebody(lab, "orders", { "a.txt": content });
  const repository = { project: lab.project, slug: "orders" };
  const git = (folder: string, ...args: string[]) =>
    execFileSync("git", args, {
      cwd: join(bench.workspace, folder),
      env: { PATH: process.env.PATH, HOME: bench.home },
      encoding: "utf8",
    }).trim();
  await bench.once(checkout, { repository, directory: "all" });
  await rm(join(bench.cache, "git"), { recursive: true });
  assert.equal(git("all", "rev-list", "--count", "HEAD"), "3", "it does not need the cache");
  assert.equal(git("all", "status", "--short", "--branch"), "## main");
  assert.equal(git("all", "remote", "get-url", "origin"), `${lab.system.url}/scm/apps/orders.git`);
  await bench.once(checkout, { repository, directory: "shallow", depth: 1 });
  assert.equal(git("shallow", "rev-list", "--count", "HEAD"), "1");
});

test("a second checkout downloads only what is new", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const big = Array.from({ length: 20_000 }, (_, line) => `${line * 7919}`).join("\n");
  await seed(lab, "orders", { "big.txt": big });
  const repository = { project: lab.project, slug: "orders" };
  await bench.once(checkout, { repository, directory: "first" });
  const fetches = () => lab.server.exchanges.filter(({ path }) => path.endsWith("git-upload-pack")).length;
  const before = fetches();
  await bench.once(checkout, { repository, directory: "second" });
  // One call lists the refs; the commit is there, so no pack is asked for.
  assert.equal(fetches() - before, 1);
  await pushAsSomebody(lab, "orders", { "small.txt": "x\n" });
  const third = await bench.once(checkout, { repository, directory: "third" });
  assert.equal(third.kind, "succeeded");
  assert.ok(existsSync(join(bench.workspace, "third", "small.txt")));
});

test("several jobs may check out at once, one of them downloads, and all get the same", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "one\n" });
  const repository = { project: lab.project, slug: "orders" };
  const outcomes = await Promise.all(
    ["a", "b", "c", "d"].map((directory) => bench.run(checkout, { repository, directory }, { maxPauseMs: 20 })),
  );
  const commits = new Set(outcomes.map((one) => (one.kind === "succeeded" ? one.output.commit : JSON.stringify(one))));
  assert.equal(commits.size, 1, [...commits].join("\n"));
  for (const folder of ["a", "b", "c", "d"]) {
    assert.equal(await readFile(join(bench.workspace, folder, "a.txt"), "utf8"), "one\n");
  }
});

test("while another process downloads the same repository, the step waits and says for what", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "one\n" });
  const repository = { project: lab.project, slug: "orders" };
  await bench.once(checkout, { repository, directory: "first" });
  const [mirror] = (await readdir(join(bench.cache, "git"))).filter((name) => name.endsWith(".git"));
  const unlock = tryLock(join(bench.cache, "git", `${mirror}.lock`));
  assert.ok(unlock);
  const waits = await bench.once(checkout, { repository, directory: "second" });
  assert.equal(waits.kind === "waiting" && waits.reason, "another job is downloading the same repository");
  unlock();
  assert.equal((await bench.once(checkout, { repository, directory: "second" })).kind, "succeeded");
});

test("an attempt that was broken off is started again; a folder with other things in it is left alone", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "one\n" });
  const repository = { project: lab.project, slug: "orders" };
  await bench.once(checkout, { repository, directory: "source" });
  await writeFile(join(bench.workspace, "source", "leftover.txt"), "x");
  assert.equal((await bench.once(checkout, { repository, directory: "source" })).kind, "succeeded");
  assert.equal(existsSync(join(bench.workspace, "source", "leftover.txt")), false);
  await mkdir(join(bench.workspace, "mine"));
  await writeFile(join(bench.workspace, "mine", "precious.txt"), "x");
  const refused = await bench.once(checkout, { repository, directory: "mine" });
  assert.equal(refused.kind === "errored" && refused.failure.code, "bad-input");
  assert.ok(existsSync(join(bench.workspace, "mine", "precious.txt")));
  await symlink(bench.home, join(bench.workspace, "away"));
  const away = await bench.once(checkout, { repository, directory: "away" });
  assert.equal(away.kind === "errored" && away.failure.code, "bad-input");
});

test("errors name the cause: no such branch, no such repository, no commit, a wrong token, a host that fails", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "one\n" });
  const ask = async (slug: string, ref?: string) => {
    const outcome = await bench.run(checkout, { repository: { project: lab.project, slug }, ...(ref ? { ref } : {}) });
    return outcome.kind === "errored"
      ? { code: outcome.failure.code, why: outcome.failure.why, retryable: outcome.retryable }
      : outcome;
  };
  assert.deepEqual(await ask("orders", "gone"), {
    code: "system-refused",
    why: "There is no branch or tag gone; its branches: main.",
    retryable: false,
  });
  await bench.run(createRepository, { repository: { project: lab.project, slug: "empty" } });
  assert.match(((await ask("empty", "main")) as { why: string }).why, /has no branch yet: push a first commit to it/);
  assert.equal(((await ask("nothing")) as { code: string }).code, "system-refused");
  for (const status of [500, 503]) {
    lab.server.faults.add({ match: "/scm/", kind: "status", status, times: 1 });
    assert.equal(((await ask("orders")) as { kind: string }).kind, "succeeded", `status ${status}`);
    assert.match(bench.reasons.at(-1) ?? "", new RegExp(`did not answer as expected.*${status}`));
  }
  lab.server.faults.add({ match: "/scm/", kind: "drop", times: 1 });
  assert.equal(((await ask("orders")) as { kind: string }).kind, "succeeded");
  // As after ten minutes: every reading of this clock is a minute later.
  let nowMs = Date.now();
  const late = await openBench({
    systems: [lab.system],
    limits: { maxPauseMs: 5 },
    nowMs: () => {
      nowMs += 60_000;
      return nowMs;
    },
  });
  t.after(() => late.close());
  lab.server.faults.add({ match: "/scm/", kind: "status", status: 503, times: 1_000 });
  const down = await late.run(checkout, { repository: { project: lab.project, slug: "orders" } });
  lab.server.faults.clear();
  assert.ok(down.kind === "errored" && down.retryable && down.failure.code === "system-unavailable");

  const stranger = await openBench({
    systems: [{ ...lab.system, token: "not-the-token" }],
    limits: { maxPauseMs: 5 },
    nowMs: fastClock(),
  });
  t.after(() => stranger.close());
  const refused = await stranger.run(checkout, { repository: { project: lab.project, slug: "orders" } });
  assert.equal(refused.kind === "errored" && refused.failure.code, "credential-refused", JSON.stringify(refused));
  assert.ok(!JSON.stringify([refused, stranger.lines]).includes("not-the-token"));
});
