// The hardened git against the list of hostile inputs (lab/contract/hostile/git.json): nothing is run, nothing is written outside.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { lstat, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import fc from "fast-check";
import { tempDir } from "../temp-dir.fixture.ts";
import { openGit } from "./git.ts";
import { labWithBench } from "./lab-bench.fixture.ts";
import { plantTree, seed, type TreeFile } from "./lab-git.fixture.ts";
import { openMirror } from "./mirror.ts";
import { checkRemoteUrl, isBranchName } from "./names.ts";
import { checkout, commitPush } from "./steps.ts";

type Row = { id: string; says: string; where: "url" | "ref" | "tree"; payload?: string; files?: TreeFile[] };
const ROWS = JSON.parse(readFileSync(new URL("../../lab/contract/hostile/git.json", import.meta.url), "utf8")) as Row[];
const environment = { PATH: process.env.PATH ?? "" };
const limits = { mb: 100, files: 10_000 };
/** Two tests look at the machine's processes. */
const noProc = existsSync("/proc/self/cmdline") ? false : "this machine has no /proc";
const rows = (where: Row["where"]) => ROWS.filter((row) => row.where === where);

test("hostile addresses are refused by us, and by git itself if they got that far", async (t) => {
  const dir = await tempDir(t);
  const canary = join(dir, "canary");
  const host = "127.0.0.1:4711";
  const git = openGit({ gitDir: await bareIn(dir), environment, limits, signal: AbortSignal.timeout(60_000) });
  // The remote is what decides the protocol; the address is the attacker's.
  const remote = { system: "bitbucket", url: `http://${host}/x.git`, authorization: "Bearer the-secret" };
  for (const { id, says, payload = "" } of rows("url")) {
    const url = payload.replaceAll("{canary}", canary).replaceAll("{host}", host);
    assert.throws(
      () => checkRemoteUrl(url, { system: "bitbucket", base: `http://${host}` }),
      /refused/,
      `${id} ${says}`,
    );
    const error = await git(["fetch", "--", url], { remote }).then(
      () => undefined,
      (problem: unknown) => problem,
    );
    assert.ok(error instanceof GantryError, `${id} ${says}: git must fail`);
    assert.ok(!JSON.stringify([error.message, error.details]).includes("the-secret"), id);
    assert.equal(existsSync(canary), false, `${id} ${says}: something was run`);
  }
});

test("G8 hostile refs end as errors, and nothing is run or written", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "a\n" });
  const canary = join(bench.home, "canary");
  for (const { id, payload = "" } of [...rows("ref"), { id: "G8 long", payload: "x".repeat(251) }]) {
    const ref = payload.replaceAll("{canary}", canary);
    const repository = { project: lab.project, slug: "orders" };
    const outcome = await bench.once(checkout, { repository, ref });
    // HEAD is the default branch for a checkout, whatever branches are named.
    if (ref === "HEAD") assert.equal(outcome.kind === "succeeded" && outcome.output.branch, "main", id);
    else assert.equal(outcome.kind, "errored", `${id}: ${JSON.stringify(outcome)}`);
    const pushed = await bench.once(commitPush, { repository, branch: ref, message: "x" });
    assert.equal(pushed.kind === "errored" && pushed.failure.code, "bad-input", id);
  }
  assert.equal(existsSync(canary), false);
});

test("hostile repositories are harmless in a workspace", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "a\n" });
  const canary = join(bench.home, "canary");
  const store = dirname(lab.store.folderOf("x"));
  const bare = join(store, (await readdir(store))[0] ?? "");
  const made: string[] = [];
  for (const { id, says, files = [] } of rows("tree")) {
    await plantTree(
      bare,
      files.map((file) => ({ ...file, content: file.content?.replaceAll("{canary}", canary) ?? "" })),
    );
    const input = { repository: { project: lab.project, slug: "orders" }, directory: id };
    const outcome = await bench.once(checkout, input);
    const shown = `${id} ${says}: ${JSON.stringify(outcome)}`;
    assert.ok(["succeeded", "errored"].includes(outcome.kind), shown);
    if (outcome.kind === "errored") assert.equal(outcome.failure.code, "system-refused", shown);
    const folder = join(bench.workspace, id);
    if (existsSync(folder)) {
      made.push(id);
      await noLinks(folder);
      assert.deepEqual(await hooksIn(folder), [], shown);
    }
    // Somebody's tool runs an ordinary git in there, as build tools do.
    if (outcome.kind === "succeeded") plainStatus(folder, bench.home);
    assert.equal(existsSync(canary), false, `${shown}: something was run`);
    assert.deepEqual(
      (await readdir(bench.workspace)).sort(),
      made.toSorted(),
      `${shown}: something was written beside it`,
    );
  }
  t.diagnostic(`${made.length} of ${rows("tree").length} could be checked out`);
});

test("G7 a redirect is not followed, and the credential goes nowhere else", async (t) => {
  const heard: string[] = [];
  const other = createServer((request, response) => {
    heard.push(request.headers.authorization ?? "no credential");
    response.end();
  });
  const redirecting = createServer((request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${portOf(other)}${request.url}` });
    response.end();
  });
  for (const server of [other, redirecting]) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
  }
  const git = openGit({
    gitDir: await bareIn(await tempDir(t)),
    environment,
    limits,
    signal: AbortSignal.timeout(60_000),
  });
  const url = `http://127.0.0.1:${portOf(redirecting)}/x.git`;
  const remote = { system: "bitbucket", url, authorization: "Bearer the-secret" };
  await assert.rejects(git(["ls-remote", "--", url], { remote }), { code: "system-strange" });
  assert.deepEqual(heard, []);
});

test("the runner's own git settings and environment have no effect", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "a\n" });
  const trace = join(bench.home, "trace");
  const before = { ...process.env };
  t.after(() => {
    for (const name of ["GIT_TRACE", "GIT_CONFIG_GLOBAL", "GIT_DIR", "GIT_EXEC_PATH"]) delete process.env[name];
    Object.assign(process.env, before);
  });
  const evil = join(bench.home, "gitconfig");
  await writeFile(evil, `[url "http://127.0.0.1:1/"]\n\tinsteadOf = ${lab.system.url}/\n`);
  Object.assign(process.env, {
    GIT_TRACE: trace,
    GIT_CONFIG_GLOBAL: evil,
    GIT_DIR: "/nowhere",
    GIT_EXEC_PATH: "/nowhere",
  });
  const outcome = await bench.once(checkout, { repository: { project: lab.project, slug: "orders" } });
  assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
  assert.equal(existsSync(trace), false);
});

test("what a job wrote into its own .git does not reach a push", async (t) => {
  const { lab, bench } = await labWithBench(t);
  await seed(lab, "orders", { "a.txt": "a\n" });
  const repository = { project: lab.project, slug: "orders" };
  await bench.once(checkout, { repository, directory: "source" });
  const source = join(bench.workspace, "source");
  const canary = join(bench.home, "canary");
  const config = `[core]\n\tfsmonitor = touch ${canary}\n\thooksPath = ${source}\n[url "http://127.0.0.1:1/"]\n\tinsteadOf = ${lab.system.url}/\n[filter "evil"]\n\tclean = touch ${canary}; cat\n[http]\n\tproxy = http://127.0.0.1:1\n`;
  await writeFile(join(source, ".git", "config"), `${await readFile(join(source, ".git", "config"), "utf8")}${config}`);
  await writeFile(join(source, ".gitattributes"), "* filter=evil\n");
  await writeFile(join(source, "pre-push"), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
  const outcome = await bench.once(commitPush, { repository, directory: "source", message: "Change" });
  assert.equal(outcome.kind === "succeeded" && outcome.output.changed, true, JSON.stringify(outcome));
  assert.equal(existsSync(canary), false);
});

test("an abort ends git and the programs it started, at once", { skip: noProc }, async (t) => {
  const { url, abort, asked } = await askSilentHost(t, "x");
  assert.ok(processesWith(url) > 0, "it is running");
  abort.abort(new Error("the step was canceled"));
  await assert.rejects(asked, /the step was canceled/);
  assert.equal(processesWith(url), 0, "nothing is left over");
});

test("a credential is in no argument while git runs", { skip: noProc }, async (t) => {
  const { abort, asked } = await askSilentHost(t, "c4n4ry-in-argv");
  assert.equal(processesWith("c4n4ry-in-argv"), 0);
  abort.abort(new Error("enough"));
  await assert.rejects(asked, /enough/);
});

test("our rule for branch names is at least as strict as git's own", () => {
  const names = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc
      .array(fc.constantFrom("a", "/", ".", "..", "@", "{", "-", ".lock", "~", " ", "한", "HEAD", "\\"), {
        maxLength: 6,
      })
      .map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(names, (name) => {
      if (!isBranchName(name)) return;
      assert.doesNotThrow(() => execFileSync("git", ["check-ref-format", "--branch", name], { stdio: "pipe" }), name);
    }),
    { numRuns: testRuns(150) },
  );
  for (const name of ["main", "feature/한글", "release-1.2", "a@b", "user/x+y=z"]) assert.ok(isBranchName(name), name);
});

/** A git that waits for a host which accepted its connection and never answers. */
async function askSilentHost(t: Parameters<typeof tempDir>[0], token: string) {
  const silent = createSocketServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    silent.close();
  });
  const connected = new Promise((resolve) => silent.once("connection", (socket) => resolve(socket)));
  const abort = new AbortController();
  const git = openGit({ gitDir: await bareIn(await tempDir(t)), environment, limits, signal: abort.signal });
  const url = `http://127.0.0.1:${portOf(silent)}/x.git`;
  const asked = git(["ls-remote", "--", url], { remote: { system: "b", url, authorization: `Bearer ${token}` } });
  asked.catch(() => undefined);
  await connected;
  return { url, abort, asked };
}

async function bareIn(dir: string): Promise<string> {
  const cache = join(dir, "cache");
  await mkdir(cache);
  const remote = { system: "b", url: "http://127.0.0.1/x.git", authorization: "" };
  return (await openMirror(cache, remote, { environment, limits, signal: AbortSignal.timeout(60_000) })).dir;
}

function plainStatus(folder: string, home: string): void {
  execFileSync("git", ["status", "--short"], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: home },
    stdio: "pipe",
  });
}

async function noLinks(folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    assert.equal((await lstat(join(folder, name))).isSymbolicLink(), false, `${name} is a link`);
  }
}

async function hooksIn(folder: string): Promise<string[]> {
  const hooks = join(folder, ".git", "hooks");
  return existsSync(hooks) ? readdir(hooks) : [];
}

function processesWith(text: string): number {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return line.startsWith("git") || line.includes("/git") ? line.includes(text) : false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT" || (error as NodeJS.ErrnoException).code === "ESRCH")
        return false;
      throw error;
    }
  }).length;
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port;
}
