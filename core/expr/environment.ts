// Gantry's only CEL environment: the variables and functions that an expression may use. No clock, no randomness, no I/O.

import { Environment } from "@marcbachmann/cel-js";

/** The variables that an expression may use; pipeline.ts describes each. */
export const VARIABLES = [
  "params",
  "app",
  "build",
  "task",
  "each",
  "site",
  "status",
  "needs",
  "jobs",
  "steps",
  "secrets",
] as const;

/** Structural limits, so that parsing any expression takes bounded time. */
const LIMITS = { maxAstNodes: 1_000, maxDepth: 50, maxListElements: 256, maxMapEntries: 256, maxCallArguments: 16 };

/** `types`: of variables whose type is known; other variables may have any type. */
export function makeEnvironment(types: { readonly [variable: string]: string } = {}): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: LIMITS,
  });
  for (const name of VARIABLES) environment.registerVariable(name, types[name] ?? "dyn");
  return environment
    .registerFunction("string.lower(): string", (text: string) => text.toLowerCase())
    .registerFunction("string.upper(): string", (text: string) => text.toUpperCase())
    .registerFunction("string.replace(string, string): string", (text: string, from: string, to: string) =>
      text.replaceAll(from, () => to),
    )
    .registerFunction("list.sum(): int", sumOf)
    .registerFunction("short(string): string", shortCommit);
}

/** Throws for a list with something other than integers. */
function sumOf(list: readonly unknown[]): bigint {
  return list.reduce((sum: bigint, one) => {
    if (typeof one !== "bigint") throw new Error("sum() is for lists of integers");
    return sum + one;
  }, 0n);
}

/** The first 12 characters of a commit or of a digest without its algorithm: enough to tell apart, short enough to read. */
function shortCommit(text: string): string {
  return text.replace(/^sha256:/, "").slice(0, 12);
}
