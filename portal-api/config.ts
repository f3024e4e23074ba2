// The configuration of the portal: file < environment (GANTRY_PORTAL_API_…) < flags. Unknown keys are refused.

import { fileURLToPath } from "node:url";
import { GantryError } from "@gantry/core/errors.ts";
import { problemsOf } from "@gantry/runtime/http/problem.ts";
import { z } from "zod";

const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ""));
const peer = z.strictObject({ url, token: z.string().min(16, "at least 16 characters") });

export const portalConfig = z.strictObject({
  host: z.string().default("127.0.0.1"),
  /** 0 takes a free one. */
  port: z.int().min(0).max(65_535).default(3000),
  /** The address people use; default: the one it listens on. With https the session cookie is Secure. */
  publicUrl: url.optional(),
  /** Folder of the portal's journal and of `admin-token`. */
  dataDir: z.string().default(".data/portal"),
  agent: peer,
  notify: peer.optional(),
  /** Folder with the built console. */
  console: z.string().default(fileURLToPath(new URL("../console/dist", import.meta.url))),
  sessionHours: z.number().positive().max(720).default(12),
  logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  live: z
    .strictObject({
      pingMs: z.int().min(10).default(15_000),
      /** How often the caller of an open stream is authorised again. */
      recheckMs: z.int().min(10).default(30_000),
      /** What browsers wait before they connect again. */
      retryMs: z.int().min(10).default(3_000),
      /** Events kept in memory for all streams together. */
      keep: z.int().min(1).default(10_000),
      /** A client that is further behind than this starts anew instead of reading everything. */
      replay: z.int().min(1).default(50_000),
    })
    .prefault({}),
});
export type PortalConfig = z.output<typeof portalConfig>;
export type PortalConfigInput = z.input<typeof portalConfig>;

/** The whole configuration with its defaults; throws `config-invalid` with every problem, and no value. */
export function parseConfig(value: PortalConfigInput): PortalConfig {
  const parsed = portalConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error);
  const problem = problems.map((one) => `${one.pointer}: ${one.detail}`).join(" ");
  throw new GantryError("config-invalid", { problem }, { problems });
}
