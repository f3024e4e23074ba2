// Configuration of a process, read once: file < environment < flags. Unknown keys are refused, all problems are
// reported at once, and every variable also has a `_FILE` form for secrets that are kept in files.

import { z } from "zod";
import { GantryError, type Problem } from "../errors.ts";
import { describeIssues, HIDDEN, type Path, type PathProblem, placeAround } from "../issues.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { placeAt, plainValue, readSource, type Source } from "../pipeline/source.ts";
import { didYouMean } from "../suggest.ts";
import { fileProblem } from "../system-error-words.ts";

export type ConfigSources = {
  /** YAML or JSON. */
  readonly file?: { readonly name: string; readonly text: string } | undefined;
  readonly env: { readonly [name: string]: string | undefined };
  /** By name, see `flagsOf`; an undefined flag is not set. */
  readonly flags?: { readonly [name: string]: string | undefined };
  /** `agent.publicUrl` is read from GANTRY_AGENT_PUBLIC_URL when this is GANTRY. */
  readonly prefix: string;
  /** Reads the file that a variable with `_FILE` names; throws when it cannot. A line break at its end is cut. */
  readonly readFile: (path: string) => string;
};

export type OpenedConfig<T> = {
  readonly config: T;
  /**
   * Adds the file and line, or the variable, that the JSON pointer of a later problem refers to. A pointer to a value that
   * is not in the sources is kept unchanged.
   */
  readonly locate: (problem: Problem) => Problem;
};

/** The checked configuration, with defaults. Throws what `openConfig` throws. */
export function readConfig<S extends z.ZodObject>(schema: S, sources: ConfigSources): z.output<S> {
  return openConfig(schema, sources).config;
}

/** All problems of a configuration, as one error. */
export function configInvalid(problems: readonly Problem[]): GantryError {
  const unique = [...new Map(problems.map((one) => [JSON.stringify(one), one])).values()];
  return new GantryError("config-invalid", { problem: unique.map(inWords).join("; ") }, { problems: unique });
}

/**
 * The checked configuration, with defaults. Throws GantryError `config-invalid` with all problems, each with the file
 * and line, or the variable, that it comes from. Values are never repeated, because they may be secrets.
 */
export function openConfig<S extends z.ZodObject>(schema: S, sources: ConfigSources): OpenedConfig<z.output<S>> {
  const problems: Problem[] = [];
  const file = readConfigFile(sources.file, problems);
  const leaves = leavesIn(schema);
  problems.push(...unknownFlags(leaves, sources));
  const origins = new Map<string, string>();
  /** What could not be read is not missing as well. */
  const unread = new Set<string>();
  let tree: JsonObject = file.value;
  for (const leaf of leaves) {
    const read = readFlag(leaf, sources) ?? readVariable(variableIn(sources.prefix, leaf.variable), leaf, sources);
    if (read === undefined) continue;
    if ("problem" in read) {
      problems.push({ detail: read.problem });
      unread.add(pointer(leaf.path));
    } else tree = put(tree, leaf.path, read.value);
    origins.set(pointer(leaf.path), read.from);
  }
  const parsed = schema.safeParse(tree);
  if (parsed.success && problems.length === 0) {
    const locateLater = (problem: Problem): Problem => relocate(problem, sources.file?.name, file.root, origins);
    return { config: parsed.data, locate: locateLater };
  }
  const found = describeIssues(parsed.error?.issues ?? [], tree, {
    keysAt: (path) => keysAt(schema, path),
    shown: (path) => withoutSecrets(schema, path),
    whole: "the file",
  });
  problems.push(
    ...found.flatMap((problem) => {
      if (unread.has(pointer(problem.path))) return [];
      return locate(problem, withoutSecrets(schema, problem.path), sources.file?.name, file.root, origins);
    }),
  );
  throw configInvalid(problems);
}

/** The environment variable of a place: `agent.publicUrl` is AGENT_PUBLIC_URL behind the prefix. */
export function variableOf(prefix: string, path: readonly string[]): string {
  return variableIn(prefix, variableWithoutPrefix(path));
}

function variableIn(prefix: string, name: string): string {
  return `${prefix.toUpperCase()}_${name}`;
}

function variableWithoutPrefix(path: readonly string[]): string {
  return path
    .map((part) => part.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll("-", "_"))
    .join("_")
    .toUpperCase();
}

/** The flags of a schema, without the dashes: `agent.publicUrl` is `agent-public-url`. */
export function flagsOf(schema: z.ZodObject): readonly string[] {
  return leavesIn(schema).map(({ flag }) => flag);
}

function flagOf(path: readonly string[]): string {
  return path
    .map((part) => part.replace(/([a-z0-9])([A-Z])/g, "$1-$2"))
    .join("-")
    .toLowerCase();
}

/** A place that holds a value. `variable`: its name behind the prefix. `flag`: its name without the dashes. */
type Leaf = {
  readonly path: readonly string[];
  readonly type: string;
  readonly variable: string;
  readonly flag: string;
};
type Read = { readonly from: string } & ({ readonly value: JsonValue } | { readonly problem: string });

function readConfigFile(
  file: ConfigSources["file"],
  problems: Problem[],
): { value: JsonObject; root: Source | undefined } {
  if (file === undefined || file.text.trim() === "") return { value: {}, root: undefined };
  const { root, problems: found } = readSource(file.text);
  problems.push(...found.map(({ at, detail }) => ({ detail, file: file.name, line: at.line, column: at.column })));
  const value = root === undefined ? {} : plainValue(root);
  if (isJsonObject(value)) return { value, root };
  problems.push({ detail: "the file must be a map", file: file.name, line: 1, column: 1 });
  return { value: {}, root: undefined };
}

function unknownFlags(leaves: readonly Leaf[], { flags = {} }: ConfigSources): readonly Problem[] {
  const known = leaves.map(({ flag }) => `--${flag}`);
  return Object.entries(flags)
    .filter(([name, value]) => value !== undefined && !known.includes(`--${name}`))
    .map(([name]) => ({ detail: `there is no flag --${name}${didYouMean(`--${name}`, known)}` }));
}

function readFlag(leaf: Leaf, { flags = {} }: ConfigSources): Read | undefined {
  const name = `--${leaf.flag}`;
  const text = flags[leaf.flag];
  return text === undefined ? undefined : { from: name, ...convert(text, leaf, name) };
}

function readVariable(name: string, leaf: Leaf, { env, readFile }: ConfigSources): Read | undefined {
  const fileName = `${name}_FILE`;
  const path = env[fileName];
  const direct = env[name];
  if (path === undefined) return direct === undefined ? undefined : { from: name, ...convert(direct, leaf, name) };
  if (direct !== undefined) return { from: name, problem: `${name} and ${fileName} are both set` };
  try {
    return { from: fileName, ...convert(readFile(path).replace(/\r?\n$/, ""), leaf, fileName) };
  } catch (error) {
    return { from: fileName, problem: `${fileName}: the file ${path} cannot be read: ${fileProblem(error)}` };
  }
}

/** Environment variables are text; the schema decides what the text means. */
function convert(text: string, { type }: Leaf, name: string): { value: JsonValue } | { problem: string } {
  if (type === "number") {
    const number = Number(text);
    return text.trim() === "" || !Number.isFinite(number) ? { problem: `${name} must be a number` } : { value: number };
  }
  if (type === "boolean") {
    return text === "true" || text === "false"
      ? { value: text === "true" }
      : { problem: `${name} must be true or false` };
  }
  if (type === "array" && !text.trimStart().startsWith("[")) {
    return { value: text.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()])) };
  }
  if (type !== "array" && type !== "record") return { value: text };
  try {
    return { value: JSON.parse(text) as JsonValue };
  } catch {
    return { problem: `${name} must be JSON` };
  }
}

const known = new WeakMap<z.ZodObject, readonly Leaf[]>();

function leavesIn(schema: z.ZodObject): readonly Leaf[] {
  const leaves = known.get(schema) ?? leavesOf(schema, []);
  known.set(schema, leaves);
  return leaves;
}

function leavesOf(schema: z.core.$ZodType, path: readonly string[]): readonly Leaf[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape).flatMap(([name, child]) => leavesOf(child as z.core.$ZodType, [...path, name]));
  }
  const type = inner._zod.def.type === "int" ? "number" : inner._zod.def.type;
  return [{ path, type, variable: variableWithoutPrefix(path), flag: flagOf(path) }];
}

/** The schema inside `optional`, `default` and the like; of a pipe, its input. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const def = schema._zod.def as { innerType?: z.core.$ZodType; in?: z.core.$ZodType };
  const inner = def.innerType ?? def.in;
  return inner === undefined ? schema : unwrap(inner);
}

function keysAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  let at = unwrap(schema);
  for (const step of path) {
    if (!(at instanceof z.ZodObject)) return [];
    const child = at.shape[String(step)] as z.core.$ZodType | undefined;
    if (child === undefined) return [];
    at = unwrap(child);
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** Keys of a record whose schema has `meta({ secret: true })`, such as tokens, must not be shown. */
function withoutSecrets(schema: z.core.$ZodType, path: Path): Path {
  let at: z.core.$ZodType | undefined = schema;
  return path.map((step) => {
    const here: z.core.$ZodType | undefined = at && unwrap(at);
    at = here instanceof z.ZodObject ? (here.shape[String(step)] as z.core.$ZodType | undefined) : undefined;
    if (!(here instanceof z.ZodRecord)) return step;
    at = here.valueType as z.core.$ZodType;
    return z.globalRegistry.get(here.keyType as z.core.$ZodType)?.secret === true ? HIDDEN : step;
  });
}

function put(tree: JsonObject, path: readonly string[], value: JsonValue): JsonObject {
  const [first, ...rest] = path;
  if (first === undefined) return tree;
  const inner = Object.hasOwn(tree, first) ? tree[first] : undefined;
  return { ...tree, [first]: rest.length === 0 ? value : put(isJsonObject(inner) ? inner : {}, rest, value) };
}

function locate(
  { path, detail, on }: PathProblem,
  shown: Path,
  file: string | undefined,
  root: Source | undefined,
  origins: ReadonlyMap<string, string>,
): Problem {
  const at = pointer(shown);
  const origin = origins.get(at);
  const where = placeAround(shown);
  const text = where === "" || origin !== undefined ? detail : `${where}: ${detail}`;
  if (origin !== undefined) return { detail: `${origin}: ${text}`, pointer: at };
  if (file === undefined || root === undefined) return { detail: text, pointer: at };
  const { line, column } = placeAt(root, path, on);
  return { detail: text, pointer: at, file, line, column };
}

function relocate(
  problem: Problem,
  file: string | undefined,
  root: Source | undefined,
  origins: ReadonlyMap<string, string>,
): Problem {
  const { pointer: at } = problem;
  if (at === undefined || problem.file !== undefined) return problem;
  const path = at
    .split("/")
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll("~1", "/").replaceAll("~0", "~")));
  const origin = originOf(path, origins);
  if (origin !== undefined) return { ...problem, detail: `${origin}: ${problem.detail}` };
  const detail = path.length === 0 ? problem.detail : `${path.join(".")}: ${problem.detail}`;
  if (file === undefined || root === undefined) return { ...problem, detail };
  const { line, column } = placeAt(root, path);
  return { ...problem, detail, file, line, column };
}

/** The variable that set this place, or a part of the configuration that contains it. */
function originOf(path: Path, origins: ReadonlyMap<string, string>): string | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const origin = origins.get(pointer(path.slice(0, length)));
    if (origin !== undefined) return origin;
  }
  return undefined;
}

/** Removes the full stop, because one sentence lists several problems. */
function inWords({ file, line, detail }: Problem): string {
  const text = detail.replace(/\.$/, "");
  return file === undefined ? text : `${file}:${line}: ${text}`;
}

function pointer(path: Path): string {
  return path.map((step) => `/${step}`).join("");
}
