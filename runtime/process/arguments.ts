// The command line of a process: `--config FILE`, and a flag for every setting.

import { flagsOf, variableOf } from "@gantry/core/config/read.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { z } from "zod";
import { parseFlags } from "./parse-flags.ts";

export type Arguments = {
  readonly config: string | undefined;
  /** What to print instead of starting. */
  readonly show: "help" | "version" | undefined;
  readonly flags: { readonly [name: string]: string | undefined };
};

/** Throws `config-invalid` for a flag that no setting has, a flag without its value, and for anything that is no flag. */
export function readArguments(argv: readonly string[], schema: z.ZodObject): Arguments {
  const names = flagsOf(schema);
  const { config, version, help, ...flags } = parsed(argv, names);
  const show = help === true ? "help" : version === true ? "version" : undefined;
  return { config: text(config), show, flags: Object.fromEntries(names.map((name) => [name, text(flags[name])])) };
}

export function usage(name: string, schema: z.ZodObject): string {
  const prefix = variableOf("GANTRY", [name]);
  return `Usage: ${name} [--config FILE] [--SETTING VALUE]…
       ${name} --version

FILE is YAML or JSON. Every setting can also come from the environment, which wins over the file: ${prefix}_LOG_LEVEL is
\`logLevel\`, ${prefix}_LOG_LEVEL_FILE names a file with its value. A flag wins over both: --log-level debug. Keep secrets out
of flags: every user of the machine can read them. All problems are reported at once, with exit code 2.

Settings:
${flagsOf(schema)
  .map((flag) => `  --${flag} VALUE\n`)
  .join("")}`;
}

function parsed(argv: readonly string[], names: readonly string[]): { readonly [name: string]: unknown } {
  const settings = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  const own = {
    config: { type: "string" },
    version: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  } as const;
  try {
    return parseFlags(argv, { ...settings, ...own }, { positionals: false }).values;
  } catch (error) {
    throw new GantryError(
      "config-invalid",
      { problem: `${(error as Error).message}; --help lists them.` },
      { cause: error },
    );
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
