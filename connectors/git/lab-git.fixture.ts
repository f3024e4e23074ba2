// A developer at the git host: another clone that commits and pushes with an ordinary git, for tests of races.

import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { GitHost } from "./host.ts";
import { openHost } from "./hosts.ts";
import type { LabHost } from "./lab.fixture.ts";

const run = promisify(execFile);

/** `content` of a submodule (mode 160000) is its commit. A path in double quotes is written as git quotes names. */
export type TreeFile = { readonly path: string; readonly mode?: string; readonly content?: string };

/** Seeds a repository with files, as its first commit on `main`. */
export async function seed(lab: LabHost, slug: string, files: Readonly<Record<string, string>>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-seed-"));
  try {
    await writeFiles(dir, files);
    await lab.seed(slug, dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The environment of an ordinary git that is signed in at the host. `home`: a folder without configuration. */
export function gitEnvironmentOf(host: GitHost, home: string): Readonly<Record<string, string>> {
  return {
    PATH: process.env.PATH ?? "",
    HOME: home,
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.extraHeader",
    GIT_CONFIG_VALUE_0: `Authorization: ${host.gitAuthorization()}`,
  };
}

/** Another developer changes files of a branch (created from `main` if it is new) and pushes. Returns the new commit. */
export async function pushAsSomebody(
  lab: LabHost,
  slug: string,
  files: Readonly<Record<string, string>>,
  branch = "main",
  removed: readonly string[] = [],
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-somebody-"));
  const host = openHost({ system: lab.system, fetch, signal: AbortSignal.timeout(60_000) });
  const env = gitEnvironmentOf(host, dir);
  const git = async (...args: string[]) => (await run("git", args, { cwd: dir, env })).stdout.trim();
  try {
    await git("clone", "--quiet", host.cloneUrl(lab.project, slug), "copy");
    const copy = join(dir, "copy");
    await git("-C", copy, "checkout", "--quiet", "-B", branch);
    await writeFiles(copy, files);
    for (const path of removed) await rm(join(copy, path));
    await git("-C", copy, "add", "--all");
    await git(
      "-C",
      copy,
      "-c",
      "user.name=Some Body",
      "-c",
      "user.email=some@body.test",
      "commit",
      "--quiet",
      "-m",
      "By hand",
    );
    await git("-C", copy, "push", "--quiet", "origin", `HEAD:refs/heads/${branch}`);
    return await git("-C", copy, "rev-parse", "HEAD");
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Another developer pushes a tag on the newest commit of `main`. */
export async function tagMain(lab: LabHost, slug: string, tag: string): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-somebody-"));
  const host = openHost({ system: lab.system, fetch, signal: AbortSignal.timeout(60_000) });
  const env = gitEnvironmentOf(host, dir);
  try {
    await run("git", ["clone", "--quiet", "--bare", host.cloneUrl(lab.project, slug), "copy"], { cwd: dir, env });
    await run("git", ["-C", "copy", "push", "--quiet", "origin", `main:refs/tags/${tag}`], { cwd: dir, env });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Puts a tree on `main` of a bare repository without any of git's checks. */
export async function plantTree(bare: string, files: readonly TreeFile[]): Promise<void> {
  const commands = ["commit refs/heads/main", "committer Eve <eve@evil.test> 1767225600 +0000", "data 5", "Evil\n"];
  for (const { path, mode = "100644", content = "" } of files) {
    const name = path.startsWith('"') ? path : JSON.stringify(path);
    if (mode === "160000") commands.push(`M 160000 ${content || "1".repeat(40)} ${name}`);
    else commands.push(`M ${mode} inline ${name}`, `data ${Buffer.byteLength(content)}`, content);
  }
  const child = spawn(
    "git",
    ["-c", "core.protectNTFS=false", "-c", "core.protectHFS=false", "fast-import", "--quiet", "--force"],
    {
      cwd: bare,
      env: { PATH: process.env.PATH ?? "", GIT_DIR: bare },
      stdio: ["pipe", "ignore", "pipe"],
    },
  );
  const complaints: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => complaints.push(chunk));
  child.stdin.on("error", () => undefined).end(`${commands.join("\n")}\n`);
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`fast-import: ${Buffer.concat(complaints).toString("utf8")}`);
}

async function writeFiles(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}
