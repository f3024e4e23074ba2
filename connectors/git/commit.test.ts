import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Crash, fastClock, openBench, type StepBench } from "../step.fixture.ts";
import { messageOf } from "./commit.ts";
import type { LabHost } from "./lab.fixture.ts";
import { labWithBench } from "./lab-bench.fixture.ts";
import { pushAsSomebody, seed } from "./lab-git.fixture.ts";
import { checkout, commitPush, createRepository } from "./steps.ts";

test("a change is committed as Gantry at the time of the request, and says for which task and whom", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = await checkedOut(lab, bench, { "a.txt": "one\n" });
  await writeFile(join(bench.workspace, "source", "a.txt"), "two\n");
  const input = { repository, directory: "source", message: "Deploy orders", trailers: { Image: "orders@sha256:1" } };
  const done = await bench.once(commitPush, input);
  assert.ok(done.kind === "succeeded", JSON.stringify(done));
  const [commit] = await history(lab);
  assert.deepEqual(done.output, {
    commit: commit?.id,
    changed: true,
    branch: "main",
    url: `${lab.system.url}/projects/APPS/repos/orders/commits/${commit?.id}`,
  });
  assert.equal(commit?.author, "Gantry");
  assert.equal(commit?.atMs, bench.task.requestedAtMs);
  const [key] = bench.permits.keys();
  assert.equal(
    commit?.message.trim(),
    `Deploy orders\n\nImage: orders@sha256:1\nGantry-Task: t1\nGantry-Actor: kim\nX-Effect: ${key}`,
  );
});

test("the first push into an empty repository, and a second run that does nothing", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = { project: lab.project, slug: "orders" };
  await bench.run(createRepository, { repository });
  await mkdir(join(bench.workspace, "source", "sub"), { recursive: true });
  await writeFile(join(bench.workspace, "source", "sub", "a.txt"), "one\n");
  await writeFile(join(bench.workspace, "source", ".gitignore"), "node_modules/\n");
  await mkdir(join(bench.workspace, "source", "node_modules"));
  await writeFile(join(bench.workspace, "source", "node_modules", "x.js"), "");
  const input = { repository, directory: "source", message: "First version" };
  const first = await bench.once(commitPush, input);
  assert.equal(first.kind === "succeeded" && first.output.changed, true, JSON.stringify(first));
  const again = await bench.once(commitPush, input);
  assert.deepEqual(again, first, "the same attempt's record");
  bench.nextTask();
  const other = await bench.once(commitPush, input);
  assert.ok(other.kind === "succeeded" && first.kind === "succeeded");
  assert.deepEqual([other.output.changed, other.output.commit], [false, first.output.commit]);
  assert.equal((await history(lab)).length, 1);
  assert.deepEqual(await lab.store.files(await idOf(lab), "main"), [".gitignore", "sub/a.txt"]);
});

test("a first content is pushed once: a branch that has commits is left alone, our own crash is not", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = { project: lab.project, slug: "orders" };
  await bench.run(createRepository, { repository });
  await mkdir(join(bench.workspace, "source"));
  await writeFile(join(bench.workspace, "source", "a.txt"), "template\n");
  const input = { repository, directory: "source", message: "First version", onlyIfEmpty: true };
  bench.crashAt({ effect: "push", when: "after-perform" });
  await assert.rejects(bench.once(commitPush, input), Crash);
  const again = await bench.once(commitPush, input);
  assert.equal(again.kind === "succeeded" && again.output.changed, true, JSON.stringify(again));
  const theirs = await pushAsSomebody(lab, "orders", { "a.txt": "work of weeks\n" });
  bench.nextTask();
  const rerun = await bench.once(commitPush, input);
  assert.ok(rerun.kind === "succeeded");
  assert.deepEqual([rerun.output.commit, rerun.output.changed], [theirs, false]);
});

test("an unchanged checkout pushes nothing", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = await checkedOut(lab, bench, { "a.txt": "one\n" });
  const done = await bench.once(commitPush, { repository, directory: "source", message: "Nothing" });
  assert.equal(done.kind === "succeeded" && done.output.changed, false);
  assert.equal((await history(lab)).length, 1);
  assert.equal(bench.permits.size, 0);
});

test("a crash between the push and its record: the commit is found again, also below others", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = await checkedOut(lab, bench, { "a.txt": "one\n" });
  await writeFile(join(bench.workspace, "source", "a.txt"), "two\n");
  const input = { repository, directory: "source", message: "Deploy" };
  bench.crashAt({ effect: "push", when: "after-perform" });
  await assert.rejects(bench.once(commitPush, input), Crash);
  const [pushed] = await history(lab);
  await pushAsSomebody(lab, "orders", { "b.txt": "mine\n" });
  const again = await bench.once(commitPush, input);
  assert.ok(again.kind === "succeeded");
  assert.deepEqual([again.output.commit, again.output.changed], [pushed?.id, true]);
  assert.equal((await history(lab)).length, 3);
});

test("a crash before the push, and another runner without the workspace's history: the same commit comes out", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = await checkedOut(lab, bench, { "a.txt": "one\n" });
  await writeFile(join(bench.workspace, "source", "a.txt"), "two\n");
  const input = { repository, directory: "source", message: "Deploy" };
  bench.crashAt({ effect: "push", when: "before-perform" });
  await assert.rejects(bench.once(commitPush, input), Crash);
  assert.equal((await history(lab)).length, 1);
  const done = await bench.once(commitPush, input);
  assert.equal(done.kind, "succeeded");
  const [made] = await history(lab);

  const twin = await labWithBench(t);
  await checkedOut(twin.lab, twin.bench, { "a.txt": "one\n" });
  await writeFile(join(twin.bench.workspace, "source", "a.txt"), "two\n");
  await twin.bench.once(commitPush, input);
  const [same] = await history(twin.lab);
  assert.equal(same?.id, made?.id, "nothing of the commit depends on where and when it is made");
});

test("an answer that is lost after the push, and pushes that the host fails, are tried again without a second commit", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = await checkedOut(lab, bench, { "a.txt": "one\n" });
  await writeFile(join(bench.workspace, "source", "a.txt"), "two\n");
  // Twice, because git's HTTP library sends a request again when a used connection closes without an answer.
  lab.server.faults.add({ match: "^POST .*git-receive-pack", kind: "drop-answer", times: 2 });
  const lost = await bench.once(commitPush, { repository, directory: "source", message: "Deploy" });
  assert.match(lost.kind === "waiting" ? lost.reason : JSON.stringify(lost), /did not answer as expected/);
  assert.equal((await history(lab)).length, 2, "the push itself arrived");
  const again = await bench.once(commitPush, { repository, directory: "source", message: "Deploy" });
  assert.equal(again.kind === "succeeded" && again.output.changed, true, JSON.stringify(again));
  assert.equal((await history(lab)).length, 2);
});

test("after a concurrent push to another file, both changes are there", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = await checkedOut(lab, bench, { "a.txt": "one\n", "b.txt": "one\n" });
  await writeFile(join(bench.workspace, "source", "a.txt"), "ours\n");
  await rm(join(bench.workspace, "source", "b.txt"));
  await writeFile(join(bench.workspace, "source", "new.txt"), "ours\n");
  const theirs = await pushAsSomebody(lab, "orders", { "c.txt": "theirs\n" });
  const done = await bench.once(commitPush, { repository, directory: "source", message: "Deploy" });
  assert.equal(done.kind, "succeeded", JSON.stringify(done));
  const id = await idOf(lab);
  assert.deepEqual(await lab.store.files(id, "main"), ["a.txt", "c.txt", "new.txt"]);
  assert.deepEqual((await history(lab))[0]?.parents, [theirs], "one line of history");
});

test("two targets in one file: other changed lines are kept, and a change of the same line stops the step", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const text = (image: string, replicas: number) => `images:\n  - digest: ${image}\n\n\n\nreplicas: ${replicas}\n`;
  const repository = await checkedOut(lab, bench, { "k.yaml": text("one", 1) });
  await pushAsSomebody(lab, "orders", { "k.yaml": text("one", 5) });
  await writeFile(join(bench.workspace, "source", "k.yaml"), text("two", 1));
  const done = await bench.once(commitPush, { repository, directory: "source", message: "Deploy two" });
  assert.equal(done.kind, "succeeded", JSON.stringify(done));
  assert.equal((await lab.store.file(await idOf(lab), "main", "k.yaml"))?.toString(), text("two", 5));

  bench.nextTask();
  await writeFile(join(bench.workspace, "source", "k.yaml"), text("three", 1));
  const stopped = await bench.once(commitPush, { repository, directory: "source", message: "Deploy three" });
  assert.equal(stopped.kind === "errored" && stopped.failure.code, "branch-changed", JSON.stringify(stopped));
  assert.match((stopped.kind === "errored" && stopped.failure.why) || "", /k\.yaml was changed there/);
});

test("two tasks that push at the same instant both arrive", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = await checkedOut(lab, bench, { "a.txt": "one\n" });
  const others = await Promise.all(
    [1, 2, 3].map(async (n) => {
      const other = await openBench({ systems: [lab.system], task: { id: `other-${n}` } });
      t.after(() => other.close());
      await other.run(checkout, { repository, directory: "source" });
      await writeFile(join(other.workspace, "source", `${n}.txt`), "x\n");
      return other;
    }),
  );
  const outcomes = await Promise.all(
    others.map((other) => other.once(commitPush, { repository, directory: "source", message: "At once" })),
  );
  assert.deepEqual(
    outcomes.map((one) => one.kind),
    ["succeeded", "succeeded", "succeeded"],
    JSON.stringify(outcomes),
  );
  assert.deepEqual(await lab.store.files(await idOf(lab), "main"), ["1.txt", "2.txt", "3.txt", "a.txt"]);
  assert.equal((await history(lab)).length, 4);
});

test("a folder that is no checkout is laid over the branch; nothing of the branch is deleted", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "one\n", "b.txt": "one\n" });
  await mkdir(join(bench.workspace, "plain"));
  await writeFile(join(bench.workspace, "plain", "a.txt"), "two\n");
  const repository = { project: lab.project, slug: "orders" };
  const done = await bench.once(commitPush, { repository, directory: "plain", message: "Lay over" });
  assert.equal(done.kind === "succeeded" && done.output.changed, true, JSON.stringify(done));
  assert.deepEqual(await lab.store.files(await idOf(lab), "main"), ["a.txt", "b.txt"]);
});

test("pipes and endless links in place of files are refused or left out at once", { timeout: 60_000 }, async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = await checkedOut(lab, bench, { ".gitattributes": "*.bin filter=lfs\n", "a.txt": "one\n" });
  const folder = join(bench.workspace, "rendered");
  await mkdir(folder);
  await writeFile(join(folder, "a.txt"), "two\n");
  const push = async (): Promise<string> => {
    bench.nextTask();
    const end = await bench.once(commitPush, { repository, directory: "rendered", message: "Deploy" });
    return "failure" in end ? end.failure.code : end.kind;
  };
  // Opening one waits for a writer, in a thread that all of the runner shares.
  execFileSync("mkfifo", [join(folder, ".gitattributes"), join(folder, "pipe")]);
  assert.equal(await push(), "bad-input");
  await rm(join(folder, ".gitattributes"));
  await symlink("/dev/zero", join(folder, ".gitattributes"));
  assert.equal(await push(), "bad-input");
  await rm(join(folder, ".gitattributes"));
  assert.equal(await push(), "succeeded");
  assert.deepEqual(await lab.store.files(await idOf(lab), "main"), [".gitattributes", "a.txt"]);
});

test("a new branch begins where the checkout was", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = await checkedOut(lab, bench, { "a.txt": "one\n" });
  const [first] = await history(lab);
  await writeFile(join(bench.workspace, "source", "a.txt"), "two\n");
  await bench.once(commitPush, { repository, directory: "source", branch: "gantry/t1", message: "Propose" });
  const [commit] = await lab.store.commits(await idOf(lab), "gantry/t1", 1);
  assert.deepEqual(commit?.parents, [first?.id]);
});

test("links and nested repositories are refused, and an account that may only read gets an error about pushing", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = await checkedOut(lab, bench, { "a.txt": "one\n" });
  await symlink("/etc/passwd", join(bench.workspace, "source", "secret"));
  const link = await bench.once(commitPush, { repository, directory: "source", message: "Link" });
  assert.equal(link.kind === "errored" && link.failure.code, "bad-input", JSON.stringify(link));
  assert.match((link.kind === "errored" && link.failure.why) || "", /"secret" is a symbolic link/);
  await rm(join(bench.workspace, "source", "secret"));
  await bench.once(checkout, { repository, directory: "source/inner" });
  const inner = await bench.once(commitPush, { repository, directory: "source", message: "Inner" });
  assert.match((inner.kind === "errored" && inner.failure.why) || "", /"inner" is a repository of its own/);
  assert.equal((await history(lab)).length, 1);

  const reader = await openBench({
    systems: [{ ...lab.system, token: "lab-reader-token" }],
    limits: { maxPauseMs: 5, limitMs: 60_000 },
    nowMs: fastClock(),
  });
  t.after(() => reader.close());
  await reader.run(checkout, { repository, directory: "source" });
  await writeFile(join(reader.workspace, "source", "a.txt"), "two\n");
  const refused = await reader.run(commitPush, { repository, directory: "source", message: "No" });
  assert.equal(refused.kind === "errored" && refused.failure.code, "system-forbidden", JSON.stringify(refused));
});

test("trailers cannot be forged by a value or by another trailer", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = await checkedOut(lab, bench, { "a.txt": "one\n" });
  for (const trailers of [{ "X-Effect": "k" }, { "x-effect": "k" }, { "Gantry-Actor": "root" }, { "A B": "c" }]) {
    const outcome = await bench.once(commitPush, { repository, directory: "source", message: "x", trailers });
    assert.equal(outcome.kind === "errored" && outcome.failure.code, "bad-input", JSON.stringify(trailers));
  }
  assert.equal(messageOf("a\r\n", { Note: "b\nX-Effect: k" }), "a\n\nNote: b X-Effect: k\n");
});

test("ignored files and the workspace's own files stay as they are", async (t) => {
  const { lab, bench } = await labWithBench(t);
  const repository = await checkedOut(lab, bench, { "a.txt": "one\n" });
  await writeFile(join(bench.workspace, "source", "a.txt"), "two\n");
  const head = () => readFile(join(bench.workspace, "source", ".git", "HEAD"), "utf8");
  const before = await head();
  await bench.once(commitPush, { repository, directory: "source", message: "Deploy" });
  assert.equal(await head(), before);
});

/** A repository `orders` with these files, checked out into `source`. */
async function checkedOut(lab: LabHost, bench: StepBench, files: Readonly<Record<string, string>>) {
  await seed(lab, "orders", files);
  const repository = { project: lab.project, slug: "orders" };
  const outcome = await bench.run(checkout, { repository, directory: "source" });
  assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
  return repository;
}

async function history(lab: LabHost) {
  return lab.store.commits(await idOf(lab), "main", 100);
}

/** The lab's own id of the only repository. */
async function idOf(lab: LabHost): Promise<string> {
  const answer = await fetch(`${lab.system.url}/rest/api/latest/projects/${lab.project}/repos/orders`, {
    headers: { authorization: `Bearer ${lab.system.token}` },
  });
  return String(((await answer.json()) as { id: number }).id);
}
