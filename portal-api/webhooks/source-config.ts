// The sources of webhooks in the configuration of the portal, and their secrets.

import { readFileSync } from "node:fs";
import { GantryError, type Problem } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { WEBHOOK_HOSTS } from "@gantry/core/webhook/delivery.ts";
import { problemsInWords } from "@gantry/runtime/http/problem.ts";
import { z } from "zod";

const LEAST = 16;
const TOO_SHORT = `must have at least ${LEAST} characters`;

/** A file or variable is read at each delivery, so the secret can be changed while the portal runs. */
const secret = z.union([
  z.string().min(LEAST, TOO_SHORT),
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ env: z.string().regex(/^[A-Za-z_]\w*$/, "must be the name of an environment variable") }),
]);

export const webhookSource = z.strictObject({
  /** What sends the deliveries: it decides how they are signed and what they look like. */
  host: z.enum(WEBHOOK_HOSTS),
  /** The name of this system in the records of apps. Default: an app's system is not compared. */
  system: z.string().min(1).max(100).optional(),
  secret,
});
/** The environment of the process. */
export type Env = { readonly [name: string]: string | undefined };

export type WebhookSource = z.output<typeof webhookSource>;

/** Throws `config-invalid` when a secret cannot be read or is too short. */
export function checkSources(sources: { readonly [name: string]: WebhookSource }, env: Env): void {
  const problems = Object.entries(sources).flatMap(([name, source]): Problem[] => {
    const read = readSecret(source, env);
    return "problem" in read ? [{ pointer: `/webhooks/sources/${name}/secret`, detail: read.problem }] : [];
  });
  if (problems.length > 0)
    throw new GantryError("config-invalid", { problem: problemsInWords(problems) }, { problems });
}

/** `problem`: why there is none, without the value. */
export function readSecret(
  { secret: from }: Pick<WebhookSource, "secret">,
  env: Env,
): { readonly secret: string } | { readonly problem: string } {
  if (typeof from === "string") return { secret: from };
  const [what, value] = "env" in from ? [`the variable ${from.env}`, env[from.env]] : [from.file, readFile(from.file)];
  if (value === undefined) return { problem: `${what} is not set` };
  if (typeof value !== "string") return { problem: value.problem };
  const text = value.replace(/\r?\n$/, "");
  return text.length < LEAST ? { problem: `what ${what} holds ${TOO_SHORT}` } : { secret: text };
}

function readFile(path: string): string | { readonly problem: string } {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return { problem: `${path} cannot be read: ${fileProblem(error)}` };
  }
}
