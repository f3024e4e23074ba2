// Determines, once per runner, whether scripts can run in a sandbox on this machine, and what they may see there. The
// command line is built by sandbox-arguments.ts.

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, lstat, mkdtemp, readlink, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { promisify } from "node:util";
import { truncate } from "@gantry/core/truncate.ts";
import type { FindSandbox } from "../ports.ts";
import { chooseEtc, makeEtcView } from "./etc-view.ts";
import { type SandboxHost, sandboxArguments } from "./sandbox-arguments.ts";

const run = promisify(execFile);

/**
 * The system files that programs need. Of /etc only the files for hosts, users, libraries and certificates: the others may
 * contain secrets of the machine.
 */
const ETC = [
  ..."alternatives ca-certificates ca-certificates.conf fonts gai.conf group host.conf hosts ld.so.cache ld.so.conf ld.so.conf.d"
    .concat(
      " java-17-openjdk java-21-openjdk java-25-openjdk locale.alias localtime magic maven mime.types nsswitch.conf",
    )
    .concat(" containers os-release passwd pki profile protocols resolv.conf services ssl timezone")
    .split(" ")
    .map((name) => `/etc/${name}`),
];
const SYSTEM = ["/usr", "/opt"];

/** On some systems these are folders at the root, on others links into /usr. */
const ROOTS = ["/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin"];
const PROBE_MS = 10_000;

/** Never throws: if no namespace can be created, the result says why. Takes about 20 ms. */
export const findSandbox: FindSandbox = async ({ folder, path, readOnly, hidden }) => {
  if (process.platform !== "linux") return { why: "bubblewrap works on Linux only" };
  const program = await findProgram("bwrap", path);
  if (program === undefined)
    return { why: "the program bwrap is not on the PATH (Debian: apt-get install bubblewrap)" };
  const host = await inspectHost(program, folder, path, readOnly);
  const shown = await findShown(host, hidden);
  if (shown !== undefined) return { why: shown };
  const scratch = await mkdtemp(join(tmpdir(), "gantry-sandbox-"));
  try {
    const [command, ...argv] = sandboxArguments(host, {
      cwd: scratch,
      tmp: scratch,
      writable: [scratch],
      readable: [],
      network: "none",
    });
    await run(command, [...argv, "/usr/bin/env", ...RESTORE_SIGTERM, "true"], {
      timeout: PROBE_MS,
      env: { PATH: path },
    });
    return host;
  } catch (error) {
    const output = (error as { stderr?: unknown }).stderr;
    const problem = typeof output === "string" && output.trim() !== "" ? output.trim() : (error as Error).message;
    return { why: `bubblewrap cannot create namespaces here: ${truncate(problem, 300)}` };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

/** Options of coreutils' env (8.32 or later) for a script that is started by a program which ignores SIGTERM. */
export const RESTORE_SIGTERM = ["--default-signal=TERM"] as const;

async function inspectHost(
  program: string,
  folder: string,
  path: string,
  more: readonly string[],
): Promise<SandboxHost> {
  const links: { at: string; to: string }[] = [];
  const folders: string[] = [];
  for (const root of ROOTS) {
    const facts = await lstat(root).catch(() => undefined);
    if (facts?.isSymbolicLink()) links.push({ at: root, to: await readlink(root) });
    else if (facts) folders.push(root);
  }
  const isLinked = (one: string): boolean => links.some(({ at }) => one === at || one.startsWith(`${at}/`));
  const onPath = path.split(delimiter).filter((folder) => isAbsolute(folder) && folder !== "/");
  const { files: etcFiles, folders: etcFolders } = await chooseEtc(ETC);
  const wanted = [...SYSTEM, ...etcFolders, ...folders, ...onPath, dirname(process.execPath), ...more].filter(
    (one) => !isLinked(one),
  );
  const existing = await Promise.all(
    wanted.map((one) =>
      realpath(one).then(
        (real) => [one, real],
        () => [],
      ),
    ),
  );
  const { stdout } = await run(program, ["--help"], { timeout: PROBE_MS, env: { PATH: path } }).catch(() => NO_HELP);
  const shown = withoutNested(existing.flat()).filter((one) => !etcFiles.includes(one));
  const overEtc = shown.filter((one) => one.startsWith("/etc/"));
  return {
    program,
    links,
    etc: await makeEtcView(join(folder, "etc"), etcFiles, overEtc),
    readOnly: shown,
    isRoot: process.getuid?.() === 0,
    canForbidNamespaces: stdout.includes("--disable-userns"),
  };
}

const NO_HELP = { stdout: "" };

/** A sentence for people about the first of these paths that scripts could read. */
async function findShown(host: SandboxHost, hidden: readonly string[]): Promise<string | undefined> {
  for (const path of hidden) {
    const real = await realpath(path).catch(() => resolve(path));
    const folder = host.readOnly.find((shown) => real === shown || real.startsWith(`${shown}/`));
    if (folder !== undefined) return `${path} is in ${folder}, which scripts may read: move it to another folder`;
  }
  return undefined;
}

/** Sorted, without paths below another folder of the list. */
function withoutNested(paths: readonly string[]): readonly string[] {
  const sorted = [...new Set(paths)].toSorted();
  return sorted.filter((path) => !sorted.some((other) => path.startsWith(`${other}/`)));
}

async function findProgram(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, name);
    if (!isAbsolute(file)) continue;
    const isExecutable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return file;
  }
  return undefined;
}
