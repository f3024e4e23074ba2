// The policy file: read and checked at the start, and read again while the portal runs. A file with a mistake is not
// applied.

import { readFile } from "node:fs/promises";
import type { Policy } from "@gantry/core/access/policy.ts";
import { readPolicy } from "@gantry/core/access/read-policy.ts";
import { configInvalid } from "@gantry/core/config/read.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { PolicySource } from "../access/rights.ts";
import type { RecordPolicy } from "./record-policy.ts";

export type PolicyFile = PolicySource & {
  /** Why the newest policy is not in force, as a sentence for operators. */
  readonly problem: () => string | undefined;
  readonly close: () => Promise<void>;
};

export type PolicyFileOptions = {
  /** Undefined: there is no policy, and only roles give rights. */
  readonly file: string | undefined;
  /** How often the file is read, in ms. It is not watched, because a mounted folder or a git checkout may replace it. */
  readonly pollMs: number;
  readonly record: RecordPolicy;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Throws `config-invalid` with every problem when the file cannot be read or is not valid at the start. */
export async function openPolicyFile(options: PolicyFileOptions): Promise<PolicyFile> {
  const { file, pollMs, record, clock, logger } = options;
  if (file === undefined) {
    await record(undefined, { source: "no policy" });
    return { policy: () => undefined, version: () => 0, problem: () => undefined, close: async () => {} };
  }
  const closing = new AbortController();
  let inForce = await readText(file);
  let policy = policyOf(inForce, file);
  await record(policy, { file });
  let version = 1;
  let problem = "";

  const readAgain = async (): Promise<void> => {
    const text = await readText(file);
    if (text === inForce) return;
    const read = policyOf(text, file);
    await record(read, { file });
    policy = read;
    inForce = text;
    version += 1;
    logger.info({ file, version }, "the policy has changed and is in force");
  };
  const tryToRead = async (): Promise<void> => {
    const found = await readAgain().then(
      () => "",
      (error: unknown) => String(error instanceof GantryError ? error.details.problem : error),
    );
    // Logs each problem once, not every few seconds.
    if (found !== "" && found !== problem)
      logger.error({ file, problem: found }, "the policy is not valid: the last valid one stays in force");
    problem = found;
  };
  const poll = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await pause(clock, pollMs, closing.signal);
      if (!closing.signal.aborted) await tryToRead();
    }
  };
  const polling = poll();
  return {
    policy: () => policy,
    version: () => version,
    problem: () => (problem === "" ? undefined : "The policy file is not valid. The last valid one stays in force."),
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

function readText(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: unknown) => {
    const problem = `The policy ${file} cannot be read: ${fileProblem(error)}.`;
    throw new GantryError("config-invalid", { problem }, { cause: error });
  });
}
