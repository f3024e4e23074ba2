// The token with which the runner authenticates to the task-agent.

import { GantryError } from "@gantry/core/errors.ts";
import { deadlineBy } from "@gantry/runtime/deadline.ts";
import { createIdentityClient } from "@gantry/wire/runner/runner-client.ts";
import type { RunnerConfig, SecretSource } from "./config.ts";
import { openEnrolledToken } from "./identity/enrolled-token.ts";
import type { RunnerDeps } from "./ports.ts";
import { readSecret } from "./steps/secrets.ts";

/**
 * Returns a function that gives the token for each call: the site's token, which is read every time so that it can be
 * rotated, or one that the runner gets with its own key. It rejects with `unavailable`, which is retried. Throws
 * `secret-unreadable` when the site's token cannot be read at the start, and what `openEnrolledToken` throws. `data`: folder
 * of the runner.
 */
export async function openToken(
  config: RunnerConfig,
  data: string,
  deps: Pick<RunnerDeps, "env" | "fetch" | "files" | "clock" | "logger">,
): Promise<() => Promise<string>> {
  const { name: runner, agent: url, token, enrol = "" } = config;
  if (token !== undefined) return openSecret("The token of the runner", token, deps.env);
  const client = createIdentityClient({ url, fetch: deps.fetch, deadline: (ms) => deadlineBy(deps.clock, ms) });
  const enrolment = async (): Promise<string> => (await openSecret("The enrolment token", enrol, deps.env))();
  return openEnrolledToken({ runner, data, enrolment, client, deps });
}

async function openSecret(
  what: string,
  source: string | SecretSource,
  env: RunnerDeps["env"],
): Promise<() => Promise<string>> {
  if (typeof source === "string") return async () => source;
  const read = (): Promise<string> =>
    readSecret(source, env, (problem) => new GantryError("unavailable", { what, problem }));
  try {
    await read();
  } catch (error) {
    if (!(error instanceof GantryError) || error.code !== "unavailable") throw error;
    throw new GantryError("secret-unreadable", { what, problem: error.details.problem ?? "" });
  }
  return read;
}
