// Which hosts a Dockerfile makes a builder call: registries of the images that it names, and downloads of ADD. Pure.
// What a RUN instruction calls cannot be known.

import { parseReference } from "../oci/reference.ts";
import { findStage } from "./decide-builder.ts";
import { type Dockerfile, flagOf, type Instruction, type Stage } from "./dockerfile/dockerfile.ts";
import { expandWord } from "./dockerfile/expansion.ts";
import { type Arguments, baseOf } from "./dockerfile/interpret.ts";

export type NamedHost = {
  readonly line: number;
  readonly instruction: string;
  /** With the port, when one is written. */
  readonly host: string;
};

/** Each host once. A name that is none is left out: the builder refuses it. Throws `dockerfile-invalid`. */
export function hostsOf(dockerfile: Dockerfile, given: Arguments): readonly NamedHost[] {
  const found: NamedHost[] = [];
  const add = (line: number, instruction: string, host: string | undefined): void => {
    if (host !== undefined && !found.some((one) => one.host === host)) found.push({ line, instruction, host });
  };
  add(1, "# syntax", dockerfile.syntax === undefined ? undefined : registryOf(dockerfile.syntax));
  for (const [index, stage] of dockerfile.stages.entries()) {
    const before = dockerfile.stages.slice(0, index);
    const base = baseOf(dockerfile, stage, given);
    if (base !== "scratch" && !findStage(before, base)) add(stage.from.line, "FROM", registryOf(base));
    for (const instruction of stage.instructions) {
      for (const host of hostsIn(dockerfile, stage, before, instruction, given))
        add(instruction.line, instruction.name, host);
    }
  }
  return found;
}

function hostsIn(
  dockerfile: Dockerfile,
  stage: Stage,
  before: readonly Stage[],
  instruction: Instruction,
  given: Arguments,
): readonly (string | undefined)[] {
  const images = [flagOf(instruction, "from"), ...mountsOf(instruction)].filter((one) => one !== undefined);
  const registries = images.filter((one) => !findStage(before, one)).map(registryOf);
  if (instruction.name !== "ADD") return registries;
  const variables = variablesOf(dockerfile, stage, given);
  const sources = (instruction.json ?? instruction.words).slice(0, -1);
  const expanded = sources.map((source) => {
    try {
      return expandWord(source, dockerfile.escapeWith, (name) => variables.get(name));
    } catch {
      return source;
    }
  });
  return [...registries, ...expanded.map(downloadHost)];
}

/** `RUN --mount=type=bind,from=IMAGE` */
function mountsOf({ flags }: Instruction): readonly string[] {
  return flags
    .filter(([name]) => name === "mount")
    .flatMap(([, value]) => value.split(",").filter((one) => one.startsWith("from=")))
    .map((one) => one.slice("from=".length));
}

/** All values that the stage gives to names; those of its base image are not known. */
function variablesOf({ args }: Dockerfile, { instructions }: Stage, given: Arguments): ReadonlyMap<string, string> {
  const pairs = [...args, ...instructions]
    .filter(({ name }) => name === "ARG" || name === "ENV")
    .flatMap((one) => one.pairs);
  return new Map([
    ...pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
    ...Object.entries(given),
  ]);
}

function registryOf(image: string): string | undefined {
  return parseReference(image)?.host;
}

function downloadHost(source: string): string | undefined {
  const ssh = /^git@([^:/]+):/.exec(source)?.[1];
  if (ssh !== undefined) return ssh;
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) return undefined;
  return URL.parse(source.replace(/^[a-z][a-z0-9+.-]*:/i, "http:"))?.host;
}
