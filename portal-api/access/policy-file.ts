// The policy file: read and checked at the start, read again while the portal runs. A file with a mistake changes nothing.

import { readFile } from "node:fs/promises";
import type { Policy } from "@gantry/core/access/policy.ts";
import { readPolicy } from "@gantry/core/access/read-policy.ts";
import { configInvalid } from "@gantry/core/config/read.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { PolicySource } from "./rights.ts";

export type PolicyFile = PolicySource & { readonly close: () => Promise<void> };

export type PolicyFileOptions = {
  /** Undefined: there is no policy, and only roles count. */
  readonly file: string | undefined;
  /** How often the file is read, in ms. It is read, not watched: a mounted folder or a git checkout may replace it. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called after each reading: whether the file is valid. */
  readonly onRead?: (valid: boolean) => void;
};

/** Throws `config-invalid` with every problem when the file cannot be read or is not valid at the start. */
export async function openPolicyFile(options: PolicyFileOptions): Promise<PolicyFile> {
  const { file, pollMs, clock, logger } = options;
  if (file === undefined) return { policy: () => undefined, version: () => 0, close: async () => {} };
  const closing = new AbortController();
  let text = await readFile(file, "utf8").catch((error: unknown) => unreadable(file, error));
  let policy = policyOf(text, file);
  let version = 1;

  const readAgain = async (): Promise<void> => {
    try {
      const now = await readFile(file, "utf8").catch((error: unknown) => unreadable(file, error));
      if (now === text) return;
      text = now;
      policy = policyOf(now, file);
      version += 1;
      logger.info({ file, version }, "the policy has changed and is in force");
      options.onRead?.(true);
    } catch (error) {
      options.onRead?.(false);
      const problem = String(error instanceof GantryError ? error.details.problem : error);
      if (problem === reported) return;
      reported = problem;
      logger.error({ file, problem }, "the policy is not valid: the last valid one stays in force");
      return;
    }
    reported = undefined;
  };
  let reported: string | undefined;
  const poll = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await pause(clock, pollMs, closing.signal);
      if (!closing.signal.aborted) await readAgain();
    }
  };
  options.onRead?.(true);
  const polling = poll();
  return {
    policy: () => policy,
    version: () => version,
    close: async () => {
      closing.abort();
      await polling;
    },
  };
}

function policyOf(text: string, file: string): Policy {
  const read = readPolicy(text, file);
  if (!read.ok) throw configInvalid(read.problems);
  return read.policy;
}

function unreadable(file: string, error: unknown): never {
  const problem = `The policy ${file} cannot be read: ${fileProblem(error)}.`;
  throw new GantryError("config-invalid", { problem }, { cause: error });
}
