// The configuration of the portal: flags override the environment (GANTRY_PORTAL_API_…), which overrides the file. Unknown
// keys are errors.

import { fileURLToPath } from "node:url";
import type { Role } from "@gantry/core/access/roles.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { clientTlsConfig } from "@gantry/runtime/http/client-tls.ts";
import { problemsInWords, problemsOf } from "@gantry/runtime/http/problem.ts";
import { serverTlsConfig } from "@gantry/runtime/http/server-tls.ts";
import { sourceName } from "@gantry/wire/agent/triggers/webhooks.ts";
import { z } from "zod";
import { signIn, url } from "./sign-in-config.ts";
import { webhookSource } from "./webhooks/source-config.ts";

/** PEM file: the authority of the certificate of that process. */
const authority = { ca: clientTlsConfig.ca };
const peer = z.strictObject({ url, token: z.string().min(16, "must have at least 16 characters"), ...authority });

export const portalConfig = z.strictObject({
  host: z.string().default("127.0.0.1"),
  /** 0 selects a free port. */
  port: z.int().min(0).max(65_535).default(3000),
  /** PEM files; without them the portal speaks plain HTTP. */
  tls: serverTlsConfig.optional(),
  /** Allow plain HTTP on addresses of other machines; otherwise such a host or address is refused. */
  allowPlainHttp: z.boolean().default(false),
  /** The address that people use. Default: the address that it listens on. With https the session cookie is Secure. */
  publicUrl: url.optional(),
  /** Further addresses that people use. A proxy in front must preserve the Host header. */
  publicUrls: z.array(url).default([]),
  /** The number of proxies in front that append to X-Forwarded-For. 0: the client connects directly. */
  trustedProxies: z.int().min(0).max(5).default(0),
  /** Folder of the portal's journal and of `admin-token`. */
  dataDir: z.string().default(".data/portal"),
  agent: peer,
  notify: peer.optional(),
  /** The address at which runners reach the task-agent, for the command that enrols one. Default: that of `agent`. */
  runnerAgentUrl: url.optional(),
  /** Folder with the built console. */
  console: z.string().default(fileURLToPath(new URL("../console/dist", import.meta.url))),
  access: z
    .strictObject({
      /** YAML with bindings of people and groups to roles, see docs/access.md. Default: only the role of a caller counts. */
      policy: z.string().optional(),
      /** Take the policy from the folder `roles` of the definitions in force instead. See docs/access.md. */
      fromDefinitions: z.boolean().default(false),
      /** How often the file is read again, or the task-agent is asked, in ms. */
      pollMs: z.int().min(10).default(5_000),
    })
    .refine(
      ({ policy, fromDefinitions }) => policy === undefined || !fromDefinitions,
      "names a policy file and takes the policy from the definitions, too: remove policy or fromDefinitions",
    )
    .prefault({}),
  /** What git hosts may ask for. See docs/definitions.md. */
  webhooks: z
    .strictObject({
      /** Reading the definitions again. The host signs with this secret. Default: no webhook is accepted. */
      definitions: z.strictObject({ secret: z.string().min(16, "must have at least 16 characters") }).optional(),
      /** By name, which is the end of the address. See docs/webhooks.md. */
      sources: z
        .record(sourceName, webhookSource)
        .default({})
        .refine((all) => !Object.hasOwn(all, "definitions"), {
          path: ["definitions"],
          message: "this address is that of the definitions: choose another name",
        }),
    })
    .prefault({}),
  sessionHours: z.number().positive().max(720).default(12),
  signIn: signIn.prefault({}),
  logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  /** Limits for one person or token; requests above them get 429. */
  limits: z
    .strictObject({
      /** After a pause, twice as many are allowed at once. */
      requestsPerSecond: z.int().min(1).default(1_000),
      /** Requests of one client address that come without a valid token or session. */
      strangersPerSecond: z.int().min(1).default(200),
      /** Requests that are not answered yet. */
      openRequests: z.int().min(1).default(500),
      /** Open event streams. */
      streams: z.int().min(1).default(100),
      /** Open event streams of all callers together. */
      allStreams: z.int().min(1).default(2_000),
    })
    .prefault({}),
  audit: z
    .strictObject({
      /** Entries are removed when they are older; whole thousands at a time. */
      days: z.int().min(1).max(36_500).default(400),
      /** A caller whose changes were refused more often within a minute is answered 429 until the minute is over. */
      refusedChangesPerMinute: z.int().min(10).default(300),
    })
    .prefault({}),
  live: z
    .strictObject({
      pingMs: z.int().min(10).default(15_000),
      /** How often the caller of an open stream is authorised again, in ms. */
      recheckMs: z.int().min(10).default(30_000),
      /** How long browsers wait before they reconnect, in ms. */
      retryMs: z.int().min(10).default(3_000),
      /** Events in memory, shared by all streams. */
      keep: z.int().min(1).default(10_000),
      /** A client that missed more events than this must reload instead of receiving them. */
      replay: z.int().min(1).default(50_000),
    })
    .prefault({}),
});
type Parsed = z.output<typeof portalConfig>;
export type PortalConfig = Parsed & { readonly signIn: { readonly defaultRole: Role } };
export type PortalConfigInput = z.input<typeof portalConfig>;

/** The configuration with its defaults. Throws `config-invalid` with every problem; the message contains no values. */
export function parseConfig(value: PortalConfigInput): PortalConfig {
  const parsed = portalConfig.safeParse(value);
  if (parsed.success) return withDefaultRole(parsed.data);
  const problems = problemsOf(parsed.error, value);
  throw new GantryError("config-invalid", { problem: problemsInWords(problems) }, { problems });
}

/** With a policy, only the people whom it names have rights; a default role would give rights to all others. */
function withDefaultRole(config: Parsed): PortalConfig {
  const defaultRole = config.signIn.defaultRole ?? (hasPolicy(config) ? "none" : "viewer");
  return { ...config, signIn: { ...config.signIn, defaultRole } };
}

function hasPolicy({ access }: Parsed): boolean {
  return access.policy !== undefined || access.fromDefinitions;
}
