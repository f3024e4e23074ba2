// Gantry's only CEL environment: the variables and functions that an expression may use. No clock, no randomness, no I/O.

import { Environment } from "@marcbachmann/cel-js";
import { registerFunctions } from "./functions.ts";

/** The variables that an expression may use; pipeline.ts describes each. */
export const VARIABLES = [
  "params",
  "app",
  "build",
  "task",
  "trigger",
  "each",
  "site",
  "defaults",
  "status",
  "approval",
  "needs",
  "jobs",
  "steps",
  "secrets",
] as const;

/** Structural limits, so that parsing any expression takes bounded time. */
const LIMITS = { maxAstNodes: 1_000, maxDepth: 50, maxListElements: 256, maxMapEntries: 256, maxCallArguments: 16 };

/** Copied for each environment, because the library reads the signature of every function again when it is registered. */
const withFunctions = registerFunctions(
  new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: LIMITS,
  }),
);

/** `types`: of variables whose type is known; other variables may have any type. */
export function makeEnvironment(types: { readonly [variable: string]: string } = {}): Environment {
  const environment = withFunctions.clone();
  for (const name of VARIABLES) environment.registerVariable(name, types[name] ?? "dyn");
  return environment;
}
