// The flags and arguments of a command line. Node's parser reads them; what it refuses is said in our words, because its
// own messages are long and name no flag that was meant.

import { type ParseArgsConfig, parseArgs } from "node:util";
import { didYouMean } from "@gantry/core/suggest.ts";

type Flags = NonNullable<ParseArgsConfig["options"]>;
type Settings = { readonly positionals?: boolean; readonly allowNegative?: boolean };
type Parsed<F extends Flags> = ReturnType<
  typeof parseArgs<{ args: string[]; options: F; allowPositionals: true; allowNegative: boolean }>
>;

/** `positionals`: whether the command takes arguments that are no flags. Throws an Error whose message is one sentence without its full stop. */
export function parseFlags<const F extends Flags>(
  argv: readonly string[],
  flags: F,
  { positionals = true, allowNegative = false }: Settings = {},
): Parsed<F> {
  const config = { args: [...argv], options: flags, allowNegative };
  try {
    return parseArgs({ ...config, allowPositionals: positionals }) as Parsed<F>;
  } catch (error) {
    const problem = problemIn(config, positionals);
    if (problem === undefined) throw error;
    throw new Error(problem, { cause: error });
  }
}

/** The first thing that the parser refuses. */
function problemIn(config: { args: string[]; options: Flags; allowNegative: boolean }, positionals: boolean) {
  const { tokens } = parseArgs({ ...config, allowPositionals: true, strict: false, tokens: true });
  const known = Object.keys(config.options).map((name) => `--${name}`);
  for (const token of tokens) {
    if (token.kind === "positional" && !positionals) return `There is no argument ${token.value} in this command`;
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const flag = Object.hasOwn(config.options, name) ? config.options[name] : undefined;
    if (flag === undefined) return `There is no flag ${rawName}${didYouMean(rawName, known)}`;
    if (flag.type === "boolean" && value !== undefined) return `The flag ${rawName} takes no value`;
    if (flag.type === "string" && value === undefined) return `The flag ${rawName} needs a value`;
    if (flag.type === "string" && inlineValue !== true && value?.startsWith("-"))
      return `The flag ${rawName} needs a value; if it is ${value}, write ${rawName}=${value}`;
  }
  return undefined;
}
