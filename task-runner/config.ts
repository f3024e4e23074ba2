// The configuration of a runner: who it is, whom it serves, and the outside systems of its site. Credentials are never
// in it: it names secrets, and says in which file or environment variable each secret is.

import { systemSchema } from "@gantry/core/site/systems.ts";
import { z } from "zod";

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, "lower case letters, digits and hyphens")
  .max(63);

/** Where a secret is. The file is read each time it is needed, so that it can be renewed while the runner runs. */
const secretSource = z.union([
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ env: z.string().regex(/^[A-Za-z_]\w*$/, "the name of an environment variable") }),
]);
export type SecretSource = z.infer<typeof secretSource>;

const secretName = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]*$/, "letters, digits, _ and -");

/** Fields of a system that name a secret, as `NAME` or `{secret: NAME}`. */
const CREDENTIAL_FIELDS = ["token", "password"] as const;

const system = z.preprocess(unwrapSecrets, systemSchema);

export const runnerConfigSchema = z
  .strictObject({
    name,
    site: name,
    /** Address of the task-agent. */
    agent: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, "")),
    /** What the runner shows the task-agent. */
    token: z.union([z.string().min(1), secretSource]),
    labels: z.array(z.string().min(1).max(100)).max(100).default([]),
    /** How many jobs run at the same time. */
    slots: z.int().min(1).max(1_000).default(2),
    /** Folder of the runner: its journal, workspaces, logs that are not delivered yet, caches. */
    data: z.string().min(1),
    /** PATH of all programs that jobs start; default: the runner's own. */
    path: z.string().min(1).optional(),
    /** How long running jobs may go on after SIGTERM. */
    drainSeconds: z.int().min(0).default(600),
    logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
    systems: z.record(name, system).default({}),
    secrets: z.record(secretName, secretSource).default({}),
  })
  .superRefine((config, context) => {
    for (const [system, settings] of Object.entries(config.systems)) {
      for (const field of CREDENTIAL_FIELDS) {
        const secret = credentialOf(settings, field);
        if (secret === undefined || Object.hasOwn(config.secrets, secret)) continue;
        const message = `names the secret ${secret.slice(0, 40)}, and \`secrets:\` does not list it`;
        context.addIssue({ code: "custom", path: ["systems", system, field], message });
      }
    }
  });
export type RunnerConfigInput = z.input<typeof runnerConfigSchema>;
export type RunnerConfig = z.output<typeof runnerConfigSchema>;
export type SystemSettings = RunnerConfig["systems"][string];

/** The credential fields of a system that are set: field → name of the secret. */
export function credentialsOf(system: SystemSettings): readonly (readonly [field: string, secret: string])[] {
  return CREDENTIAL_FIELDS.flatMap((field) => {
    const secret = credentialOf(system, field);
    return secret === undefined ? [] : [[field, secret] as const];
  });
}

function credentialOf(system: object, field: string): string | undefined {
  const value: unknown = Object.entries(system).find(([name]) => name === field)?.[1];
  return typeof value === "string" ? value : undefined;
}

function unwrapSecrets(system: unknown): unknown {
  if (typeof system !== "object" || system === null || Array.isArray(system)) return system;
  const entries = Object.entries(system).map(([field, value]: [string, unknown]): [string, unknown] => {
    const isCredential = CREDENTIAL_FIELDS.some((one) => one === field);
    const wrapped = z.strictObject({ secret: secretName }).safeParse(value);
    return [field, isCredential && wrapped.success ? wrapped.data.secret : value];
  });
  return Object.fromEntries(entries);
}
