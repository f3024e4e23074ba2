// `gantry lint FILE…`: prints every error in pipeline files, one per line, in a format that editors understand.

import type { Problem } from "@gantry/core/errors.ts";
import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import { type FileIo, readCatalogue, readPipeline } from "./pipeline-file.ts";

const USAGE = `Usage: gantry lint FILE…

Checks pipeline files without running them. Prints file:line:column and the message.
The exit code is 0 without errors (warnings are allowed), else 2.

  --steps FILE   the step catalogue (default: that of this version)
`;

export async function lint(argv: readonly string[], io: FileIo): Promise<number> {
  const { values, positionals, problem } = readArguments(argv);
  if (values.help === true) {
    io.stdout(USAGE);
    return 0;
  }
  if (problem !== undefined || positionals.length === 0) {
    io.stderr(`${problem ?? "Name at least one file."}\n\n${USAGE}`);
    return 2;
  }
  const steps = readCatalogue(io, values.steps);
  let errors = 0;
  for (const path of positionals) {
    const { problems, warnings } = readPipeline(io, path, steps);
    for (const one of problems) io.stdout(`${line(one)}\n`);
    for (const one of warnings) io.stdout(`${line({ ...one, detail: `warning: ${one.detail}` })}\n`);
    errors += problems.length;
  }
  return errors === 0 ? 0 : 2;
}

export function line({ file, line, column, detail }: Problem): string {
  return `${file}:${line}:${column} ${detail}`;
}

function readArguments(argv: readonly string[]): {
  readonly values: { readonly steps?: string; readonly help?: boolean };
  readonly positionals: readonly string[];
  readonly problem?: string;
} {
  const options = { steps: { type: "string" }, help: { type: "boolean", short: "h" } } as const;
  try {
    return parseFlags(argv, options);
  } catch (error) {
    // parseArgs throws for invalid arguments; its message says which.
    return { values: {}, positionals: [], problem: error instanceof Error ? error.message : String(error) };
  }
}
