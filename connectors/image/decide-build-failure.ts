// Which instruction of a Dockerfile a builder failed at, read from what it printed. Pure.

import { GantryError } from "@gantry/core/errors.ts";
import { scriptFailed } from "@gantry/core/step/script-end.ts";
import { truncate } from "@gantry/core/truncate.ts";
import type { Dockerfile, Instruction } from "./dockerfile/dockerfile.ts";

export type BuildOutput = {
  readonly program: string;
  readonly exitCode: number;
  readonly signal: string | null;
  /** The newest lines, oldest first. */
  readonly lines: readonly string[];
};

/** Buildah, Podman and the classic Docker: `[1/2] STEP 3/5: RUN make`, `Step 3/5 : RUN make`. Kaniko: `INFO[0001] RUN make`. */
const STEP = [/^(?:\[\d+\/\d+\] )?STEP \d+(?:\/\d+)? ?: (.+)$/i, /^INFO\[\d+\] ([A-Z]+ .+)$/];
/** How the program of the instruction ended, which is not how the builder ended. */
const INNER_EXIT = /(?:exit (?:status|code):? |returned a non-zero code: )(\d+)/i;
const ERROR = /^(?:error|err)\b[:\s]|^The command '/i;
/** What a command printed, as BuildKit shows it: `#9 0.1 make: not found`. */
const BUILDKIT_LINE = /^#\d+ \d+\.\d+ (.+)$/;
const MAX_REASON = 500;

/** `build-failed` with the line of the Dockerfile, or `script-failed` where the output does not show it. */
export function buildFailure(output: BuildOutput, dockerfile: Dockerfile, file: string): GantryError {
  const reason = reasonOf(output);
  const place = placeOf(output.lines, dockerfile, file);
  if (place === undefined) {
    const ended = output.signal === null ? "" : ` (${output.signal})`;
    const problem = `${output.program} could not build the image${ended}: ${reason}`;
    return scriptFailed(output.exitCode, problem);
  }
  const inner = output.lines.map((line) => INNER_EXIT.exec(line)?.[1]).findLast((code) => code !== undefined);
  const instruction = truncate(`${place.name} ${oneLine(place.text)}`.trim(), 200);
  const detail = `${instruction}: ${reason}`;
  return new GantryError(
    "build-failed",
    { file, line: place.line, instruction, problem: reason, ...(inner === undefined ? {} : { exit: Number(inner) }) },
    { problems: [{ detail, file, line: place.line, column: 1 }] },
  );
}

function placeOf(lines: readonly string[], dockerfile: Dockerfile, file: string): Instruction | undefined {
  const all = [...dockerfile.args, ...dockerfile.stages.flatMap(({ from, instructions }) => [from, ...instructions])];
  // BuildKit names the line: `Dockerfile:5`, and `Dockerfile:5:10` in newer ones.
  const name = file.slice(file.lastIndexOf("/") + 1);
  const numbered = lines.findLast(
    (line) => line.startsWith(`${name}:`) && /^:\d+(:\d+)?$/.test(line.slice(name.length)),
  );
  if (numbered !== undefined) {
    const number = Number(numbered.slice(name.length + 1).split(":")[0]);
    return all.findLast(({ line }) => line <= number);
  }
  const said = lines.map(stepIn).findLast((step) => step !== undefined);
  if (said === undefined) return undefined;
  return all.find(({ name: word, text }) => said.startsWith(word) && said.endsWith(oneLine(text)));
}

function stepIn(line: string): string | undefined {
  for (const pattern of STEP) {
    const [, step] = pattern.exec(line.trim()) ?? [];
    if (step !== undefined) return oneLine(step);
  }
  return undefined;
}

/** The line before the builder's own error, which is what the instruction printed; the builder's error where there is none. */
function reasonOf({ lines }: BuildOutput): string {
  const printed = lines.map((line) => line.trim()).filter((line) => line !== "");
  const last = printed.map((line) => BUILDKIT_LINE.exec(line)?.[1]).findLast((line) => line !== undefined);
  if (last !== undefined) return last.slice(0, MAX_REASON);
  const at = printed.findIndex((line) => ERROR.test(line) && INNER_EXIT.test(line));
  const before = at > 0 ? printed[at - 1] : undefined;
  const own = at < 0 ? printed.findLast((line) => ERROR.test(line)) : printed[at];
  const isStep = before !== undefined && stepIn(before) !== undefined;
  return ((isStep ? undefined : before) ?? own ?? printed.at(-1) ?? "it printed nothing").slice(0, MAX_REASON);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
