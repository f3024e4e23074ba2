// Resolves secrets at the site, each time one is needed. A value is added to the masker before anything else gets it.

import { readFile } from "node:fs/promises";
import { GantryError } from "@gantry/core/errors.ts";
import { type Masker, MIN_SECRET_LENGTH } from "@gantry/core/mask/masker.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import type { RunnerConfig, SecretSource } from "../config.ts";

export type Secrets = {
  /** The value of a secret. Throws `credential-missing`; the error names the file or variable and never contains a value. */
  readonly resolve: (name: string, masker: Masker) => Promise<string>;
};

type Env = Readonly<Record<string, string | undefined>>;

export function createSecrets(config: Pick<RunnerConfig, "site" | "secrets">, env: Env): Secrets {
  return {
    resolve: async (name, masker) => {
      const missing = (problem: string): GantryError =>
        new GantryError("credential-missing", { site: config.site, secret: name, problem });
      if (!Object.hasOwn(config.secrets, name)) throw missing("The runner's configuration does not list it.");
      const source = config.secrets[name] as SecretSource;
      const value = await readSecret(source, env, missing);
      if (value.length < MIN_SECRET_LENGTH) {
        throw missing(`It is shorter than ${MIN_SECRET_LENGTH} characters, so it cannot be masked in logs.`);
      }
      masker.add(value);
      return value;
    },
  };
}

/** The current value of a source, without the line break that editors add. `missing` creates the error. */
export async function readSecret(source: SecretSource, env: Env, missing: (problem: string) => Error): Promise<string> {
  if ("env" in source) {
    const value = env[source.env];
    if (!value) throw missing(`The environment variable ${source.env} is not set.`);
    return value;
  }
  let text: string;
  try {
    text = await readFile(source.file, "utf8");
  } catch (error) {
    throw missing(`The file ${source.file} cannot be read: ${fileProblem(error)}.`);
  }
  const value = text.replace(/\r?\n$/, "");
  if (value === "") throw missing(`The file ${source.file} is empty.`);
  return value;
}
