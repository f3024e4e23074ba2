// The outputs of a script: lines in the file that GANTRY_OUTPUT names. Standard output is never parsed for outputs, so text
// that a script prints, also text from third parties, cannot set one. Pure.
//
//   name=value
//   name<<END          a value with several lines, up to the line END
//   ...
//   END
//   name@=path         a file of the workspace, which is kept as an artifact

import { isArtifactPath } from "@gantry/core/artifact/artifact.ts";
import { GantryError } from "@gantry/core/errors.ts";

export const MAX_OUTPUT_FILE = 262_144;
const MAX_OUTPUTS = 100;
const MAX_VALUE = 65_536;
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,99}$/;

/** An output whose value is too long for a line, or no text. `line`: where it is named. */
export type OutputFile = { readonly path: string; readonly line: number };

/** The outputs by name; the last value of a name counts. Throws `outputs-invalid` with the number of the line. */
export function parseOutputs(text: string): Readonly<Record<string, string | OutputFile>> {
  const outputs = new Map<string, string | OutputFile>();
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index += 1) {
    const line = withoutReturn(lines[index] ?? "");
    const at = index + 1;
    if (line.trim() === "") continue;
    const [, name = "", mark, rest = ""] = /^(.*?)(@=|=|<<)(.*)$/s.exec(line) ?? [];
    if (mark === undefined) throw invalid(at, "has neither `=` nor `<<`");
    if (!NAME.test(name))
      throw invalid(
        at,
        "has a name that contains more than letters, digits, `_` and `-`, or does not begin with a letter",
      );
    let value = rest;
    if (mark === "<<") {
      const body = heredoc(lines, index, rest);
      value = body.value;
      index = body.last;
    }
    if (value.length > MAX_VALUE) throw invalid(at, `has a value of more than ${MAX_VALUE} characters`);
    if (mark === "@=" && !isArtifactPath(rest))
      throw invalid(at, "names no file below the workspace: its path must be relative, without `..`");
    outputs.set(name, mark === "@=" ? { path: rest, line: at } : value);
    if (outputs.size > MAX_OUTPUTS) throw invalid(at, `exceeds the limit of ${MAX_OUTPUTS} outputs`);
  }
  return Object.fromEntries(outputs);
}

function heredoc(lines: readonly string[], start: number, end: string): { value: string; last: number } {
  if (end === "") throw invalid(start + 1, "has no delimiter after `<<`");
  for (let index = start + 1; index < lines.length; index += 1) {
    if (withoutReturn(lines[index] ?? "") !== end) continue;
    return { value: lines.slice(start + 1, index).join("\n"), last: index };
  }
  throw invalid(start + 1, "has a value without its closing delimiter");
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

function invalid(line: number, what: string): GantryError {
  return new GantryError("outputs-invalid", { problem: `Line ${line} of the file GANTRY_OUTPUT ${what}.` });
}
