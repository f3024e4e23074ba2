// Reads repositories as Argo CD's repo-server does: it runs git with the credentials of the registered repository and
// fetches into its own mirror. It ignores the git configuration of the machine; no credential is in a command line.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Repository } from "./model.ts";

/** An error with the text of git or of the repo-server. */
export class GitProblem extends Error {}

export type GitReader = {
  /** Checks that the repository is reachable with these credentials. Throws GitProblem. */
  readonly test: (repository: Repository) => Promise<void>;
  /** Fetches, and returns the commit of a branch, a tag, `HEAD` or a hash. Throws GitProblem. */
  readonly resolve: (repository: Repository, revision: string) => Promise<string>;
  /** The text files of a commit by path, without symbolic links and files above 1 MiB. */
  readonly files: (repository: Repository, commit: string) => Promise<ReadonlyMap<string, string>>;
  readonly metadata: (
    repository: Repository,
    commit: string,
  ) => Promise<{ author: string; date: string; message: string }>;
};

const MAX_FILE = 1024 * 1024;
const MAX_CACHED = 16;

export function openGitReader(options: { readonly dir: string; readonly allowFile: boolean }): GitReader {
  const cache = new Map<string, ReadonlyMap<string, string>>();
  /** By mirror, the refs of the remote when its objects were last fetched. */
  const fetched = new Map<string, string>();
  const mirrorOf = (repository: Repository): string =>
    join(options.dir, `${createHash("sha256").update(repository.repo).digest("hex").slice(0, 20)}.git`);
  const run = (repository: Repository, argv: readonly string[], input?: string): Promise<Buffer> =>
    runGit(repository, argv, options.allowFile, input);
  const inMirror = (repository: Repository, argv: readonly string[], input?: string): Promise<Buffer> =>
    run(repository, ["--git-dir", mirrorOf(repository), ...argv], input);
  const commitOf = async (repository: Repository, id: string): Promise<string> => {
    try {
      return (await inMirror(repository, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${id}^{commit}`]))
        .toString("utf8")
        .trim();
    } catch (error) {
      throw error instanceof GitProblem ? unresolved(id) : error;
    }
  };

  return {
    test: async (repository) => void (await run(repository, ["ls-remote", "--", repository.repo, "HEAD"])),
    resolve: async (repository, revision) => {
      const mirror = mirrorOf(repository);
      if (!existsSync(join(mirror, "HEAD"))) {
        mkdirSync(options.dir, { recursive: true });
        await run(repository, ["init", "--quiet", "--bare", "--template=", mirror]);
      }
      const listed = (await run(repository, ["ls-remote", "--", repository.repo])).toString("utf8");
      // As in the real one, objects are fetched only when a ref has moved.
      if (fetched.get(mirror) !== listed) {
        const refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        await inMirror(repository, ["fetch", "--quiet", "--prune", "--no-auto-gc", "--", repository.repo, ...refs]);
        fetched.set(mirror, listed);
      }
      if (/^[0-9a-f]{40}$/.test(revision)) return commitOf(repository, revision);
      const tips = new Map(listed.split("\n").map((line) => [line.slice(41), line.slice(0, 40)]));
      const tag = `refs/tags/${revision}`;
      const names = revision === "" || revision === "HEAD" ? ["HEAD"] : [`refs/heads/${revision}`, `${tag}^{}`, tag];
      const commit = names.map((name) => tips.get(name)).find((id) => id !== undefined);
      if (commit === undefined) throw unresolved(revision);
      return commit;
    },
    files: async (repository, commit) => {
      const key = `${repository.repo} ${commit}`;
      const known = cache.get(key);
      if (known) return known;
      const files = await readFiles((argv, input) => inMirror(repository, argv, input), commit);
      cache.set(key, files);
      const [oldest] = cache.keys();
      if (cache.size > MAX_CACHED && oldest !== undefined) cache.delete(oldest);
      return files;
    },
    metadata: async (repository, commit) => {
      const text = (
        await inMirror(repository, ["show", "--no-patch", "--format=%an <%ae>%x00%cI%x00%B", commit])
      ).toString("utf8");
      const [author = "", date = "", message = ""] = text.split("\0");
      return { author, date: `${new Date(date).toISOString().slice(0, 19)}Z`, message: message.trim() };
    },
  };
}

function unresolved(revision: string): GitProblem {
  return new GitProblem(`unable to resolve '${revision}' to a commit SHA`);
}

async function readFiles(
  git: (argv: readonly string[], input?: string) => Promise<Buffer>,
  commit: string,
): Promise<ReadonlyMap<string, string>> {
  const listing = (await git(["ls-tree", "-r", "-z", "--long", commit])).toString("utf8");
  const wanted = listing.split("\0").flatMap((line) => {
    const match = /^(\d+) blob ([0-9a-f]+) +(\d+)\t(.+)$/s.exec(line);
    return match && match[1] !== "120000" && Number(match[3]) <= MAX_FILE
      ? [{ id: match[2] ?? "", path: match[4] ?? "" }]
      : [];
  });
  const files = new Map<string, string>();
  if (wanted.length === 0) return files;
  const batch = await git(["cat-file", "--batch"], wanted.map((one) => `${one.id}\n`).join(""));
  let at = 0;
  for (const { path } of wanted) {
    const headEnd = batch.indexOf("\n", at);
    const size = Number(batch.subarray(at, headEnd).toString("utf8").split(" ")[2]);
    files.set(path, batch.subarray(headEnd + 1, headEnd + 1 + size).toString("utf8"));
    at = headEnd + 1 + size + 1;
  }
  return files;
}

function runGit(repository: Repository, argv: readonly string[], allowFile: boolean, input = ""): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", argv, { env: environmentOf(repository, allowFile), stdio: ["pipe", "pipe", "pipe"] });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(out));
      else reject(new GitProblem(inWords(Buffer.concat(err).toString("utf8"))));
    });
    child.stdin.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") reject(error);
    });
    child.stdin.end(input);
  });
}

/** The repo-server's texts for the common errors. */
function inWords(complaint: string): string {
  if (/Authentication failed|could not read (Username|Password)|returned error: 40[13]/i.test(complaint))
    return "authentication required";
  if (/not found|does not exist|does not appear to be a git repository|returned error: 404/i.test(complaint))
    return "repository not found";
  const line = complaint.trim().split("\n").at(-1) ?? "";
  return line === "" ? "git failed" : line.slice(0, 500);
}

function environmentOf(repository: Repository, allowFile: boolean): Record<string, string> {
  const header = authorizationOf(repository);
  const config = [
    ["credential.helper", ""],
    ...(header === undefined ? [] : [["http.extraHeader", `Authorization: ${header}`]]),
  ];
  return {
    PATH: process.env.PATH ?? "",
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ALLOW_PROTOCOL: allowFile ? "http:https:file" : "http:https",
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key = "", value = ""], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

function authorizationOf({ username, password, bearerToken }: Repository): string | undefined {
  if (bearerToken) return `Bearer ${bearerToken}`;
  if (!username && !password) return undefined;
  return `Basic ${Buffer.from(`${username ?? ""}:${password ?? ""}`, "utf8").toString("base64")}`;
}
