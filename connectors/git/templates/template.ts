// Renders a folder of templates into another folder: reads, decides (template-paths.ts, template-text.ts), writes.

import { constants } from "node:fs";
import { lstat, mkdir, open, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { GantryError, type Problem } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { MANIFEST } from "@gantry/core/template/manifest.ts";
import { folderInside } from "../folders.ts";
import { planFiles } from "./template-paths.ts";
import { lineAt, renderText } from "./template-text.ts";

const STEP = "git/render-template";
const MAX_FILES = 5_000;
const MAX_BYTES = 10 * 1024 * 1024;

type Source = { readonly path: string; readonly executable: boolean };
export type Output = { readonly target: string; readonly content: Buffer; readonly executable: boolean };

/**
 * Renders `from` into `into`, both absolute. Returns how many files were written. Throws `bad-input` with every mistake,
 * by file and line, before anything is written.
 */
export async function renderFolder(from: string, into: string, values: JsonObject): Promise<number> {
  const outputs = await fillIn(from, values);
  for (const output of outputs) await writePlain(into, output);
  return outputs.length;
}

/** What the folder becomes, in memory. Throws `bad-input` with every mistake. The manifest is not part of it. */
export async function fillIn(from: string, values: JsonObject): Promise<readonly Output[]> {
  const sources = await listFiles(from);
  const { files, mistakes } = planFiles([...sources.keys()], { values, item: undefined });
  const problems: Problem[] = mistakes.map(({ file, detail }) => ({ file, detail }));
  const outputs: Output[] = [];
  const contents = new Map<string, Buffer>();
  for (const { source, target, scope } of files) {
    const content = contents.get(source) ?? (await readPlain(join(from, source), source));
    contents.set(source, content);
    const executable = sources.get(source)?.executable ?? false;
    const text = textOf(content);
    if (text === undefined) {
      outputs.push({ target, content, executable });
      continue;
    }
    const rendered = renderText(text, scope);
    problems.push(
      ...rendered.mistakes.map((one) => ({ file: source, line: lineAt(text, one.offset), detail: one.detail })),
    );
    outputs.push({ target, content: Buffer.from(rendered.text, "utf8"), executable });
  }
  if (problems.length > 0) throw mistaken(problems);
  return outputs;
}

async function listFiles(root: string, below = ""): Promise<Map<string, Source>> {
  const found = new Map<string, Source>();
  const entries = await readdir(join(root, below), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (path === ".git" || path === MANIFEST) continue;
    if (entry.isDirectory()) for (const [key, source] of await listFiles(root, path)) found.set(key, source);
    else if (entry.isFile())
      found.set(path, { path, executable: ((await lstat(join(root, path))).mode & 0o100) !== 0 });
    else throw mistaken([{ file: path, detail: "only plain files and folders can be templates, no links" }]);
    if (found.size > MAX_FILES) throw mistaken([{ detail: `the template has more than ${MAX_FILES} files` }]);
  }
  return found;
}

/** Opens a file without following a link, even one that has just replaced the file. */
async function readPlain(path: string, name: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if ((await file.stat()).size > MAX_BYTES)
      throw mistaken([{ file: name, detail: `it is larger than ${MAX_BYTES} bytes` }]);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function writePlain(into: string, { target, content, executable }: Output): Promise<void> {
  const folder = await folderInside(into, dirname(target), STEP);
  const path = join(folder, target.split("/").at(-1) ?? "");
  await mkdir(folder, { recursive: true });
  // An existing file or link is replaced; nothing is written through a link.
  await rm(path, { force: true });
  const file = await open(path, "wx", executable ? 0o755 : 0o644);
  try {
    await file.writeFile(content);
  } finally {
    await file.close();
  }
}

/** Undefined for what is not text: it is copied as it is. */
function textOf(content: Buffer): string | undefined {
  if (content.subarray(0, 8_000).includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}

function mistaken(problems: readonly Problem[]): GantryError {
  const [first] = problems;
  const where = first?.file === undefined ? "" : `${first.file}${first.line === undefined ? "" : `:${first.line}`}: `;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return new GantryError(
    "bad-input",
    { step: STEP, problem: `${where}${first?.detail ?? ""}${more}` },
    {
      problems: problems.slice(0, 50),
    },
  );
}
