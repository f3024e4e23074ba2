// actions/upload-artifact and actions/download-artifact. GitHub keeps files below the folder that was uploaded, and Gantry below
// the workspace: a script moves them where that makes a difference.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { Untranslatable } from "./expression.ts";
import type { Path } from "./foreign-file.ts";
import { downloadStep, fileName, patternOf, saveStep } from "./job-files.ts";
import { listOf, noCounterpart, textsOf } from "./target.ts";

export type Upload = {
  readonly job: string;
  /** Index of its step. */
  readonly step: number;
  /** As the workflow names it, perhaps with expressions. */
  readonly source: string;
  readonly name: string;
  readonly paths: readonly string[];
  /** Paths that no artifact can have. */
  readonly elsewhere: readonly string[];
  /** The folder that GitHub takes files out of; undefined: an expression says it. */
  readonly root: string | undefined;
  /** Whether `root` is a folder or a file is not said in the workflow. */
  readonly mayBeFile: boolean;
  readonly hasMatrix: boolean;
};

type Note = (path: Path, what: string) => void;
const EXPRESSION = /\$\{\{.*?\}\}/gs;

/** All uploads of a workflow. */
export function uploadsOf(jobs: JsonObject): readonly Upload[] {
  return Object.entries(jobs).flatMap(([job, body]) => {
    if (!isJsonObject(body)) return [];
    const hasMatrix = isJsonObject(body.strategy) && body.strategy.matrix !== undefined;
    const names: string[] = [];
    return listOf(body.steps).flatMap((one, step): readonly Upload[] => {
      if (!isJsonObject(one) || !/^actions\/upload-artifact@/.test(String(one.uses))) return [];
      const inputs = isJsonObject(one.with) ? one.with : {};
      const source = typeof inputs.name === "string" ? inputs.name : "artifact";
      const name = fileName(source, "files", names);
      names.push(name);
      const given = pathLines(inputs.path).map((line) => ({ line, pattern: patternOf(line) }));
      const paths = given.flatMap(({ pattern }) => pattern ?? []);
      const elsewhere = given.filter(({ pattern }) => pattern === undefined).map(({ line }) => line);
      return [{ job, step, source, name, paths, elsewhere, hasMatrix, ...rootOf(paths) }];
    });
  });
}

/** The lines of an input with paths, below the workspace. */
export function pathLines(value: JsonValue | undefined): readonly string[] {
  return textsOf(value)
    .flatMap((text) => text.split("\n"))
    .map((line) => line.trim().replace(/^(!?)(?:\$\{\{\s*github\.workspace\s*\}\}|\$GITHUB_WORKSPACE)(?:\/|$)/, "$1./"))
    .filter((line) => line !== "");
}

/** As upload-artifact finds it: the part of a path before its first wildcard, and what several paths have in common. */
function rootOf(paths: readonly string[]): Pick<Upload, "root" | "mayBeFile"> {
  const wanted = paths.filter((path) => !path.startsWith("!")).map((path) => path.split("/"));
  if (wanted.flat().some((part) => part.includes("${{"))) return { root: undefined, mayBeFile: false };
  const searched = wanted.map((parts) => {
    const end = parts.findIndex((part) => /[*?[]/.test(part));
    return end === -1 ? parts : parts.slice(0, end);
  });
  const [first = [], ...more] = searched;
  if (more.length === 0) {
    const isWhole = first.length === wanted[0]?.length;
    const isFile = isWhole && /.\.[A-Za-z0-9]+$/.test(first.at(-1) ?? "");
    return { root: (isFile ? first.slice(0, -1) : first).join("/"), mayBeFile: isWhole && !isFile };
  }
  const differs = first.findIndex((part, index) => more.some((other) => other[index] !== part));
  return { root: (differs === -1 ? first : first.slice(0, differs)).join("/"), mayBeFile: false };
}

/** The step for one of the uploads; undefined: it is noted. `template` throws Untranslatable. */
export function ofUpload(
  upload: Upload | undefined,
  inputs: JsonObject,
  at: Path,
  template: (text: string) => string,
  note: Note,
): JsonObject | undefined {
  for (const path of upload?.elsewhere ?? [])
    note([...at, "path"], `the path ${path} is not below the workspace: artifacts have only files of the workspace`);
  if (inputs["include-hidden-files"] === true && upload?.paths.some((path) => /(?:^|\/)[*?]/.test(path)))
    note(
      [...at, "include-hidden-files"],
      "a wildcard leaves out names that begin with a dot: name these files, or their folder",
    );
  if (upload === undefined || !upload.paths.some((path) => !path.startsWith("!"))) return undefined;
  const days = inputs["retention-days"];
  const isLong = typeof days === "number" && days > 366;
  if (days !== undefined && (typeof days !== "number" || isLong))
    note(
      [...at, "retention-days"],
      `\`retention-days: ${String(days)}\` has no counterpart: a number of days, at most 366`,
    );
  const retention = typeof days === "number" && days > 0 && !isLong ? `${days}d` : undefined;
  try {
    const paths = upload.paths.map((path) => template(path));
    return saveStep({ name: upload.name, paths, retention, optional: inputs["if-no-files-found"] !== "error" });
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    note([...at, "path"], `the artifact ${upload.name} is left out: ${error.message}`);
    return undefined;
  }
}

type Taking = {
  readonly job: string;
  readonly jobs: JsonObject;
  readonly uploads: readonly Upload[];
};

/** The uploads that a download takes: of jobs that come before. */
export function takenBy(step: JsonObject, { job, jobs, uploads }: Taking): readonly Upload[] {
  if (!/^actions\/download-artifact@/.test(String(step.uses))) return [];
  const { name, pattern } = isJsonObject(step.with) ? step.with : {};
  const before = jobsBefore(job, jobs);
  return uploads.filter((one) => {
    if (!before.has(one.job)) return false;
    if (typeof name === "string") return one.source === name;
    return typeof pattern !== "string" || fits(pattern, one.source);
  });
}

function jobsBefore(job: string, jobs: JsonObject, seen = new Set<string>()): ReadonlySet<string> {
  const body = jobs[job];
  for (const needed of isJsonObject(body) ? textsOf(body.needs) : []) {
    if (seen.has(needed)) continue;
    seen.add(needed);
    jobsBefore(needed, jobs, seen);
  }
  return seen;
}

/** `dist-*` fits `dist-${{ matrix.os }}`. */
function fits(pattern: string, source: string): boolean {
  const wildcard = pattern.split("*").map((part) => part.replace(/[^\w]/g, "\\$&"));
  return new RegExp(`^${wildcard.join(".*")}$`, "s").test(source.replace(EXPRESSION, "x"));
}

/** The steps of a download. What cannot be said is noted. */
export function ofDownload(step: JsonObject, at: Path, taking: Taking, note: Note): readonly JsonObject[] {
  const inputs = isJsonObject(step.with) ? step.with : {};
  for (const key of ["run-id", "repository", "artifact-ids"]) {
    if (inputs[key] === undefined) continue;
    note([...at, "with", key], noCounterpart(`\`${key}\` of a download`, "a job takes artifacts of its own task"));
    return [];
  }
  const [path = "."] = pathLines(inputs.path);
  const base = patternOf(path);
  if (base === undefined || base.includes("${{")) {
    note([...at, "with", "path"], `the folder ${path} is not below the workspace: nothing is downloaded`);
    return [];
  }
  const taken = takenBy(step, taking);
  const { name = "*" } = inputs;
  if (taken.length === 0) {
    const isOfMatrix = taking.uploads.some(({ source }) => source.includes("${{") && fitsName(String(name), source));
    const why = isOfMatrix
      ? "it is of one job of a matrix: download all of them with `pattern`"
      : "no job before this one uploads it";
    note(at, `the artifact ${String(name)} is not downloaded: ${why}`);
  }
  const isMerged = inputs.name !== undefined || inputs["merge-multiple"] === true;
  const folder = base === "**" ? "." : base;
  return taken.flatMap((upload) => {
    const apart = fileName(upload.source, "files");
    const hasOwn = !isMerged && upload.hasMatrix;
    if (hasOwn)
      note(
        at,
        `the files of each job of the matrix ${upload.job} come into ${folder}/VALUES, named by the values of the matrix`,
      );
    // A named artifact must be there. Of several, those that are there are taken.
    const isOnly = inputs.name === undefined && taking.uploads.filter((one) => one.job === upload.job).length === 1;
    const target = isMerged || hasOwn ? folder : joined(folder, apart);
    return placed(upload, { target, isMerged, isOnly }, at, note);
  });
}

function fitsName(name: string, source: string): boolean {
  const parts = source.split(EXPRESSION).map((part) => part.replace(/[^\w]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(name);
}

function joined(folder: string, name: string): string {
  return folder === "." ? name : `${folder}/${name}`;
}

type Placing = {
  readonly target: string;
  readonly isMerged: boolean;
  /** It is all that its job uploads. */
  readonly isOnly: boolean;
};

/** So that a file `root/x` of the workspace comes to `target/x`. */
function placed(upload: Upload, { target, isMerged, isOnly }: Placing, at: Path, note: Note): readonly JsonObject[] {
  const { job, name, root, hasMatrix, mayBeFile } = upload;
  const take = (to: string): JsonObject => downloadStep({ job, ...(isOnly ? {} : { artifact: name }), to });
  if (root === undefined) {
    note(at, `the files of ${name} keep their folders: their common folder is an expression`);
    return [take(target)];
  }
  if (!hasMatrix || !isMerged) {
    if (root === "" && !mayBeFile) return [take(target)];
    if (root === target) return [take(".")];
    if (target.endsWith(`/${root}`)) return [take(target.slice(0, -root.length - 1))];
    if (hasMatrix) {
      note(at, `the files of ${name} keep the folder ${root}`);
      return [take(target)];
    }
  }
  const from = `.artifacts/${job}/${name}`;
  return [
    take(from),
    { title: `Put the files of ${name} where the workflow has them`, ...moving(from, hasMatrix, root, target) },
  ];
}

function moving(from: string, hasMatrix: boolean, root: string, target: string): JsonObject {
  const run = `mkdir -p "$TO"
for one in ${from}${hasMatrix ? "/*" : ""}; do
  if [ -d "$one/$ROOT" ]; then cp -R "$one/$ROOT/." "$TO/"
  elif [ -e "$one/$ROOT" ]; then cp "$one/$ROOT" "$TO/"; fi
done
`;
  return { run, env: { ROOT: root, TO: target } };
}
