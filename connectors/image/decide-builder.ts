// Decides which builder makes an image: the built-in assembler where a Dockerfile only copies files and sets metadata, else a
// real builder of the runner. Pure.

import { GantryError } from "@gantry/core/errors.ts";
import { isSamePlatform, parsePlatform, platformText } from "../oci/manifest.ts";
import { type Dockerfile, flagOf, type Instruction, jsonArray, type Stage } from "./dockerfile/dockerfile.ts";
import { type Arguments, baseOf, platformOf } from "./dockerfile/interpret.ts";

export const REAL_BUILDERS = ["buildah", "buildctl", "podman", "docker", "kaniko"] as const;
export type RealBuilder = (typeof REAL_BUILDERS)[number];
export type Builder = "assembler" | RealBuilder;

/** What in a Dockerfile the assembler cannot do. */
export type Obstacle = { readonly line: number; readonly instruction: string; readonly why: string };

export type BuilderFacts = {
  readonly requested: Builder | "auto";
  readonly available: readonly RealBuilder[];
  readonly obstacle: Obstacle | undefined;
  /** Name of the Dockerfile, for the sentence. */
  readonly file: string;
};

/** Throws `no-builder`, naming the line that needs a real builder, or the builder that was asked for and is not there. */
export function decideBuilder({ requested, available, obstacle, file }: BuilderFacts): Builder {
  const needs = obstacle ? `${file}, line ${obstacle.line}: ${obstacle.instruction} ${obstacle.why}.` : "";
  if (requested === "assembler" || (requested === "auto" && !obstacle)) {
    if (obstacle) throw new GantryError("no-builder", { problem: `${needs} The built-in assembler cannot do that.` });
    return "assembler";
  }
  if (requested !== "auto") {
    if (available.includes(requested)) return requested;
    throw new GantryError("no-builder", { problem: `The step asks for ${requested}, which is not on this runner.` });
  }
  const [first] = REAL_BUILDERS.filter((name) => available.includes(name));
  if (first === undefined) throw new GantryError("no-builder", { problem: needs });
  return first;
}

/** The first instruction that the assembler cannot carry out; undefined when it can do everything. */
export function findObstacle(dockerfile: Dockerfile, given: Arguments): Obstacle | undefined {
  const { syntax, escapeWith, escapeLine = 1 } = dockerfile;
  if (syntax !== undefined && !USUAL_SYNTAX.test(syntax)) {
    return { line: 1, instruction: "# syntax", why: `names ${syntax}, another Dockerfile frontend` };
  }
  // Buildah reads it in the first line only.
  if (escapeWith !== "\\" && escapeLine > 1)
    return { line: escapeLine, instruction: "# escape", why: "stands below another directive" };
  for (const argument of dockerfile.args) {
    const why = whyUnsure(argument, dockerfile);
    if (why !== undefined) return { line: argument.line, instruction: argument.name, why };
  }
  // What is not needed is not built, but its name must be one.
  for (const stage of dockerfile.stages) baseOf(dockerfile, stage, given);
  for (const stage of neededStages(dockerfile, given)) {
    const whyFrom = whyNotFrom(stage, dockerfile, given);
    if (whyFrom !== undefined) return { line: stage.from.line, instruction: "FROM", why: whyFrom };
    for (const instruction of stage.instructions) {
      const why = whyNot(instruction, stage, dockerfile, given);
      if (why !== undefined) return { line: instruction.line, instruction: instruction.name, why };
    }
  }
  return undefined;
}

function whyNotFrom(stage: Stage, dockerfile: Dockerfile, given: Arguments): string | undefined {
  if (/^\d+$/.test(baseOf(dockerfile, stage, given))) return "names its base by a number";
  if (dockerfile.stages.some(({ name }) => name === "scratch")) return "names a stage scratch";
  const [own, target] = [platformOf(dockerfile, stage, given), given.TARGETPLATFORM].map((text) =>
    text === undefined ? undefined : parsePlatform(text),
  );
  // The image is for the platform of the build, or for the one of its last stage.
  if (
    stage.platform !== undefined &&
    stage === dockerfile.stages.at(-1) &&
    own &&
    target &&
    !isSamePlatform(own, target)
  )
    return `is for ${platformText(own)}, and the build for ${platformText(target)}`;
  return undefined;
}

/** The last stage and those it is made from, in the order of the file. Stages that are not needed are not built. */
export function neededStages(dockerfile: Dockerfile, given: Arguments): readonly Stage[] {
  const { stages } = dockerfile;
  const needed = new Set<Stage>();
  const add = (stage: Stage | undefined): void => {
    if (!stage || needed.has(stage)) return;
    needed.add(stage);
    const before = stages.slice(0, stages.indexOf(stage));
    add(findStage(before, baseOf(dockerfile, stage, given)));
    for (const instruction of stage.instructions) {
      const from = flagOf(instruction, "from");
      if (instruction.name === "COPY" && from !== undefined) add(findStage(before, from));
    }
  };
  add(stages.at(-1));
  return stages.filter((stage) => needed.has(stage));
}

/** A stage by its name or number. If two have the same name, the later one is used. */
export function findStage(stages: readonly Stage[], reference: string): Stage | undefined {
  if (/^\d+$/.test(reference)) return stages[Number(reference)];
  return stages.findLast((stage) => stage.name === reference.toLowerCase());
}

const ARCHIVE = /\.(tar|tgz|tbz2?|txz|tzst|tar\.(gz|bz2|xz|zst))$/i;
/** ADD unpacks these. */
export function isArchive(name: string): boolean {
  return ARCHIVE.test(name);
}

const USUAL_SYNTAX = /^(docker\.io\/)?docker\/dockerfile(-upstream)?(:|@|$)/;

const KNOWN_FLAGS = ["from", "chown", "chmod", "link"];

function whyNot(instruction: Instruction, stage: Stage, dockerfile: Dockerfile, given: Arguments): string | undefined {
  const { name } = instruction;
  if (name === "RUN") return "runs a command in the image";
  const unsure = whyUnsure(instruction, dockerfile);
  if (unsure !== undefined) return unsure;
  if (name !== "COPY" && name !== "ADD") return undefined;
  const flag = instruction.flags.find(([known]) => !KNOWN_FLAGS.includes(known))?.[0];
  if (flag !== undefined) return `--${flag} is not known to it`;
  const mode = flagOf(instruction, "chmod");
  if (mode !== undefined && !/^0?[0-7]{3,4}$/.test(mode)) return "--chmod must be octal";
  // BuildKit splits these words at every space, whatever quotes are around it.
  if (instruction.words.some((word) => /\s/.test(word))) return "names a path with a space outside of a JSON array";
  const sources = (instruction.json ?? instruction.words).slice(0, -1);
  if (name === "ADD") {
    if (sources.some((source) => /^["']?([a-z][a-z0-9+.-]*:\/\/|git@)/i.test(source))) return "downloads a file";
    if (sources.some((source) => isArchive(source.replace(/["']/g, "")))) return "unpacks an archive";
    if (sources.some((source) => source.includes("$"))) return "names a source by a variable, which may be a download";
  }
  const from = flagOf(instruction, "from");
  if (from === undefined) return undefined;
  const before = dockerfile.stages.slice(0, dockerfile.stages.indexOf(stage));
  const origin = findStage(before, from);
  if (from.toLowerCase() === stage.name)
    return `--from=${from} names its own stage, or an earlier one of the same name`;
  if (!origin) return `--from=${from} takes files out of another image`;
  return isFromScratch(dockerfile, origin, given)
    ? undefined
    : `--from=${from} takes files out of a stage with a base image`;
}

/** What builders read in different ways. */
function whyUnsure(instruction: Instruction, { escapeWith }: Dockerfile): string | undefined {
  const { name, text, flags, json, words, pairs, heredocs } = instruction;
  if (ODD_SPACE.test(text)) return "has a space that is not ASCII, or a control character";
  // Builders take each byte of these for a character.
  if (flags.some((flag) => /[^\x20-\x7e]/.test(flag.join("=")))) return "has a flag that is not ASCII";
  // In words, Buildah knows the backslash only.
  if (escapeWith !== "\\" && !VERBATIM.includes(name) && /[\\`]/.test(text))
    return "has an escape character, and the file another one than usual";
  const commands: readonly string[] = ["CMD", "ENTRYPOINT", "HEALTHCHECK", "VOLUME", "COPY", "ADD"];
  if (commands.includes(name) && !json && hasArrayInFront(text)) return "has something behind a JSON array";
  if (name === "ONBUILD" && heredocs.length > 0) return "has a heredoc";
  if (name === "VOLUME" && words.some((word) => /\s/.test(word)))
    return "names a path with a space outside of a JSON array";
  if ((name === "CMD" || name === "ENTRYPOINT") && text === "") return "has no command";
  if ((name === "ARG" || name === "STOPSIGNAL") && flags.length > 0) return "has a flag";
  const unusual = name === "ARG" ? pairs.find(([key]) => !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(key)) : undefined;
  if (unusual) return `has the unusual name ${JSON.stringify(unusual[0])}`;
  if (name === "ARG" && pairs.slice(1).some(([, value]) => value?.includes("$")))
    return "names a variable behind another argument";
  const [first = ""] = words;
  if ((name === "ENV" || name === "LABEL") && !first.includes("=") && /["'\\\s]/.test(first))
    return "has a name in quotes and no =";
  return undefined;
}

/** Their words are kept as they are written. */
const VERBATIM: readonly string[] = ["CMD", "ENTRYPOINT", "HEALTHCHECK", "MAINTAINER", "ONBUILD", "SHELL"];
const ODD_SPACE = /[^\S \t]|[^\P{Cc}\t]/u;

/** Some builders read the array only, others take the whole text for a shell command. */
function hasArrayInFront(text: string): boolean {
  const start = text.replace(/^cmd\s+/i, "");
  for (let end = start.indexOf("]"); end !== -1; end = start.indexOf("]", end + 1)) {
    if (jsonArray(start.slice(0, end + 1)) && start.slice(end + 1).trim() !== "") return true;
  }
  return false;
}

/** All files of such a stage are known without looking into any base image. */
function isFromScratch(dockerfile: Dockerfile, stage: Stage, given: Arguments): boolean {
  const base = baseOf(dockerfile, stage, given);
  if (base === "scratch") return true;
  const parent = findStage(dockerfile.stages.slice(0, dockerfile.stages.indexOf(stage)), base);
  return parent !== undefined && isFromScratch(dockerfile, parent, given);
}
