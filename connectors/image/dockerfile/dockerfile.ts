// Reads a Dockerfile, following the published Dockerfile reference. Pure: text in, instructions and mistakes out. Values
// are kept as they are written; shell-words.ts fills in variables when they are known.

import type { Problem } from "@gantry/core/errors.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { parseReference } from "../../oci/reference.ts";
import { healthcheck } from "./metadata.ts";
import { splitWords, unquote } from "./shell-words.ts";

export const INSTRUCTIONS = [
  "ADD",
  "ARG",
  "CMD",
  "COPY",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "FROM",
  "HEALTHCHECK",
  "LABEL",
  "MAINTAINER",
  "ONBUILD",
  "RUN",
  "SHELL",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
] as const;
export type InstructionName = (typeof INSTRUCTIONS)[number];

export type Instruction = {
  readonly name: InstructionName;
  /** Line where it begins, from 1. */
  readonly line: number;
  /** Everything after the name and the flags, continuation lines joined, comments gone, variables not filled in. */
  readonly text: string;
  /** `--chown=1000` as `["chown", "1000"]`; a flag without value has "". */
  readonly flags: readonly (readonly [name: string, value: string])[];
  /** The elements, when it is written as a JSON array. */
  readonly json: readonly string[] | undefined;
  /** The words as they are written, quotes included, when it is not. */
  readonly words: readonly string[];
  /** ENV, LABEL, ARG: `name=value`, both as they are written; no value for an ARG without default. */
  readonly pairs: readonly (readonly [name: string, value: string | undefined])[];
  readonly heredocs: readonly Heredoc[];
};

export type Heredoc = {
  readonly name: string;
  readonly content: string;
  /** False when the delimiter was quoted: then variables stay as they are. */
  readonly expand: boolean;
};

export type Stage = {
  readonly from: Instruction;
  /** The base as it is written, e.g. `node:24`, `${BASE}`, the name of an earlier stage, `scratch`. */
  readonly base: string;
  readonly platform: string | undefined;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
};

export type Dockerfile = {
  /** ARG instructions before the first FROM. */
  readonly args: readonly Instruction[];
  readonly stages: readonly Stage[];
  readonly escapeWith: "\\" | "`";
  /** Line of the directive `# escape=`, if there is one. */
  readonly escapeLine: number | undefined;
  /** The value of `# syntax=`: the image of another Dockerfile frontend. */
  readonly syntax: string | undefined;
};

export type ParsedDockerfile = { readonly dockerfile: Dockerfile; readonly problems: readonly Problem[] };

/** Never throws. With problems, the Dockerfile holds what could be understood. */
export function parseDockerfile(text: string, file = "Dockerfile"): ParsedDockerfile {
  const { lines, mistakes, ...directives } = readLines(text);
  const { escapeWith } = directives;
  const problems: Problem[] = mistakes.map(([line, detail]) => ({ detail, file, line }));
  const complain = (line: number, detail: string): void => void problems.push({ detail, file, line });
  const args: Instruction[] = [];
  const stages: (Omit<Stage, "instructions"> & { instructions: Instruction[] })[] = [];
  for (const logical of lines) {
    if (logical.open !== undefined) complain(logical.line, `the heredoc ${logical.open} is never closed`);
    const instruction = parseInstruction(logical, escapeWith, complain);
    if (!instruction) continue;
    const current = stages.at(-1);
    if (instruction.name === "FROM") {
      const stage = parseFrom(instruction, complain);
      if (!stage) continue;
      const base = unquote(stage.base, escapeWith);
      // What is not needed is not built, but all builders check its name.
      const isKnown =
        base.includes("$") || base === "scratch" || stages.some(({ name }) => name === base.toLowerCase());
      if (!isKnown && !parseReference(base))
        complain(instruction.line, `FROM: "${base}" is not a valid name of an image`);
      stages.push({ ...stage, instructions: [] });
    } else if (current) current.instructions.push(instruction);
    else if (instruction.name === "ARG") args.push(instruction);
    else complain(instruction.line, `${instruction.name} comes before the first FROM`);
  }
  if (stages.length === 0 && problems.length === 0) complain(1, "there is no FROM instruction");
  return { dockerfile: { args, stages, ...directives }, problems };
}

export function flagOf(instruction: Instruction, name: string): string | undefined {
  return instruction.flags.find(([flag]) => flag === name)?.[1];
}

type Complain = (line: number, detail: string) => void;
type LogicalLine = {
  readonly line: number;
  readonly text: string;
  readonly heredocs: readonly Heredoc[];
  /** Delimiter of a heredoc that the file ended in. */
  readonly open: string | undefined;
};

const DIRECTIVE = /^[ \t\r\v\f]*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const HEREDOC = /^\d*<<(-?)([^<]+)$/;

/** Joins continuation lines, drops comments and empty lines, and takes heredoc bodies out. */
function readLines(text: string): { lines: LogicalLine[] } & Directives {
  const written = text.replace(/^\uFEFF/, "").split("\n");
  const physical = written.map((line) => line.replace(/\r$/, ""));
  const directives = readDirectives(physical);
  const { escapeWith } = directives;
  // An escaped escape character at the end of a line continues nothing.
  const continues = escapeWith === "\\" ? /(?<!\\)\\[ \t]*$/ : /(?<!`)`[ \t]*$/;
  const lines: LogicalLine[] = [];
  for (let at = 0; at < physical.length; ) {
    const first = at + 1;
    const start = withoutLeadingBlanks(physical[at++] ?? "");
    if (start.trim() === "" || start.startsWith("#")) continue;
    let joined = start;
    while (continues.test(joined) && at < physical.length) {
      const next = physical[at++] ?? "";
      // Comments and empty lines in the middle of an instruction do not end it.
      if (next.trim() === "" || next.trimStart().startsWith("#")) continue;
      joined = joined.replace(continues, "") + next;
    }
    joined = joined.replace(continues, "");
    const heredocs: Heredoc[] = [];
    let open: string | undefined;
    for (const { name, chomp, expand } of heredocsOf(joined, escapeWith)) {
      const body: string[] = [];
      for (open = name; at < physical.length; ) {
        const raw = written[at++] ?? "";
        const line = chomp ? raw.replace(/^\t+/, "") : raw;
        if (line.replace(/\r$/, "") === name) {
          open = undefined;
          break;
        }
        // A heredoc keeps the line ends of the Dockerfile.
        body.push(`${line}\n`);
      }
      heredocs.push({ name, content: body.join(""), expand });
      if (open !== undefined) break;
    }
    lines.push({ line: first, text: joined, heredocs, open });
  }
  return { lines, ...directives };
}

/** Spaces that are not ASCII stay: builders do not agree on what they are. */
function trimmed(text: string): string {
  return withoutLeadingBlanks(text).replace(/[ \t\r\v\f]+$/, "");
}

function withoutLeadingBlanks(text: string): string {
  return text.replace(/^[ \t\r\v\f]+/, "");
}

type Directives = Pick<Dockerfile, "escapeWith" | "escapeLine" | "syntax"> & {
  readonly mistakes: readonly (readonly [line: number, detail: string])[];
};

/** Directives stand at the very top; the first line that is none ends them. Below `#!` there is no `# escape=`. */
function readDirectives(physical: readonly string[]): Directives {
  let escapeWith: Directives["escapeWith"] = "\\";
  let escapeLine: number | undefined;
  let syntax: string | undefined;
  const mistakes: (readonly [number, string])[] = [];
  const seen = new Set<string>();
  const isBelowShebang = physical[0]?.startsWith("#!") === true;
  for (const [index, line] of physical.entries()) {
    if (index === 0 && isBelowShebang) continue;
    const [, written, value] = DIRECTIVE.exec(line) ?? [];
    const name = written?.toLowerCase() ?? "";
    if (value === undefined || !DIRECTIVES.includes(name)) break;
    if (seen.has(name)) mistakes.push([index + 1, `there are two directives # ${name}`]);
    seen.add(name);
    if (name === "syntax") syntax = value;
    if (name !== "escape" || isBelowShebang) continue;
    escapeLine = index + 1;
    if (value === "`" || value === "\\") escapeWith = value;
    else mistakes.push([index + 1, `# escape=${truncate(value, 20)}: it must be \\ or \``]);
  }
  return { escapeWith, escapeLine, syntax, mistakes };
}

const DIRECTIVES: readonly string[] = ["check", "escape", "syntax"];

/** Whether a word of COPY or ADD is the beginning of a heredoc. */
export function isHeredoc(word: string): boolean {
  return HEREDOC.test(word);
}

/** A heredoc is a word of its own: `<<EOF`, `<<-"EOF"`, `3<<EOF`; `1<<2` inside of a word is not one. */
function heredocsOf(text: string, escapeWith: string): { name: string; chomp: boolean; expand: boolean }[] {
  if (!/^(RUN|COPY|ADD|ONBUILD\s+(RUN|COPY|ADD))\s/i.test(text)) return [];
  return splitWords(text, escapeWith).flatMap((word) => {
    const match = HEREDOC.exec(word);
    const delimiter = match?.[2] ?? "";
    const name = unquote(delimiter, escapeWith);
    return match && name !== "" ? [{ name, chomp: match[1] === "-", expand: !/["']/.test(delimiter) }] : [];
  });
}

function parseInstruction(
  { line, text, heredocs }: LogicalLine,
  escapeWith: string,
  complain: Complain,
): Instruction | undefined {
  const word = /^[^ \t\r\v\f]+/.exec(text)?.[0] ?? "";
  const name = INSTRUCTIONS.find((known) => known === word.toUpperCase());
  if (!name) {
    complain(line, `${truncate(word, 40)} is not an instruction`);
    return undefined;
  }
  const { flags, rest, wrong: wrongFlag } = readFlags(name, trimmed(text.slice(word.length)), escapeWith);
  const json = readJsonArray(name, rest);
  // Ports are split at every space, whatever quotes are around it.
  const split = name === "EXPOSE" ? rest.split(/[ \t\r\v\f]+/) : splitWords(rest, escapeWith);
  const words = json ? [] : split;
  const instruction = {
    name,
    line,
    // The trigger of an ONBUILD is kept as it is written.
    text: name === "ONBUILD" ? withoutLeadingBlanks(text.slice(word.length)) : rest,
    flags,
    json,
    words,
    pairs: pairsOf(name, rest, words),
    heredocs,
  };
  const wrong = wrongFlag ?? mistakeIn(instruction) ?? mistakeInTrigger(instruction, escapeWith);
  if (wrong !== undefined) complain(line, `${name}: ${wrong}`);
  return wrong === undefined ? instruction : undefined;
}

/** Flags that are wrong without a value. */
const WITH_VALUE = /^(from|chown|chmod|platform|interval|timeout|start-period|start-interval|retries)$/;
const WITH_JSON: readonly InstructionName[] = ["ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"];

type Flags = { readonly flags: [string, string][]; readonly rest: string; readonly wrong: string | undefined };

/** The words in front that begin with two dashes are flags, whatever the instruction is. */
function readFlags(name: InstructionName, text: string, escapeWith: string): Flags {
  const flags: [string, string][] = [];
  let rest = text;
  let wrong: string | undefined;
  while (rest.startsWith("--")) {
    const { word, length } = readFlagWord(rest, escapeWith);
    rest = trimmed(rest.slice(length));
    // Two dashes alone end the flags.
    if (word === "--") break;
    const [, flag = "", value] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (value === undefined && WITH_VALUE.test(flag)) wrong ??= `--${flag} needs a value`;
    if (flag === "link" && !/^(true|false)$/i.test(value ?? "true")) wrong ??= "--link must be true or false";
    if (name !== "RUN" && flag !== "exclude" && flags.some(([known]) => known === flag))
      wrong ??= `--${flag} is there twice`;
    if (flagsOf(name)?.includes(flag) === false) wrong ??= `there is no flag --${truncate(flag, 40)}`;
    flags.push([flag, value ?? ""]);
  }
  return { flags, rest, wrong };
}

/** A word without its quotes and escape characters: they are gone before any variable is filled in. */
function readFlagWord(text: string, escapeWith: string): { readonly word: string; readonly length: number } {
  let [word, quote, at] = ["", "", 0];
  for (; at < text.length && (quote !== "" || !/[ \t\r\n\v\f]/.test(text.charAt(at))); at++) {
    const character = text.charAt(at);
    if (character === quote) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) quote = character;
    else if (character === escapeWith) word += text.charAt(++at);
    else word += character;
  }
  return { word, length: at };
}

/** Undefined: it may get further ones. */
function flagsOf(name: InstructionName): readonly string[] | undefined {
  if (name === "COPY" || name === "ADD" || name === "RUN") return undefined;
  // Builders pass over them.
  if (name === "ARG" || name === "STOPSIGNAL") return undefined;
  if (name === "FROM") return ["platform"];
  return name === "HEALTHCHECK" ? ["interval", "timeout", "start-period", "start-interval", "retries"] : [];
}

/** Text that looks like JSON but is not is read as the shell form, as the reference says. */
function readJsonArray(name: InstructionName, text: string): readonly string[] | undefined {
  const value = WITH_JSON.includes(name) ? jsonArray(text) : undefined;
  return value?.every((one) => typeof one === "string") ? value : undefined;
}

/** An array, whatever is in it. */
export function jsonArray(text: string): readonly unknown[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function pairsOf(
  name: InstructionName,
  text: string,
  words: readonly string[],
): readonly (readonly [string, string | undefined])[] {
  if (name !== "ENV" && name !== "LABEL" && name !== "ARG") return [];
  const [first = ""] = words;
  if (name !== "ARG" && !first.includes("=")) {
    // The old form `ENV name the whole rest`.
    return [[first, text.slice(first.length).trim()]];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals === -1) return [word, undefined];
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

/** A mistake that is visible without knowing the value of any variable. */
function mistakeIn({ name, text, flags, json, words, pairs, heredocs }: Instruction): string | undefined {
  const mayBeEmpty = name === "CMD" || name === "ENTRYPOINT";
  if (text === "" && heredocs.length === 0 && !mayBeEmpty) return "it needs an argument";
  if (name === "COPY" || name === "ADD") {
    if ((json ?? words).length < 2) return "it needs a source and a destination";
  }
  const path = name !== "RUN" ? heredocs.find((heredoc) => /^\.\.?$|\//.test(heredoc.name)) : undefined;
  if (path) return `the heredoc ${path.name} must be the name of a file, without a slash`;
  const form = name === "HEALTHCHECK" ? text.replace(/^cmd\s+/i, "") : text;
  if ((WITH_JSON.includes(name) || name === "HEALTHCHECK") && jsonArray(form)?.some((one) => typeof one !== "string"))
    return "a JSON array must hold nothing but strings";
  if (name === "SHELL" && (!json || json.length === 0)) return 'it must be a JSON array such as ["/bin/sh", "-c"]';
  if (name === "VOLUME" && json?.length === 0) return "it needs a path";
  if (name === "HEALTHCHECK" && jsonArray(form)?.length === 0) return "it needs a command";
  if (name === "ENV" || name === "LABEL") {
    const bad = pairs.find(
      ([key, value]) => key === "" || value === undefined || (value === "" && !text.includes("=")),
    );
    if (bad) return `"${bad[0]}" has no value`;
  }
  if (name === "ARG") {
    if (pairs.some(([key]) => key === "")) return "the name of an argument is empty";
  }
  if (name === "HEALTHCHECK") {
    if (!/^(none$|cmd\s)/i.test(text)) return "it must be NONE or CMD with a command";
    const check = healthcheck(text, flags);
    if (typeof check === "string") return check;
  }
  if (name === "ONBUILD" && /^(onbuild|from|maintainer)\b/i.test(text)) return `${words[0]} is not possible here`;
  return undefined;
}

/** Builders read the pairs of an ONBUILD at once, and the rest of it when it is carried out. */
function mistakeInTrigger({ name, line, text }: Instruction, escapeWith: string): string | undefined {
  if (name !== "ONBUILD" || !/^(env|label)\s/i.test(text)) return undefined;
  let wrong: string | undefined;
  parseInstruction({ line, text, heredocs: [], open: undefined }, escapeWith, (_, detail) => {
    wrong = detail;
  });
  return wrong;
}

function parseFrom(from: Instruction, complain: Complain): Omit<Stage, "instructions"> | undefined {
  const [base = "", as, name, ...more] = from.words;
  if (as !== undefined && (as.toUpperCase() !== "AS" || name === undefined || more.length > 0)) {
    complain(from.line, "FROM: it must be `FROM image` or `FROM image AS name`");
    return undefined;
  }
  if (name !== undefined && !/^[a-z][a-z0-9-_.]*$/i.test(name)) {
    complain(from.line, `FROM: "${name}" is not a valid name of a stage`);
    return undefined;
  }
  return { from, base, platform: flagOf(from, "platform") || undefined, name: name?.toLowerCase() };
}
