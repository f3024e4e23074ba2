// Reads the flags and arguments of one command, as its row in the table says.

import { didYouMean } from "@gantry/core/suggest.ts";
import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import {
  type Command,
  type Flag,
  type Flags,
  type ParsedArguments,
  type ParsedFlags,
  UsageError,
} from "../table/command.ts";
import { HELP_FLAG, JSON_FLAG, PORTAL_FLAGS } from "../table/flags.ts";

/** Every flag of a command, with those that many commands share. */
export function flagsOf({ flags, portal, json }: Command): Flags {
  return { ...flags, ...(portal ? PORTAL_FLAGS : {}), ...(portal || json ? JSON_FLAG : {}), ...HELP_FLAG };
}

export type Line = { readonly flags: ParsedFlags; readonly args: ParsedArguments };

/** Throws a UsageError. `flags.help`: nothing else was checked. */
export function parseLine(command: Command, argv: readonly string[]): Line {
  const known = flagsOf(command);
  const { values, positionals } = parsed(argv, known);
  const flags = Object.fromEntries(
    Object.entries(known).map(([name, flag]) => [name, values[name] ?? absent(flag)] as const),
  );
  if (flags.help === true) return { flags, args: [] };
  for (const [name, flag] of Object.entries(known)) check(name, flag, flags[name]);
  return { flags, args: argumentsOf(command, positionals) };
}

function parsed(argv: readonly string[], known: Flags) {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { type, short, multiple }]) => {
      return [name, { type, ...(short === undefined ? {} : { short }), ...(multiple ? { multiple } : {}) }] as const;
    }),
  );
  try {
    const { values, positionals } = parseFlags(argv, options);
    return { values: values as ParsedFlags, positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function absent({ type, multiple }: Flag): boolean | readonly string[] | undefined {
  if (type === "boolean") return false;
  return multiple ? [] : undefined;
}

function check(name: string, { required, values }: Flag, given: ParsedFlags[string]): void {
  if (given === undefined || (typeof given === "object" && given.length === 0)) {
    if (required) throw new UsageError(`--${name} is missing`);
    return;
  }
  if (values === undefined || typeof given === "boolean") return;
  for (const one of typeof given === "string" ? [given] : given) checkOneOf(`--${name}`, one, values);
}

/** Throws a UsageError when the text is none of the values. `what`: the flag or argument that it was given for. */
export function checkOneOf(what: string, text: string, values: readonly string[]): void {
  if (values.includes(text)) return;
  throw new UsageError(`${what} ${text}: use ${inWords(values)}${didYouMean(text, values)}`);
}

function inWords(values: readonly string[]): string {
  return values.length < 2 ? values.join("") : `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
}

function argumentsOf({ name, args }: Command, given: readonly string[]): ParsedArguments {
  const isList = (arg: string): boolean => arg.replace("]", "").endsWith("…");
  const missing = args.find((arg, at) => !arg.startsWith("[") && given[at] === undefined);
  if (missing !== undefined)
    throw new UsageError(
      missing.includes("|") ? `Say ${inWords(missing.split("|"))}` : `${missing.replace("…", "")} is missing`,
    );
  const surplus = args.some(isList) ? undefined : given[args.length];
  if (surplus !== undefined) {
    const takes = args.length === 0 ? "no arguments" : `only ${args.join(" ")}`;
    throw new UsageError(`\`gantry ${name}\` takes ${takes}: ${surplus} is too much`);
  }
  return args.map((arg, at) => (isList(arg) ? given.slice(at) : given[at]));
}

/** A whole number in the value of a flag. Throws a UsageError. */
export function numberOf(flag: string, text: string, least: number, most: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`--${flag} ${text}: use a number from ${least} to ${most}`);
}
