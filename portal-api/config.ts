// The portal's configuration: file < environment. Unknown keys are refused, and all problems are told at once.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { GantryError } from "@gantry/core/errors.ts";
import { problemsOf } from "@gantry/wire/problem.ts";
import { parse as parseYaml } from "yaml";
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

/** Environment variables and the place in the file that they stand for. Each also exists with `_FILE`. */
export const ENVIRONMENT = {
  GANTRY_PORTAL_HOST: ["host"],
  GANTRY_PORTAL_PORT: ["port"],
  GANTRY_PUBLIC_URL: ["publicUrl"],
  GANTRY_PORTAL_DATA: ["dataDir"],
  GANTRY_AGENT_URL: ["agent", "url"],
  GANTRY_AGENT_TOKEN: ["agent", "token"],
  GANTRY_NOTIFY_URL: ["notify", "url"],
  GANTRY_NOTIFY_TOKEN: ["notify", "token"],
  GANTRY_LOG_LEVEL: ["logLevel"],
} as const satisfies { readonly [name: string]: readonly string[] };

type Tree = { [key: string]: unknown };

/** Reads file (if any) and environment; throws `config-invalid` with every problem. */
export function readConfig(
  file: string | undefined,
  env: { readonly [name: string]: string | undefined },
): PortalConfig {
  const tree: Tree = file === undefined ? {} : readFile(file);
  for (const [name, path] of Object.entries(ENVIRONMENT)) {
    const value = readVariable(env, name);
    if (value !== undefined) put(tree, path, name.endsWith("_PORT") ? Number(value) : value);
  }
  return parseConfig(tree);
}

export function parseConfig(value: unknown): PortalConfig {
  const parsed = portalConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error);
  const problem = problems.map((one) => `${one.pointer}: ${one.detail}`).join(" ");
  throw new GantryError("config-invalid", { problem }, { problems });
}

function readFile(file: string): Tree {
  if (!existsSync(file)) throw new GantryError("config-invalid", { problem: `there is no file ${file}` });
  const parsed: unknown = parseYaml(readFileSync(file, "utf8"), { maxAliasCount: 20 });
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new GantryError("config-invalid", { problem: `${file} does not hold keys and values` });
  }
  return parsed as Tree;
}

function readVariable(env: { readonly [name: string]: string | undefined }, name: string): string | undefined {
  const file = env[`${name}_FILE`];
  if (file === undefined) return env[name];
  if (env[name] !== undefined)
    throw new GantryError("config-invalid", { problem: `${name} and ${name}_FILE are both set` });
  if (!existsSync(file)) throw new GantryError("config-invalid", { problem: `${name}_FILE names no file` });
  return readFileSync(file, "utf8").trim();
}

function put(tree: Tree, path: readonly string[], value: unknown): void {
  const [first = "", ...rest] = path;
  if (rest.length === 0) {
    tree[first] = value;
    return;
  }
  const below = tree[first];
  const branch: Tree = typeof below === "object" && below !== null ? (below as Tree) : {};
  tree[first] = branch;
  put(branch, rest, value);
}
