// Bare repositories on disk, behind the git hosts of the lab, read and seeded with the git program itself.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const CONFIG = `[core]
\tfsync = none
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
[receive]
\tfsckObjects = true
\tautogc = false
[gc]
\tauto = 0
`;
/** Who commits in the lab, always at the same time. */
const LAB_PERSON = {
  GIT_AUTHOR_NAME: "Lab",
  GIT_AUTHOR_EMAIL: "lab@example.test",
  GIT_AUTHOR_DATE: "1767225600 +0000",
  GIT_COMMITTER_NAME: "Lab",
  GIT_COMMITTER_EMAIL: "lab@example.test",
  GIT_COMMITTER_DATE: "1767225600 +0000",
};
const MAX_OUTPUT = 64 * 1024 * 1024;

export type LabCommit = {
  readonly id: string;
  readonly parents: readonly string[];
  readonly author: string;
  readonly email: string;
  readonly atMs: number;
  readonly message: string;
};
/** Absent: the branch or tag was not there before, or is not there any more. */
export type LabRefChange = { readonly ref: string; readonly before?: string; readonly after?: string };
type OnPush = (id: string, by: string, changes: readonly LabRefChange[]) => Promise<void>;

export type LabBranch = { readonly name: string; readonly commit: string };

export type GitStore = {
  /** Folder of a repository, whether it exists or not. */
  readonly folderOf: (id: string) => string;
  readonly create: (id: string, defaultBranch: string) => Promise<void>;
  readonly remove: (id: string) => Promise<void>;
  readonly branches: (id: string) => Promise<readonly LabBranch[]>;
  /** Newest first; empty when there is no such revision. */
  readonly commits: (id: string, revision: string, limit: number) => Promise<readonly LabCommit[]>;
  readonly files: (id: string, revision: string) => Promise<readonly string[]>;
  readonly file: (id: string, revision: string, path: string) => Promise<Buffer | undefined>;
  /** What a commit changed, as a patch. */
  readonly patch: (id: string, commit: string) => Promise<string>;
  /** The first commit of an empty repository, made of a folder; does nothing when the branch exists. */
  readonly seed: (id: string, branch: string, folder: string) => Promise<void>;
  /** Merges a branch into another one with a merge commit, and answers it. Throws on a conflict. */
  readonly merge: (id: string, from: string, to: string, message: string) => Promise<string>;
  readonly changedPaths: (id: string, commit: string) => Promise<readonly string[]>;
  /** Calls this after every push that has changed something. What it rejects with is ignored. */
  readonly onPush: (listener: OnPush) => void;
  /** Does what may change branches and tags of a repository; one at a time, so that each change has one cause. */
  readonly pushing: <T>(id: string, by: string, push: () => Promise<T>) => Promise<T>;
  /** What git's program sends first to a client with this version of the protocol. */
  readonly advertise: (
    id: string,
    program: "git-upload-pack" | "git-receive-pack",
    protocol: string,
  ) => Promise<Buffer>;
};

/** `root` holds one bare repository per id; it survives everything that a disk survives. */
export function openGitStore(root: string): GitStore {
  const folderOf = (id: string) => join(root, `${id}.git`);
  const git = (id: string, args: readonly string[], env: Record<string, string> = {}) => gitIn(folderOf(id), args, env);
  const greetings = new Map<string, Promise<Buffer>>();
  const { onPush, pushing } = openPushes((id) => refsOf(folderOf(id)));
  const revisionOf = async (id: string, revision: string): Promise<string | undefined> => {
    const known = isObjectName(revision) ? [] : await branchesIn(folderOf(id));
    const branch = known.find(({ name }) => name === revision);
    // A tag comes before a branch.
    if (branch && !existsSync(join(folderOf(id), "refs/tags", revision))) return branch.commit;
    const asked = [revision, `refs/heads/${revision}`].map((name) => `${name}^{commit}\n`).join("");
    const answers = (await gitIn(folderOf(id), ["cat-file", "--batch-check=%(objectname) %(objecttype)"], {}, asked))
      .toString("utf8")
      .split("\n");
    return answers.find((line) => line.endsWith(" commit"))?.split(" ")[0];
  };
  return {
    folderOf,
    create: (id, defaultBranch) => create(root, folderOf(id), defaultBranch),
    remove: (id) => rm(folderOf(id), { recursive: true, force: true }),
    branches: (id) => branchesIn(folderOf(id)),
    commits: async (id, revision, limit) => {
      const commit = await revisionOf(id, revision);
      if (commit === undefined) return [];
      const format = "%H%x00%P%x00%an%x00%ae%x00%at%x00%B%x00%x01";
      const log = (await git(id, ["log", `--max-count=${limit}`, `--format=${format}`, commit])).toString("utf8");
      return log.split("\x01").flatMap((entry) => toCommit(entry.trimStart()));
    },
    files: async (id, revision) => {
      const commit = await revisionOf(id, revision);
      if (commit === undefined) return [];
      const listed = await git(id, ["ls-tree", "-r", "-z", "--name-only", "--full-tree", commit]);
      return listed
        .toString("utf8")
        .split("\0")
        .filter((name) => name !== "");
    },
    file: async (id, revision, path) => {
      const commit = await revisionOf(id, revision);
      if (commit === undefined) return undefined;
      const listed = (await git(id, ["ls-tree", "-z", "--full-tree", commit, "--", path])).toString("utf8");
      const [, type, object] = /^\d+ (\w+) ([0-9a-f]{40})\t/.exec(listed) ?? [];
      return type === "blob" && object !== undefined ? git(id, ["cat-file", "blob", object]) : undefined;
    },
    patch: async (id, commit) => {
      const found = await revisionOf(id, commit);
      if (found === undefined) return "";
      return (await git(id, ["show", "--format=", "--patch", "--stat", found])).toString("utf8");
    },
    changedPaths: async (id, commit) => {
      const args = ["diff-tree", "--root", "-r", "-z", "--no-commit-id", "--name-only", commit];
      return (await git(id, args))
        .toString("utf8")
        .split("\0")
        .filter((path) => path !== "");
    },
    ...{ onPush, pushing },
    merge: async (id, from, to, message) => {
      const [ours, theirs] = [await revisionOf(id, to), await revisionOf(id, from)];
      if (ours === undefined || theirs === undefined) throw new Error(`${from} or ${to} is no branch`);
      const tree = (await git(id, ["merge-tree", "--write-tree", ours, theirs])).toString("utf8").trim();
      const args = ["commit-tree", tree, "-p", ours, "-p", theirs, "-m", message];
      const commit = (await git(id, args, LAB_PERSON)).toString("utf8").trim();
      await pushing(id, "lab", () => git(id, ["update-ref", `refs/heads/${to}`, commit, ours]));
      return commit;
    },
    seed: (id, branch, folder) => seed(folderOf(id), branch, folder),
    advertise: (id, program, protocol) => {
      const args = [program.slice("git-".length), "--stateless-rpc", "--advertise-refs", folderOf(id)];
      const ask = (): Promise<Buffer> => git(id, args, { GIT_PROTOCOL: protocol });
      if (program === "git-receive-pack" || !isVersion2(protocol)) return ask();
      // The second version begins with what git can do and not with what there is: the same for all repositories.
      const known = greetings.get(protocol) ?? ask();
      greetings.set(protocol, known);
      return known;
    },
  };
}

async function refsOf(folder: string): Promise<ReadonlyMap<string, string>> {
  const format = "--format=%(refname) %(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)";
  const listed = await gitIn(folder, ["for-each-ref", format, "refs/heads", "refs/tags"]);
  const lines = listed.toString("utf8").split("\n");
  return new Map(lines.filter((line) => line !== "").map((line) => line.split(" ") as [string, string]));
}

function openPushes(refs: (id: string) => Promise<ReadonlyMap<string, string>>): Pick<GitStore, "onPush" | "pushing"> {
  const listeners: OnPush[] = [];
  const queues = new Map<string, Promise<unknown>>();
  const pushNow = async <T>(id: string, by: string, push: () => Promise<T>): Promise<T> => {
    const before = await refs(id);
    const done = await push();
    const after = await refs(id);
    const changes = [...new Set([...before.keys(), ...after.keys()])].flatMap((ref): LabRefChange[] => {
      const [was, is] = [before.get(ref), after.get(ref)];
      if (was === is) return [];
      return [{ ref, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }];
    });
    // A host does not wait for those whom it tells.
    if (changes.length > 0) for (const tell of listeners) void tell(id, by, changes).catch(() => undefined);
    return done;
  };
  return {
    onPush: (listener) => void listeners.push(listener),
    pushing: async (id, by, push) => {
      if (listeners.length === 0) return push();
      const turn = (queues.get(id) ?? Promise.resolve()).then(() => pushNow(id, by, push));
      queues.set(
        id,
        turn.catch(() => undefined),
      );
      return turn;
    },
  };
}

function isObjectName(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** Is this the value of git's header for the second version of its protocol? */
export function isVersion2(protocol: string): boolean {
  return protocol.split(":").includes("version=2");
}

async function create(root: string, folder: string, defaultBranch: string): Promise<void> {
  if (existsSync(join(folder, "HEAD"))) return;
  await mkdir(root, { recursive: true });
  // Made aside and moved into place, so that a kill in between leaves no half repository.
  const fresh = await mkdtemp(join(root, "new-"));
  await gitIn(fresh, ["init", "--quiet", "--bare", "--template=", `--initial-branch=${defaultBranch}`]);
  await appendFile(join(fresh, "config"), CONFIG);
  await rename(fresh, folder);
}

async function seed(bare: string, branch: string, folder: string): Promise<void> {
  if ((await branchesIn(bare)).some(({ name }) => name === branch)) return;
  const scratch = await mkdtemp(join(tmpdir(), "gantry-lab-seed-"));
  try {
    const env = {
      GIT_WORK_TREE: folder,
      GIT_INDEX_FILE: join(scratch, "index"),
      ...LAB_PERSON,
    };
    await gitIn(bare, ["-c", "core.bare=false", "add", "--all", "--force", "--", "."], env, undefined, folder);
    const tree = (await gitIn(bare, ["write-tree"], env)).toString("utf8").trim();
    const commit = (await gitIn(bare, ["commit-tree", tree, "-m", "First version"], env)).toString("utf8").trim();
    await gitIn(bare, ["update-ref", `refs/heads/${branch}`, commit, "0".repeat(40)]);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * The branches of a bare repository, sorted. They are read as git keeps them, a file per branch, because the fakes look at
 * them all the time. Where git keeps them in another way, git is asked.
 */
async function branchesIn(folder: string): Promise<readonly LabBranch[]> {
  const read = existsSync(join(folder, "packed-refs")) ? undefined : await readBranches(join(folder, "refs/heads"));
  if (read) return read;
  const listed = await gitIn(folder, ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads"]);
  return listed
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({ commit: line.slice(0, 40), name: line.slice("refs/heads/".length + 41) }));
}

/** Undefined when a file is not a branch that names its commit, or one is removed meanwhile. */
async function readBranches(heads: string): Promise<readonly LabBranch[] | undefined> {
  try {
    const entries = await readdir(heads, { recursive: true, withFileTypes: true });
    const paths = entries.flatMap((one) =>
      one.isFile() && !one.name.endsWith(".lock") ? [join(one.parentPath, one.name)] : [],
    );
    const found = await Promise.all(
      paths.map(async (path): Promise<LabBranch> => {
        const [commit] = /^[0-9a-f]{40}(?=\n$)/.exec(await readFile(path, "utf8")) ?? [];
        if (commit === undefined) throw new Error(`${path} has no commit`);
        return { name: relative(heads, path), commit };
      }),
    );
    return found.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  } catch {
    // Git is asked, and says what is wrong.
    return undefined;
  }
}

async function gitIn(
  gitDir: string,
  args: readonly string[],
  env: Record<string, string> = {},
  input?: string,
  cwd = gitDir,
): Promise<Buffer> {
  const promise = run("git", [...args], {
    cwd,
    encoding: "buffer",
    maxBuffer: MAX_OUTPUT,
    env: { ...gitEnvironment(), GIT_DIR: gitDir, ...env },
  });
  // A program that needs no input may be gone before it is offered one.
  promise.child.stdin?.on("error", () => undefined).end(input ?? "");
  return (await promise).stdout;
}

/** The person's own configuration has no place in the lab. */
export function gitEnvironment(): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
  };
}

function toCommit(entry: string): LabCommit[] {
  const [id, parents, author, email, seconds, message] = entry.split("\0");
  if (!id || parents === undefined || author === undefined || email === undefined) return [];
  return [
    {
      id,
      parents: parents.split(" ").filter((one) => one !== ""),
      author,
      email,
      atMs: Number(seconds) * 1000,
      message: message ?? "",
    },
  ];
}
