// The configuration of a runner: its name, its task-agent, and the outside systems of its site. It contains no credentials:
// it names secrets, and says in which file or environment variable each secret is.

import { totalmem } from "node:os";
import { isVariableName, MAX_VARIABLE } from "@gantry/core/pipeline/env-names.ts";
import { WORK } from "@gantry/core/pipeline/work.ts";
import { type GitReader, otherSiteOf, systemSchema } from "@gantry/core/site/systems.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { clientTlsConfig } from "@gantry/runtime/http/client-tls.ts";
import { z } from "zod";

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, "must have only lower case letters, digits and hyphens")
  .max(63);

/** Where a secret is stored. It is read each time it is needed, so that it can be rotated while the runner runs. */
const secretSource = z.union([
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ env: z.string().regex(/^[A-Za-z_]\w*$/, "must be the name of an environment variable") }),
]);
export type SecretSource = z.infer<typeof secretSource>;

/** `apps`: the apps whose own pipelines may use it. Pipelines of the platform team may use every secret. */
const apps = z.array(name).max(10_000).optional();
const siteSecret = z.union([
  z.strictObject({ file: z.string().min(1), apps }),
  z.strictObject({ env: z.string().regex(/^[A-Za-z_]\w*$/, "must be the name of an environment variable"), apps }),
]);

const scriptVariable = z
  .string()
  .max(MAX_VARIABLE)
  .refine((text) => !text.includes("\0"), "must not contain a zero byte");

const sharedName = z
  .string()
  .max(500)
  .regex(/^[^*\s]+\/([^*\s/]+|\*)$/, "must be like PROJECT/name or PROJECT/*");

const secretName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, "must begin with a letter and have only letters, digits, _ and -");

/** Fields of a system, and of an account below `git:`, that name a secret, as `NAME` or `{secret: NAME}`. */
const CREDENTIAL_FIELDS = ["token", "password", "scannerToken"] as const;

const system = z.preprocess(unwrapSecrets, systemSchema);

const reachable = z.union(
  [
    z.cidrv4(),
    z.cidrv6(),
    z.ipv4(),
    z.ipv6(),
    z.string().regex(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i, "must be the name of a host"),
  ],
  "must be a range such as 127.0.0.0/8, an address, or the name of a host",
);

export const runnerConfigSchema = z
  .strictObject({
    name,
    site: name,
    /** Address of the task-agent. */
    agent: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, "")),
    /** PEM files: the authority of the task-agent's certificate, and a certificate and key of this runner. */
    agentTls: z.strictObject(clientTlsConfig).optional(),
    /** Allow plain HTTP to a task-agent on another machine; otherwise such an address is refused. */
    allowPlainHttp: z.boolean().default(false),
    /** The site's token, with which the runner authenticates to the task-agent; or `enrol`. */
    token: z.union([z.string().min(1), secretSource], "text, or a map with `file` or `env`").optional(),
    /** A one-time token, with which the runner enrols its own key once. It may stay in the configuration afterwards. */
    enrol: z.union([z.string().min(1), secretSource], "text, or a map with `file` or `env`").optional(),
    labels: z.array(z.string().min(1).max(100)).max(100).default([]),
    /** How many jobs run at the same time; default: 2, in a container 1. */
    slots: z.int().min(1).max(1_000).optional(),
    /**
     * The kinds of work that it takes: jobs that run code from repositories, and jobs that deploy. With dedicated runners
     * for each kind, no process does both.
     */
    runs: z
      .array(z.enum(WORK))
      .min(1)
      .default([...WORK]),
    /** Folder of the runner: its journal, workspaces, logs that are not uploaded yet, caches. */
    data: z.string().min(1),
    /** PATH of all programs that jobs start; default: the PATH of the runner. */
    path: z.string().min(1).optional(),
    /** How long running jobs may continue after SIGTERM. */
    drainSeconds: z.int().min(0).default(600),
    /**
     * How scripts of pipelines are isolated from the runner, its other jobs and the machine. `sandbox`: with bubblewrap; if
     * it does not work, the runner refuses scripts. `container`: the runner is alone in a container, and takes one job at a
     * time. `none`: not at all; scripts can read everything that the runner's user can read.
     */
    isolation: z.enum(["sandbox", "container", "none"]).default("sandbox"),
    sandbox: z
      .strictObject({
        /** `none`: scripts have no network, not even the machine's own addresses. */
        network: z.enum(["full", "none"]).default("full"),
        /**
         * Commands of a Dockerfile run in the sandbox if Buildah is installed and the runner is root. Otherwise, `any`: only
         * the builder isolates them; `sandboxed`: they are refused.
         */
        dockerfiles: z.enum(["any", "sandboxed"]).default("any"),
        /** Further folders that scripts may read, such as toolchains outside of /usr and /opt. */
        readOnly: z
          .array(z.string().regex(/^\/[^\0]*[^/\0]$/, "must be an absolute path that does not end with /"))
          .default([]),
      })
      .prefault({}),
    /**
     * Variables of every script, such as those that name a proxy or a file with certificates; `env:` of a pipeline overrides
     * them. Every script sees them, so they must not contain secrets.
     */
    scriptEnv: z.record(z.string(), scriptVariable).superRefine(refuseSetByRunner).default({}),
    limits: z
      .strictObject({
        /** All files of one job, in MiB. */
        diskMb: z.int().min(1).default(20_480),
        /** Limit in MiB for the files of one checkout, and for one download of git. */
        checkoutMb: z.int().min(1).default(10_240),
        checkoutFiles: z.int().min(1).default(1_000_000),
        /** Memory of one script in the sandbox, in MiB. Default: three quarters of what the runner may use. */
        memoryMb: z.int().min(16).default(defaultMemoryMb),
        /** Processes and threads of one script in the sandbox. */
        processes: z.int().min(16).default(4_096),
        /** MiB of caches of jobs, and of artifacts that the runner need not download again. */
        contentMb: z.int().min(0).default(10_240),
      })
      .prefault({}),
    /**
     * Addresses that people choose, as in FROM of a Dockerfile, may not be on this machine or link-local, unless they are
     * listed here: ranges (`127.0.0.0/8`), addresses and host names. Addresses of cloud metadata services are never allowed.
     */
    outbound: z.strictObject({ allow: z.array(reachable).default([]) }).prefault({}),
    logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
    systems: z.record(name, system).default({}),
    secrets: z.record(secretName, siteSecret).default({}),
    /**
     * What every app may read with the credentials of the site, in addition to what belongs to it: names, or `PROJECT/*`.
     */
    shared: z
      .strictObject({
        /** Default: the templates of the built-in pipeline `create-app`. */
        repositories: z.array(sharedName).max(1_000).default(["TEMPLATES/*"]),
        /** Every Harbor has the project `library`, and everybody may read it. */
        images: z.array(sharedName).max(1_000).default(["library/*"]),
      })
      .prefault({}),
  })
  .superRefine((config, context) => {
    if ((config.token === undefined) === (config.enrol === undefined)) {
      const message = "or `enrol` must be set, and not both";
      context.addIssue({ code: "custom", path: ["token"], message });
    }
    if (config.isolation === "container" && (config.slots ?? 1) > 1) {
      const message =
        "must be 1 with `isolation: container`: the jobs of one container are not isolated from each other";
      context.addIssue({ code: "custom", path: ["slots"], message });
    }
    for (const [system, settings] of Object.entries(config.systems)) {
      if (otherSiteOf(settings) === config.site) {
        const message = `is the site of this runner; it names another site, whose images are copied from this registry`;
        context.addIssue({ code: "custom", path: ["systems", system, "site"], message });
      }
      for (const { path, secret } of credentialsOf(settings)) {
        if (Object.hasOwn(config.secrets, secret)) continue;
        const message = `names the secret ${truncate(secret, 40)}, which \`secrets:\` does not list`;
        context.addIssue({ code: "custom", path: ["systems", system, ...path], message });
      }
      for (const [host, message] of readerProblems(config.systems, settings))
        context.addIssue({ code: "custom", path: ["systems", system, "git", host], message });
    }
  });
export type RunnerConfigInput = z.input<typeof runnerConfigSchema>;
export type RunnerConfig = z.output<typeof runnerConfigSchema>;
export type SystemSettings = RunnerConfig["systems"][string];

function refuseSetByRunner(variables: object, context: z.RefinementCtx): void {
  for (const name of Object.keys(variables)) {
    const message = !isVariableName(name)
      ? "is not a valid variable name"
      : /^(PATH|HOME|TMPDIR|LANG|CI|GANTRY.*)$/.test(name)
        ? "is set by the runner and cannot be changed"
        : undefined;
    if (message !== undefined) context.addIssue({ code: "custom", path: [name], message });
  }
}

/** The runner may be in a container that has its own limit. */
function defaultMemoryMb(): number {
  const limit = process.constrainedMemory();
  const bytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return Math.max(16, Math.floor((bytes * 0.75) / 1_048_576));
}

/** How many jobs run at the same time. */
export function slotsOf({ slots, isolation }: Pick<RunnerConfig, "slots" | "isolation">): number {
  return slots ?? (isolation === "container" ? 1 : 2);
}

export type Credential = {
  /** The place in the settings of the system. */
  readonly path: readonly string[];
  /** The name of its secret. */
  readonly secret: string;
};

/** The credentials of a system that are set. */
export function credentialsOf(system: SystemSettings): readonly Credential[] {
  const own = CREDENTIAL_FIELDS.flatMap((field): Credential[] => {
    const secret = credentialOf(system, field);
    return secret === undefined ? [] : [{ path: [field], secret }];
  });
  const readers = Object.entries(readersOf(system)).flatMap(([host, reader]): Credential[] =>
    reader === "none" ? [] : [{ path: ["git", host, "password"], secret: reader.password }],
  );
  return [...own, ...readers];
}

/** The system with values in place of the names of its secrets. */
export function withCredentials(system: SystemSettings, read: (secret: string) => string): SystemSettings {
  const own = CREDENTIAL_FIELDS.flatMap((field) => {
    const secret = credentialOf(system, field);
    return secret === undefined ? [] : [[field, read(secret)] as const];
  });
  const known = { ...system, ...Object.fromEntries(own) };
  if (known.kind !== "argocd" || known.git === undefined) return known;
  const readers = Object.entries(known.git).map(([host, reader]) => [
    host,
    reader === "none" ? reader : { ...reader, password: read(reader.password) },
  ]);
  return { ...known, git: Object.fromEntries(readers) };
}

function credentialOf(system: object, field: string): string | undefined {
  const value: unknown = Object.entries(system).find(([name]) => name === field)?.[1];
  return typeof value === "string" ? value : undefined;
}

function readersOf(system: SystemSettings): Readonly<Record<string, GitReader>> {
  return system.kind === "argocd" ? (system.git ?? {}) : {};
}

/** Entries of `git:` of an Argo CD that name no git system, or the credential with which Gantry pushes. */
function readerProblems(
  systems: Readonly<Record<string, SystemSettings>>,
  argocd: SystemSettings,
): readonly (readonly [host: string, problem: string])[] {
  const hosts = Object.entries(systems).flatMap(([name, one]) => (one.kind === "git" ? [name] : []));
  return Object.entries(readersOf(argocd)).flatMap(([host, reader]): (readonly [string, string])[] => {
    const settings = Object.hasOwn(systems, host) ? systems[host] : undefined;
    if (settings?.kind !== "git") {
      const listed = hosts.length === 0 ? "this runner has none" : `this runner has ${hosts.join(", ")}`;
      return [[host, `is not a git system${didYouMean(host, hosts)}; ${listed}`]];
    }
    // A stand-in is on this machine, and the demo has no other account for a git host of one's own.
    if (reader === "none" || reader.password !== settings.token || argocd.standIn) return [];
    return [[host, "has the secret with which Gantry pushes; give Argo CD an account that may only read"]];
  });
}

function unwrapSecrets(system: unknown): unknown {
  if (!isMap(system)) return system;
  const { git } = system;
  const accounts = isMap(git) ? { git: mapValues(git, (one) => (isMap(one) ? mapValues(one, unwrap) : one)) } : {};
  return { ...mapValues(system, unwrap), ...accounts };
}

function unwrap(value: unknown, field: string): unknown {
  const isCredential = CREDENTIAL_FIELDS.some((one) => one === field);
  const wrapped = z.strictObject({ secret: secretName }).safeParse(value);
  return isCredential && wrapped.success ? wrapped.data.secret : value;
}

type UnknownMap = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is UnknownMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mapValues(map: UnknownMap, change: (value: unknown, key: string) => unknown): UnknownMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]));
}
