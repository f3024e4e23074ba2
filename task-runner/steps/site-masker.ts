// The maskers of jobs. A job's masker knows every secret of the runner's configuration from the start, not only those that
// the job uses: a secret that a script obtained in another way must not reach its log either.

import { createMasker, type Masker, MIN_SECRET_LENGTH } from "@gantry/core/mask/masker.ts";
import type { JobRequest } from "../workers/job-executor.ts";
import { readSecret } from "./secrets.ts";

type Request = Pick<JobRequest, "config" | "env" | "token">;

/**
 * Reads the secrets for each job, because they can be rotated; the patterns are built again only when one has changed. A
 * secret that cannot be read is skipped: the step that needs it reports the error.
 */
export function openSiteMaskers(): (request: Request) => Promise<Masker> {
  let known: { readonly values: readonly string[]; readonly masker: Masker } | undefined;
  return async ({ config, env, token }) => {
    const missing = (): Error => new Error("not there");
    const read = Object.values(config.secrets).map((source) => readSecret(source, env, missing).catch(() => ""));
    const values = [token, ...(await Promise.all(read)).filter((value) => value.length >= MIN_SECRET_LENGTH)];
    if (!known || known.values.join("\0") !== values.join("\0")) {
      const masker = createMasker();
      for (const value of values) masker.add(value);
      known = { values, masker };
    }
    return known.masker.fork();
  };
}
