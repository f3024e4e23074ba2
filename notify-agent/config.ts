// The configuration of a notify-agent: file < environment. Unknown keys are refused, and all problems are told at once.

import { readFileSync } from "node:fs";
import { GantryError, type Problem } from "@gantry/core/errors.ts";
import { isJsonObject } from "@gantry/core/json.ts";
import { type CompiledRule, compileRules, defaultRules } from "@gantry/core/notify/compile-rules.ts";
import { ruleSchema } from "@gantry/core/notify/rule.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { problemsOf } from "@gantry/wire/problem.ts";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { CHANNEL_KINDS, type ReadyChannel } from "./channels.ts";
import { INBOX } from "./delivery.ts";

const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ""));
const token = z.string().min(16, "at least 16 characters");
const ms = z.int().min(10);
const HOUR = 3_600_000;

const notifySchema = z.strictObject({
  /** Folder of the journal. */
  data: z.string().default(".data/notify"),
  host: z.string().default("127.0.0.1"),
  /** 0 takes a free one. */
  port: z.int().min(0).max(65_535).default(0),
  /** What portal-api shows this process. */
  token,
  /** The task-agent whose feed is read. */
  agent: z.strictObject({ url, token }),
  /** Completes addresses of tasks that have no host. */
  portalUrl: url.optional(),
  logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  /** Name → kind and its settings. The channel `inbox` is always there. */
  channels: z
    .record(
      z
        .string()
        .regex(/^[a-z][a-z0-9-]*$/)
        .max(63),
      z.looseObject({ kind: z.string() }),
    )
    .default({}),
  /** Default: every ended task, every held job, every new app, on all channels. */
  rules: z.array(ruleSchema).max(200).optional(),
  delivery: z
    .strictObject({
      firstRetryMs: ms.default(2_000),
      maxRetryMs: ms.default(15 * 60_000),
      maxTries: z.int().min(1).default(500),
      /** Also the age beyond which an event is no news. */
      giveUpAfterMs: ms.default(72 * HOUR),
      sendMs: ms.default(30_000),
    })
    .prefault({}),
});

export type NotifyConfigInput = z.input<typeof notifySchema>;
export type NotifyConfig = Omit<z.output<typeof notifySchema>, "channels" | "rules"> & {
  readonly channels: ReadonlyMap<string, ReadyChannel>;
  readonly rules: readonly CompiledRule[];
};

type Env = { readonly [name: string]: string | undefined };

/** Environment variables and the place in the file that they stand for. Each also exists with `_FILE`. */
export const ENVIRONMENT = {
  GANTRY_NOTIFY_HOST: ["host"],
  GANTRY_NOTIFY_PORT: ["port"],
  GANTRY_NOTIFY_TOKEN: ["token"],
  GANTRY_NOTIFY_DATA: ["data"],
  GANTRY_AGENT_URL: ["agent", "url"],
  GANTRY_AGENT_TOKEN: ["agent", "token"],
  GANTRY_PUBLIC_URL: ["portalUrl"],
  GANTRY_LOG_LEVEL: ["logLevel"],
} as const satisfies { readonly [name: string]: readonly [string, string?] };

/** Reads the file (YAML or JSON, if any) and the environment. Throws `config-invalid` with every problem. */
export function readConfig(file: string | undefined, env: Env): NotifyConfig {
  const problems: Problem[] = [];
  const tree: { [key: string]: unknown } = file === undefined ? {} : readTree(file);
  for (const [name, [first, second]] of Object.entries(ENVIRONMENT)) {
    const value = readVariable(env, name, problems);
    if (value === undefined) continue;
    if (second === undefined) tree[first] = name.endsWith("_PORT") ? Number(value) : value;
    else tree[first] = { ...(isJsonObject(tree[first]) ? tree[first] : {}), [second]: value };
  }
  return parseConfig(tree, env, problems);
}

/**
 * Checks a configuration completely: shape, secrets, every channel's settings, every rule. Wherever a text is expected a
 * secret may stand as `{file: PATH}` or `{env: NAME}`.
 */
export function parseConfig(value: unknown, env: Env, earlier: readonly Problem[] = []): NotifyConfig {
  const problems: Problem[] = [...earlier];
  const parsed = notifySchema.safeParse(resolveSecrets(value, "", env, problems));
  if (!parsed.success) throw configInvalid([...problems, ...problemsOf(parsed.error)]);

  const channels = new Map<string, ReadyChannel>();
  for (const [name, settings] of Object.entries(parsed.data.channels)) {
    const channel = readChannel(name, settings, problems);
    if (channel) channels.set(name, channel);
  }
  const names = [INBOX, ...Object.keys(parsed.data.channels)];
  const compiled = compileRules(parsed.data.rules ?? defaultRules(names), names);
  problems.push(...compiled.problems);
  if (problems.length > 0) throw configInvalid(problems);
  return { ...parsed.data, channels, rules: compiled.rules };
}

function readChannel(name: string, settings: { readonly kind: string }, problems: Problem[]): ReadyChannel | undefined {
  const pointer = `/channels/${name}`;
  const { kind, ...rest } = settings;
  if (name === INBOX) {
    problems.push({ detail: "The channel inbox is built in and needs no settings.", pointer });
    return undefined;
  }
  const known = CHANNEL_KINDS.find((one) => one.kind === kind);
  if (!known) {
    const kinds = CHANNEL_KINDS.map((one) => one.kind);
    const detail = `There is no kind of channel ${kind}${didYouMean(kind, kinds)}; there are ${kinds.join(", ")}.`;
    problems.push({ detail, pointer: `${pointer}/kind` });
    return undefined;
  }
  const read = known.read(rest);
  if (read.ok) return read.channel;
  problems.push(...problemsOf(read.error, pointer));
  return undefined;
}

function resolveSecrets(value: unknown, pointer: string, env: Env, problems: Problem[]): unknown {
  if (Array.isArray(value)) return value.map((item, at) => resolveSecrets(item, `${pointer}/${at}`, env, problems));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only && typeof only[1] === "string") {
    const [source, name] = only;
    if (source === "file") return readSecretFile(name, pointer, problems);
    if (source === "env") {
      if (env[name] === undefined) problems.push({ detail: `The variable ${name} is not set.`, pointer });
      return env[name] ?? "";
    }
  }
  return Object.fromEntries(
    entries.map(([key, inner]) => [key, resolveSecrets(inner, `${pointer}/${key}`, env, problems)]),
  );
}

function readSecretFile(file: string, pointer: string, problems: Problem[]): string {
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    problems.push({ detail: `The file ${file} cannot be read (${code}).`, pointer });
    return "";
  }
}

function readTree(file: string): { [key: string]: unknown } {
  try {
    const parsed: unknown = parseYaml(readFileSync(file, "utf8"), { maxAliasCount: 20 });
    if (isJsonObject(parsed)) return { ...parsed };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw configInvalid([{ detail: `The file ${file} cannot be read: ${reason}`, pointer: "" }]);
  }
  throw configInvalid([{ detail: `The file ${file} does not hold keys and values.`, pointer: "" }]);
}

function readVariable(env: Env, name: string, problems: Problem[]): string | undefined {
  const file = env[`${name}_FILE`];
  if (file === undefined) return env[name];
  if (env[name] !== undefined) problems.push({ detail: `${name} and ${name}_FILE are both set.` });
  return readSecretFile(file, name, problems);
}

function configInvalid(problems: readonly Problem[]): GantryError {
  const problem = problems.map((one) => (one.pointer ? `${one.pointer}: ${one.detail}` : one.detail)).join(" ");
  return new GantryError("config-invalid", { problem }, { problems });
}
