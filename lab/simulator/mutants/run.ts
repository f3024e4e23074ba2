// Runs the simulator with each mutant in a copy of the code, and prints which invariant finds it.

import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MUTANTS, type Mutant } from "./list.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const MAX_SEEDS = 2_000;
const FAILED = /seed (\d+) FAILED at \d+ ms: ([a-z-]+)/;
/** The workspaces that the simulator loads. */
const WORKSPACES = [
  "core",
  "runtime",
  "wire",
  "journal",
  "connectors",
  "task-agent",
  "task-runner",
  "notify-agent",
  "lab",
] as const;

/** The mutated files. Throws unless each patch applies exactly once. */
export async function patched(mutant: Mutant, root = ROOT): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const { file, find, replace } of mutant.edits) {
    const text = texts.get(file) ?? (await readFile(join(root, file), "utf8"));
    const places = text.split(find).length - 1;
    if (places !== 1)
      throw new Error(
        `mutant ${mutant.name}: the text to replace occurs ${places} times in ${file}, and must occur once`,
      );
    texts.set(
      file,
      text.replace(find, () => replace),
    );
  }
  return texts;
}

/** Runs the mutants with these comma-separated names, or all. Returns true when every one was found. */
export async function runMutants(only: string | undefined, seeds = MAX_SEEDS): Promise<boolean> {
  const chosen = MUTANTS.filter(({ name }) => only === undefined || only.split(",").includes(name));
  const all = await Promise.all(chosen.map(async (mutant) => ({ mutant, texts: await patched(mutant) })));
  const folder = await mkdtemp(join(tmpdir(), "gantry-mutants-"));
  let found = 0;
  try {
    await copyCode(folder);
    for (const { mutant, texts } of all) {
      const originals = await Promise.all(
        [...texts.keys()].map(async (file) => [file, await readFile(join(folder, file), "utf8")] as const),
      );
      for (const [file, text] of texts) await writeFile(join(folder, file), text);
      const first = mutant.seed === undefined ? undefined : await simulate(folder, { seeds: 1, from: mutant.seed });
      const output = first !== undefined && FAILED.test(first) ? first : await simulate(folder, { seeds, from: 1 });
      for (const [file, text] of originals) await writeFile(join(folder, file), text);
      const caught = FAILED.exec(output);
      if (caught) found += 1;
      const verdict = caught
        ? `found by ${caught[2]}, seed ${caught[1]}`
        : `NOT FOUND in ${seeds} seeds: ${output.slice(-300).trim()}`;
      console.log(`${mutant.name.padEnd(30)} ${verdict}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  console.log(`${found} of ${chosen.length} mutants were found`);
  return found === chosen.length && chosen.length > 0;
}

/** Copies the workspaces to `folder` and links all other packages. */
async function copyCode(folder: string): Promise<void> {
  await mkdir(join(folder, "node_modules", "@gantry"), { recursive: true });
  for (const name of await readdir(join(ROOT, "node_modules")))
    if (name !== "@gantry") await symlink(join(ROOT, "node_modules", name), join(folder, "node_modules", name));
  const isWanted = (path: string): boolean => !path.includes("node_modules") && !path.includes("/fixtures");
  for (const name of WORKSPACES) {
    await cp(join(ROOT, name), join(folder, name), { recursive: true, filter: isWanted });
    await symlink(join(folder, name), join(folder, "node_modules", "@gantry", name));
  }
  await cp(join(ROOT, "package.json"), join(folder, "package.json"));
}

function simulate(folder: string, { seeds, from }: { seeds: number; from: number }): Promise<string> {
  const argv = ["lab/simulator/main.ts", "--seeds", String(seeds), "--seed", String(from), "--stop"];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
    });
    child.on("error", reject);
    child.on("close", () => resolve(output));
  });
}
