// Interprets one stage of a Dockerfile: fills in variables and returns the files that it copies and the final config of the
// image. Pure; the config of the base image is an argument.

import { posix } from "node:path";
import { GantryError, type Problem } from "@gantry/core/errors.ts";
import type { ImageConfig } from "../../oci/manifest.ts";
import { type Dockerfile, flagOf, type Instruction, isHeredoc, type Stage } from "./dockerfile.ts";
import { AmbiguousError, ExpansionError, expandText, expandWord } from "./expansion.ts";
import { healthcheck, isSignal, ports, whyUnsurePort } from "./metadata.ts";

export type RuntimeConfig = NonNullable<ImageConfig["config"]>;

/** What happens to files, in the order of the Dockerfile. Paths in the image are absolute. */
export type FileChange = {
  readonly line: number;
  readonly instruction: "COPY" | "ADD" | "WORKDIR";
  /** Paths or patterns in the build context, or in the stage that `from` names. */
  readonly sources: readonly string[];
  /** Files that the Dockerfile itself contains. */
  readonly written: readonly { readonly name: string; readonly content: string }[];
  readonly from: string | undefined;
  readonly destination: string;
  /** The destination is a directory, whatever is there: it is written with a slash at its end, or is `.`. */
  readonly isDirectory: boolean;
  /** The destination is written with `/.` at its end. */
  readonly endsInDot: boolean;
  /** `user` or `user:group`, as written. */
  readonly owner: string | undefined;
  readonly mode: number | undefined;
  /** `--link`: it does not look at what the image has. */
  readonly isLinked: boolean;
};

export type HistoryEntry = { readonly created_by: string; readonly changesFiles: boolean };

export type InterpretedStage = {
  readonly config: RuntimeConfig;
  readonly author: string | undefined;
  readonly changes: readonly FileChange[];
  readonly history: readonly HistoryEntry[];
  readonly problems: readonly Problem[];
  /** Build arguments at the end of the stage. */
  readonly args: Arguments;
};

export type Arguments = Readonly<Record<string, string>>;

/** The name of the base image of a stage, with the arguments before the first FROM filled in. Throws `dockerfile-invalid`. */
export function baseOf(dockerfile: Dockerfile, stage: Stage, given: Arguments): string {
  return fillFrom(dockerfile, stage, stage.base, given);
}

/** As `baseOf`, for the platform; undefined when the stage names none. */
export function platformOf(dockerfile: Dockerfile, stage: Stage, given: Arguments): string | undefined {
  return stage.platform === undefined ? undefined : fillFrom(dockerfile, stage, stage.platform, given);
}

function fillFrom(dockerfile: Dockerfile, { from }: Stage, word: string, given: Arguments): string {
  try {
    const globals = globalArguments(dockerfile, given);
    return expandWord(word, dockerfile.escapeWith, (name) => globals.get(name));
  } catch (error) {
    if (error instanceof AmbiguousError) throw unsure(from, error);
    if (!(error instanceof ExpansionError)) throw error;
    const detail = `FROM: ${error.message}`;
    const problem = `line ${from.line}: ${detail}`;
    throw new GantryError("dockerfile-invalid", { problem }, { problems: [{ detail, line: from.line }], cause: error });
  }
}

function unsure({ line, name }: Instruction, { message }: AmbiguousError): GantryError {
  const problem = `Line ${line}: ${name} ${message}. The built-in assembler cannot do that.`;
  return new GantryError("no-builder", { problem });
}

/**
 * `given` are the build arguments, with those that every build has (TARGETARCH …); `inherited` are those of the earlier stage
 * that this one begins from.
 */
export function interpretStage(
  dockerfile: Dockerfile,
  stage: Stage,
  base: RuntimeConfig,
  given: Arguments,
  inherited: Arguments = {},
): InterpretedStage {
  const state = new StageState(dockerfile, base, given, inherited);
  for (const instruction of stage.instructions) state.apply(instruction);
  return state.result();
}

/** These are there without an ARG. */
export const PLATFORM_ARGUMENT = /^(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT)$/;

/** What FROM sees: an argument that no ARG before the first FROM names is unknown to it, even if it is given. */
function globalArguments(dockerfile: Dockerfile, given: Arguments): ReadonlyMap<string, string> {
  const fixed = new Map(Object.entries(given));
  const known = new Map([...fixed].filter(([name]) => PLATFORM_ARGUMENT.test(name)));
  for (const { pairs } of dockerfile.args) {
    for (const [name, value] of pairs) {
      const filled =
        fixed.get(name) ??
        (value === undefined ? undefined : expandWord(value, dockerfile.escapeWith, (one) => known.get(one)));
      if (filled !== undefined) known.set(name, filled);
    }
  }
  return known;
}

export const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What a stage inherits of the image that it begins with. Builders give every image but those of Windows a PATH. */
export function runtimeOf({ os, config }: Pick<ImageConfig, "os" | "config">): RuntimeConfig {
  const env = config?.Env ?? [];
  if (os === "windows" || env.some((one) => one.startsWith("PATH="))) return config ?? {};
  return { ...config, Env: [...env, DEFAULT_PATH] };
}

const DEFAULT_SHELL = ["/bin/sh", "-c"];

class StageState {
  readonly #escapeWith: string;
  readonly #globals: ReadonlyMap<string, string>;
  readonly #given: ReadonlyMap<string, string>;
  readonly #args: Map<string, string>;
  /** Images of some tools have names without a value, and without `=`. */
  readonly #env = new Map<string, string | undefined>();
  /** Names of variables whose value depends on the builder. */
  readonly #doubtful = new Set<string>();
  /** Arguments of every build that an ARG before the first FROM gives a default. */
  readonly #redefined: ReadonlySet<string>;
  readonly #changes: FileChange[] = [];
  readonly #history: HistoryEntry[] = [];
  readonly #problems: Problem[] = [];
  readonly #config: RuntimeConfig;
  #author: string | undefined;
  #cmdIsOurs = false;

  constructor(dockerfile: Dockerfile, base: RuntimeConfig, given: Arguments, inherited: Arguments) {
    this.#escapeWith = dockerfile.escapeWith;
    this.#given = new Map(Object.entries(given));
    this.#globals = globalArguments(dockerfile, given);
    this.#args = new Map(Object.entries(inherited));
    const defaults = dockerfile.args.flatMap(({ pairs }) => pairs.filter(([, value]) => value !== undefined));
    this.#redefined = new Set(defaults.map(([name]) => name).filter((name) => PLATFORM_ARGUMENT.test(name)));
    this.#config = structuredClone(base);
    for (const entry of base.Env ?? []) {
      const [, name = entry, value] = /^([^=]*)=(.*)$/s.exec(entry) ?? [];
      this.#env.set(name, value);
    }
  }

  apply(instruction: Instruction): void {
    const before = this.#changes.length;
    try {
      this.#carryOut(instruction);
    } catch (error) {
      if (error instanceof AmbiguousError) throw unsure(instruction, error);
      if (!(error instanceof ExpansionError)) throw error;
      this.#mistake(instruction, error.message);
    }
    const { name, text, flags } = instruction;
    const options = flags.map(([flag, value]) => (value === "" ? `--${flag} ` : `--${flag}=${value} `)).join("");
    this.#history.push({ created_by: `${name} ${options}${text}`, changesFiles: this.#changes.length > before });
  }

  result(): InterpretedStage {
    const Env = [...this.#env].map(([name, value]) => (value === undefined ? name : `${name}=${value}`));
    return {
      config: { ...this.#config, ...(Env.length > 0 ? { Env } : {}) },
      author: this.#author,
      changes: this.#changes,
      history: this.#history,
      problems: this.#problems,
      args: Object.fromEntries(this.#args),
    };
  }

  #carryOut(instruction: Instruction): void {
    const { name, text, pairs, words, json } = instruction;
    const config = this.#config;
    if (name === "COPY" || name === "ADD") this.#copy(instruction, name);
    else if (name === "WORKDIR") this.#workdir(instruction);
    else if (name === "ENV") {
      const values = pairs.map(([key, value = ""]) => [this.#fill(key), this.#fill(value)] as const);
      if (values.some(([key]) => key === "")) this.#mistake(instruction, "the name of a variable is empty");
      for (const [key, value] of values) {
        this.#env.set(key, value);
        this.#doubtful.delete(key);
      }
    } else if (name === "ARG") {
      for (const [key, value] of pairs) {
        this.#argument(key, value);
      }
    } else if (name === "LABEL") {
      const labels = pairs.map(([key, value = ""]) => [this.#fill(key), this.#fill(value)] as const);
      if (labels.some(([key]) => key === "")) this.#mistake(instruction, "the name of a label is empty");
      config.Labels = { ...config.Labels, ...Object.fromEntries(labels) };
    } else if (name === "CMD") {
      config.Cmd = this.#command(instruction);
      this.#cmdIsOurs = true;
    } else if (name === "ENTRYPOINT") {
      config.Entrypoint = this.#command(instruction);
      // A command of the base was meant for the base's entry point.
      if (!this.#cmdIsOurs) config.Cmd = null;
    } else if (name === "SHELL") config.Shell = [...(json ?? [])];
    else if (name === "USER") config.User = this.#fill(text);
    else if (name === "STOPSIGNAL") {
      config.StopSignal = this.#fill(text);
      if (/^[+-]?\d*[1-9]\d*$/.test(config.StopSignal) && !isSignal(config.StopSignal))
        throw new AmbiguousError(`has the unusual number ${config.StopSignal}`);
      if (!isSignal(config.StopSignal)) this.#mistake(instruction, `"${config.StopSignal}" is not a signal`);
    } else if (name === "EXPOSE") {
      // A variable may hold several ports, or none.
      const filled = words.flatMap((word) => this.#fill(word).split(/\s+/)).filter((word) => word !== "");
      const why = filled.map(whyUnsurePort).find((one) => one !== undefined);
      if (why !== undefined) throw new AmbiguousError(why);
      const exposed = filled.flatMap((word) => ports(word) ?? this.#mistake(instruction, `"${word}" is not a port`));
      config.ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(exposed.map((port) => [port, {}])) };
    } else if (name === "VOLUME") {
      const volumes = (json ?? words).map((word) => this.#fill(word.trim()));
      const spaced = volumes.find((volume) => volume.trim() !== "" && volume !== volume.trim());
      if (spaced !== undefined) throw new AmbiguousError(`has spaces around the path "${spaced}"`);
      if (volumes.some((volume) => volume.trim() === "")) this.#mistake(instruction, "the path of a volume is empty");
      config.Volumes = { ...config.Volumes, ...Object.fromEntries(volumes.map((volume) => [volume, {}])) };
    } else if (name === "HEALTHCHECK") {
      const check = healthcheck(text, instruction.flags);
      if (typeof check !== "string") config.Healthcheck = check;
    } else if (name === "ONBUILD") config.OnBuild = [...(config.OnBuild ?? []), text];
    else if (name === "MAINTAINER") this.#author = text;
  }

  #argument(name: string, value: string | undefined): void {
    // A default of the stage wins over what every build has; of a default before FROM, builders do not agree.
    const isPlatform = PLATFORM_ARGUMENT.test(name);
    if (isPlatform && value === undefined && this.#redefined.has(name)) this.#doubtful.add(name);
    const given = isPlatform && value !== undefined ? undefined : this.#given.get(name);
    const known = given ?? (value === undefined ? this.#globals.get(name) : this.#fill(value));
    if (known === undefined) return;
    // BuildKit takes the argument, and Buildah the variable.
    if (this.#env.has(name) && this.#env.get(name) !== known) this.#doubtful.add(name);
    this.#args.set(name, known);
  }

  #copy(instruction: Instruction, name: "COPY" | "ADD"): void {
    // Words of a JSON array are filled in, too.
    const words = (instruction.json ?? instruction.words).map((word) => this.#fill(word));
    const target = words.at(-1) ?? "";
    const sources = instruction.heredocs.length === 0 ? words.slice(0, -1) : this.#pathsOf(instruction);
    const mode = flagOf(instruction, "chmod");
    const owner = flagOf(instruction, "chown");
    const user = owner === undefined ? "" : this.#fill(owner);
    if (/^:|:$/.test(user)) throw new AmbiguousError(`gives the owner "${user}", half of which is empty`);
    const from = flagOf(instruction, "from");
    this.#changes.push({
      line: instruction.line,
      instruction: name,
      sources,
      written: instruction.heredocs.map((heredoc) => ({
        name: heredoc.name,
        content: heredoc.expand ? expandText(heredoc.content, (one) => this.#lookup(one)) : heredoc.content,
      })),
      from,
      destination: this.#absolute(target),
      isDirectory: /(^|\/)\.?$/.test(target),
      endsInDot: target.endsWith("/."),
      owner: user === "" ? undefined : user,
      mode: mode === undefined ? undefined : Number.parseInt(mode, 8),
      isLinked: !/^false$/i.test(flagOf(instruction, "link") ?? "false"),
    });
  }

  /** The sources that are no heredocs. */
  #pathsOf({ words }: Instruction): string[] {
    return words.slice(0, -1).flatMap((word) => (isHeredoc(word) ? [] : [this.#fill(word)]));
  }

  #workdir({ text, line }: Instruction): void {
    const written = this.#fill(text);
    const destination = this.#absolute(written);
    // Builders keep an absolute path as it is written.
    this.#config.WorkingDir = written.startsWith("/") ? written : destination;
    const user = this.#config.User ?? "";
    const nothing = { sources: [], written: [], from: undefined, mode: undefined, endsInDot: false, isLinked: false };
    this.#changes.push({
      ...nothing,
      line,
      // Builders make the directory as the user of that line.
      owner: /^(0|root|)(:(0|root))?$/.test(user) ? undefined : user,
      instruction: "WORKDIR",
      destination,
      isDirectory: true,
    });
  }

  /** The shell form is never filled in here: the shell does that when the container starts. */
  #command({ json, text }: Instruction): string[] {
    return json ? [...json] : [...(this.#config.Shell ?? DEFAULT_SHELL), text];
  }

  #absolute(path: string): string {
    const resolved = posix.resolve("/", this.#config.WorkingDir || "/", path);
    return resolved === "/" ? "/" : resolved.replace(/\/$/, "");
  }

  #fill(word: string): string {
    return expandWord(word, this.#escapeWith, (name) => this.#lookup(name));
  }

  #lookup(name: string): string | undefined {
    if (this.#doubtful.has(name)) throw new AmbiguousError(`names ${name}, which is set twice`);
    return this.#env.get(name) ?? this.#args.get(name);
  }

  #mistake({ line, name }: Instruction, detail: string): [] {
    this.#problems.push({ line, detail: `${name}: ${detail}` });
    return [];
  }
}
