// Runs the commands of an app, as a script of a pipeline is run.

import { constants } from "node:fs";
import { access, realpath } from "node:fs/promises";
import { delimiter, join, relative, sep } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { scriptFailed } from "@gantry/core/step/script-end.ts";
import type { StepContext } from "@gantry/core/step/step.ts";
import { z } from "zod";

export const commandsInput = {
  commands: z.string().min(1).max(100_000).describe("A shell script. It stops at the first command that fails."),
  directory: z.string().max(500).default(".").describe("Where it runs, below the workspace."),
  tools: z
    .array(z.string().regex(/^[\w.+-]{1,100}$/, "must be the name of a program"))
    .max(20)
    .default([])
    .describe("Programs that must be installed on the runner."),
};

/**
 * Both streams become one, because only then their order is known. Java takes the home of the user from the machine and not
 * from HOME, so Maven and Gradle would neither find the settings of the job nor be allowed to write.
 */
const PRELUDE = `exec 2>&1
export MAVEN_OPTS="-Duser.home=$HOME \${MAVEN_OPTS-}" GRADLE_USER_HOME="$HOME/.gradle"
`;

type Context = Pick<StepContext<unknown>, "environment" | "exec" | "failingLine" | "workspace" | "task">;
type Wanted = { readonly commands: string; readonly directory: string; readonly tools: readonly string[] };

/** Resolves with the failure of a command that failed. Throws `toolchain-missing` and `bad-input`. */
export async function runCommands(
  context: Context,
  step: string,
  { commands, directory, tools }: Wanted,
): Promise<GantryError | undefined> {
  await requireTools(context, directory, tools);
  const cwd = await folderIn(context.workspace, step, directory);
  const argv = ["sh", "-euc", `${PRELUDE}${commands}`] as const;
  const { exitCode, signal } = await context.exec(argv, { cwd, confined: true });
  if (exitCode === 0) return undefined;
  const line = context.failingLine();
  const problem =
    line === undefined ? "No line of its output looks like an error. Its log has all of it." : `Its log says: ${line}`;
  return scriptFailed(signal ?? exitCode, problem);
}

async function requireTools({ environment, task }: Context, directory: string, tools: readonly string[]) {
  const folders = (environment.PATH ?? "").split(delimiter);
  const missing: string[] = [];
  for (const tool of tools) {
    const found = await Promise.allSettled(folders.map((folder) => access(join(folder, tool), constants.X_OK)));
    if (!found.some(({ status }) => status === "fulfilled")) missing.push(tool);
  }
  if (missing.length === 0) return;
  const names = missing.join(" and no ");
  const problem = `The commands for the folder ${directory} need ${missing.length === 1 ? "it" : "them"}.`;
  throw new GantryError("toolchain-missing", { tools: names, problem, site: task.site });
}

/** A folder below the workspace, by the workspace's own address, under which the sandbox has it. */
export async function folderIn(workspace: string, step: string, directory: string): Promise<string> {
  const root = await realpath(workspace);
  const real = await realpath(join(workspace, directory)).catch((error: NodeJS.ErrnoException) => {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(error.code ?? "")) return undefined;
    throw error;
  });
  if (real === root || real?.startsWith(root + sep)) return join(workspace, relative(root, real));
  throw new GantryError("bad-input", { step, problem: `directory: there is no folder ${directory} in the workspace` });
}
