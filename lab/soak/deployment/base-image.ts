// A base image with Node, npm, git and a shell, made of the programs of this machine, so that the image can be built and run
// where no registry can be reached.

import { execFile } from "node:child_process";
import { chmod, cp, mkdir, realpath, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const PROGRAMS = ["cat", "chmod", "chown", "env", "ln", "ls", "mkdir", "rm", "touch", "id"];

/** Fills a folder with the root file system of the base image. */
export async function makeRootFolder(root: string): Promise<void> {
  await copyProgram(process.execPath, "/usr/local/bin/node", root);
  await copyProgram("/bin/sh", "/bin/sh", root);
  for (const name of PROGRAMS) await copyProgram(await which(name), `/usr/bin/${name}`, root);
  await copyProgram(await which("git"), "/usr/bin/git", root);
  const { stdout } = await run("git", ["--exec-path"]);
  await copyFolder(stdout.trim(), root);
  await copyProgram(join(stdout.trim(), "git-remote-http"), join(stdout.trim(), "git-remote-http"), root);
  await copyFolder("/usr/share/git-core", root);
  await copyFolder("/etc/ssl/certs", root);

  const npm = dirname(dirname(await realpath(await which("npm"))));
  await cp(npm, join(root, "usr/local/lib/node_modules/npm"), { recursive: true, dereference: true });
  const starter = join(root, "usr/local/bin/npm");
  await writeFile(starter, '#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/npm-cli.js "$@"\n');
  await chmod(starter, 0o755);
  await mkdir(join(root, "root"), { recursive: true });
  await mkdir(join(root, "tmp"), { recursive: true });
  await chmod(join(root, "tmp"), 0o1777);
  await mkdir(join(root, "etc"), { recursive: true });
  await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000:node:/tmp:/bin/sh\n");
  await writeFile(join(root, "etc/group"), "root:x:0:\nnode:x:1000:\n");
}

/** Copies a program with the libraries that it is linked to, each to its own path. */
export async function copyProgram(from: string, to: string, root: string): Promise<void> {
  const { stdout } = await run("ldd", [from]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(/g)].map(([, file]) => file ?? "");
  for (const [source, target] of [[from, to] as const, ...libraries.map((file) => [file, file] as const)]) {
    await mkdir(join(root, dirname(target)), { recursive: true });
    await cp(await realpath(source), join(root, target));
  }
}

async function copyFolder(folder: string, root: string): Promise<void> {
  await cp(folder, join(root, folder), { recursive: true, dereference: true });
}

export async function which(name: string): Promise<string> {
  return (await run("which", [name])).stdout.trim();
}
