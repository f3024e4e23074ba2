// The token with which the runner authenticates to the task-agent.

import { GantryError } from "@gantry/core/errors.ts";
import type { RunnerConfig } from "./config.ts";
import type { RunnerDeps } from "./ports.ts";
import { readSecret } from "./steps/secrets.ts";

const WHAT = "The token of the runner";

/**
 * Returns a function that reads the token at each call, so that it can be rotated; it rejects with `unavailable`,
 * which is retried, because the token may come back. At the start it must be readable: throws `secret-unreadable`.
 */
export async function openToken(config: RunnerConfig, deps: Pick<RunnerDeps, "env">): Promise<() => Promise<string>> {
  const { token } = config;
  if (typeof token === "string") return async () => token;
  const read = (): Promise<string> =>
    readSecret(token, deps.env, (problem) => new GantryError("unavailable", { what: WHAT, problem }));
  try {
    await read();
  } catch (error) {
    if (!(error instanceof GantryError) || error.code !== "unavailable") throw error;
    throw new GantryError("secret-unreadable", { what: WHAT, problem: error.details.problem ?? "" });
  }
  return read;
}
