// `gantry lint FILE…`: every mistake of pipeline files, one per line, in the form that editors jump to.

import { parseArgs } from "node:util";
import type { Problem } from "@gantry/core/errors.ts";
import { type FileIo, readCatalogue, readPipeline } from "./pipeline-file.ts";

const USAGE = `Usage: gantry lint FILE…

Checks pipeline files without running them. Prints file:line:column and what is wrong.
Ends with 0 when nothing is wrong (warnings are allowed), else with 2.

  --steps FILE   another catalogue of steps than that of this version
`;

export async function lint(argv: readonly string[], io: FileIo): Promise<number> {
  const { values, positionals, problem } = readArguments(argv);
  if (values.help === true) {
    io.stdout(USAGE);
    return 0;
  }
  if (problem !== undefined || positionals.length === 0) {
    io.stderr(`${problem ?? "Which file?"}\n\n${USAGE}`);
    return 2;
  }
  const steps = readCatalogue(io, values.steps);
  let wrong = 0;
  for (const path of positionals) {
    const { problems, warnings } = readPipeline(io, path, steps);
    for (const one of problems) io.stdout(`${line(one)}\n`);
    for (const one of warnings) io.stdout(`${line({ ...one, detail: `warning: ${one.detail}` })}\n`);
    wrong += problems.length;
  }
  return wrong === 0 ? 0 : 2;
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
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    // parseArgs throws for what a person typed; its message says what.
    return { values: {}, positionals: [], problem: error instanceof Error ? error.message : String(error) };
  }
}
