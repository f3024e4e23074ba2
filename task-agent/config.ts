// The configuration of a task-agent: file < environment < flags.

import { parseDuration } from "@gantry/core/pipeline/duration.ts";
import { retentionPolicy } from "@gantry/core/retention/policy.ts";
import { mutualTlsConfig } from "@gantry/runtime/http/server-tls.ts";
import { kafkaConfig } from "@gantry/wire/bus/kafka/config.ts";
import { neverOverlaps } from "@gantry/wire/runner/lease-rules.ts";
import { z } from "zod";
import { definitionsConfig } from "./definitions/definitions-config.ts";
import { limitsConfig } from "./limits.ts";
import { pollingConfig } from "./polling/polling-config.ts";
import { journalConfig } from "./store/journal-config.ts";

const ms = z.int().min(10);
const MIN_READ_MS = 1_000;

/** Timers of a lease, per mode of job. Rules: wire/runner/lease-rules.ts. */
const leaseTimers = z
  .strictObject({ renewEveryMs: ms, renewWithinMs: ms, selfFenceMs: ms, reassignAfterMs: ms })
  .refine(
    (lease) => lease.renewEveryMs < lease.renewWithinMs,
    "renewEveryMs must be less than renewWithinMs, so that a runner renews before it counts as silent",
  );
const strictTimers = leaseTimers.refine(
  neverOverlaps,
  "selfFenceMs × 1.36 must be less than 91 % of reassignAfterMs, so that a runner stops itself before the job is given away",
);
const lenientTimers = leaseTimers.refine(
  (lease) => lease.selfFenceMs < lease.reassignAfterMs,
  "selfFenceMs must be less than reassignAfterMs, so that a runner stops itself before the job is given away",
);

const siteToken = z.strictObject({
  site: z.string(),
  /** Names of runners; a `*` at the end stands for any text. */
  runners: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9-]*\*?$/, "must be a name, with or without a * at its end"))
    .min(1),
});
/** The site, and the runners, that a token represents. */
export type SiteToken = { readonly site: string; readonly runners?: readonly string[] };

export const agentConfig = z.strictObject({
  data: z.string(),
  /** Where tasks are stored: in a file of this agent, or in a Redis that several agents share. */
  journal: journalConfig,
  /** This agent among those that share a journal; letters, digits and `-_.`. Default: the name of the machine. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,60}$/)
    .optional(),
  /** Folder of the logs of steps. Default: `logs` in `data`. Agents that share a journal must share this folder as well. */
  logs: z.string().optional(),
  /** Folder of artifacts. Default: `artifacts` beside the folder of the logs, which agents that share a journal share. */
  artifacts: z.string().optional(),
  /**
   * Folder of the archive. Default: `archive` beside the folder of the logs. Agents that share a journal must share this
   * folder as well; each writes its own files there.
   */
  archive: z.string().optional(),
  /** How long ended tasks and logs are kept before they are archived. See docs/operations.md. */
  retention: retentionPolicy.prefault({}),
  host: z.string().default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(0),
  /** PEM files; without them the agent speaks plain HTTP. With `clientCa` runners need a certificate of that authority. */
  tls: mutualTlsConfig.optional(),
  /** Allow plain HTTP on addresses of other machines; otherwise such a host or address is refused. */
  allowPlainHttp: z.boolean().default(false),
  /**
   * File with the keys that seal secret parameters. Default: `seal-key` in `data`, which is made when it is missing. Agents
   * that share a journal need the same file.
   */
  sealKeyFile: z.string().min(1).optional(),
  /** Address of the portal, for links. */
  portalUrl: z.string(),
  /** Shared with portal-api and notify-agent. */
  token: z.string().min(16),
  /** With it, `/metrics` needs this token. */
  metricsToken: z.string().min(16).optional(),
  /**
   * Token of a site → the site. With `runners`, only runners of these names may register with it. Enrolled runners need no
   * token.
   */
  runnerTokens: z.record(z.string().min(16).meta({ secret: true }), z.union([z.string(), siteToken])).default({}),
  lease: z.strictObject({ strict: strictTimers, lenient: lenientTimers }).default({
    strict: { renewEveryMs: 15_000, renewWithinMs: 90_000, selfFenceMs: 60_000, reassignAfterMs: 120_000 },
    lenient: { renewEveryMs: 15_000, renewWithinMs: 90_000, selfFenceMs: 1_740_000, reassignAfterMs: 1_800_000 },
  }),
  /** A runner that has been silent for longer is offered nothing. */
  aliveMs: ms.default(40_000),
  /** How long an offer may be claimed. */
  offerMs: ms.default(15_000),
  /** How long a canceled job may take to stop before it is killed. */
  cancelGraceMs: ms.default(10_000),
  /** How much runners may send. */
  limits: limitsConfig.prefault({}),
  logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  /** Where every event of every task is published besides the feed over HTTP. See docs/events.md. */
  events: z.strictObject({ kafka: kafkaConfig.optional() }).default({}),
  /** Folder of pipeline files. Default: the files that Gantry ships. See docs/definitions.md. */
  pipelines: z.string().optional(),
  /**
   * A file in place of params.yaml of that folder, so that an installation can keep the pipelines that ship. It does not count
   * any more once definitions were read from git.
   */
  params: z.string().optional(),
  /** How often the templates of apps and the clusters of the sites are read. A person can ask in between. */
  templates: z
    .strictObject({
      every: z
        .string()
        .default("10m")
        .refine((text) => (parseDuration(text) ?? 0) >= MIN_READ_MS, "must be a duration of at least 1s, such as 10m"),
    })
    .prefault({}),
  /** Git repository of pipeline files. The folder counts only until it has been read for the first time. */
  definitions: definitionsConfig.optional(),
  /** Git hosts that cannot tell by a webhook what was pushed. See docs/webhooks.md. */
  polling: pollingConfig.prefault({}),
});
export type AgentConfigInput = z.input<typeof agentConfig>;
export type AgentConfig = z.output<typeof agentConfig>;

/** By token, the sender that it identifies. */
export function siteTokensOf({ runnerTokens }: Pick<AgentConfig, "runnerTokens">): readonly [string, SiteToken][] {
  return Object.entries(runnerTokens).map(([token, given]) => [
    token,
    typeof given === "string" ? { site: given } : given,
  ]);
}
