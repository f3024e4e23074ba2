// The configuration of a notify-agent: file < environment (GANTRY_NOTIFY_AGENT_…). Unknown keys are refused, and all
// problems are told at once.

import { readFileSync } from "node:fs";
import { GantryError, type Problem } from "@gantry/core/errors.ts";
import { type CompiledRule, compileRules, defaultRules } from "@gantry/core/notify/compile-rules.ts";
import { ruleSchema } from "@gantry/core/notify/rule.ts";
import { deliveryRetention } from "@gantry/core/retention/policy.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { problemsOf } from "@gantry/runtime/http/problem.ts";
import { type KafkaConfig, kafkaConfig, kafkaSettings } from "@gantry/wire/bus/kafka/config.ts";
import { z } from "zod";
import { CHANNEL_KINDS, type ReadyChannel } from "./channels.ts";
import { INBOX } from "./deliveries/delivery.ts";

const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ""));
/** A secret: the text itself, or where it is. */
const secret = z.union([z.string(), z.strictObject({ file: z.string() }), z.strictObject({ env: z.string() })]);
const MIN_TOKEN = 16;
const ms = z.int().min(10);
const HOUR = 3_600_000;

export const notifySchema = z.strictObject({
  /** Folder of the journal. */
  data: z.string().default(".data/notify"),
  host: z.string().default("127.0.0.1"),
  /** 0 takes a free one. */
  port: z.int().min(0).max(65_535).default(0),
  /** What portal-api shows this process. */
  token: secret,
  /** The task-agent whose feed is read. With `source` it is only asked for settings, and may be left out. */
  agent: z.strictObject({ url, token: secret }).optional(),
  /** Events from Kafka instead of the feed. Notify-agents with the same group share the tasks. docs/events.md. */
  source: z
    .strictObject({
      kafka: kafkaSettings(secret).extend({ group: z.string().min(1).max(200).default("gantry-notify") }),
    })
    .optional(),
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
  /** How long deliveries are kept before they leave for the archive. docs/operations.md. */
  retention: deliveryRetention.prefault({}),
  /** Folder of the archive; `archive` in `data` when absent. */
  archive: z.string().optional(),
});

export type NotifyConfigInput = z.input<typeof notifySchema>;
export type NotifyConfig = Omit<z.output<typeof notifySchema>, "channels" | "rules" | "token" | "agent" | "source"> & {
  readonly token: string;
  readonly source: EventSource;
  /** The task-agent, also where events come from Kafka: settings that are changed while it runs come from there. */
  readonly agent: Peer | undefined;
  readonly channels: ReadonlyMap<string, ReadyChannel>;
  readonly rules: readonly CompiledRule[];
};

export type Peer = { readonly url: string; readonly token: string };

/** Where events come from: the feed of a task-agent, or Kafka. */
export type EventSource =
  | { readonly kind: "feed"; readonly agent: Peer }
  | { readonly kind: "kafka"; readonly kafka: KafkaConfig; readonly group: string };

type Env = { readonly [name: string]: string | undefined };

/**
 * Checks a configuration completely: shape, secrets, every channel's settings, every rule. In tokens and anywhere in the
 * settings of a channel `{file: PATH}` or `{env: NAME}` stands for the text that is there. Throws `config-invalid`.
 */
export function parseConfig(input: NotifyConfigInput, env: Env): NotifyConfig {
  const parsed = notifySchema.safeParse(input);
  if (!parsed.success) throw configInvalid(problemsOf(parsed.error));
  const { agent: given, source: _, ...config } = parsed.data;
  const problems: Problem[] = [];
  const token = readToken(config.token, "/token", env, problems);
  const agent = given && { url: given.url, token: readToken(given.token, "/agent/token", env, problems) };
  const source = readEventSource(parsed.data, agent, env, problems);

  const channels = new Map<string, ReadyChannel>();
  for (const [name, settings] of Object.entries(config.channels)) {
    const channel = readChannel(name, settings, env, problems);
    if (channel) channels.set(name, channel);
  }
  const names = [INBOX, ...Object.keys(config.channels)];
  const compiled = compileRules(config.rules ?? defaultRules(names), names);
  problems.push(...compiled.problems);
  if (problems.length > 0 || source === undefined) throw configInvalid(problems);
  return { ...config, token, source, agent, channels, rules: compiled.rules };
}

function readEventSource(
  { source }: z.output<typeof notifySchema>,
  agent: Peer | undefined,
  env: Env,
  problems: Problem[],
): EventSource | undefined {
  if (source) {
    const { group, ...settings } = source.kafka;
    const kafka = kafkaConfig.safeParse(resolveSecrets(settings, "/source/kafka", env, problems));
    if (kafka.success) return { kind: "kafka", kafka: kafka.data, group };
    problems.push(...problemsOf(kafka.error, "/source/kafka"));
    return undefined;
  }
  if (agent) return { kind: "feed", agent };
  problems.push({ detail: "It is needed: events come from a task-agent, or from `source.kafka`.", pointer: "/agent" });
  return undefined;
}

function readToken(source: z.infer<typeof secret>, pointer: string, env: Env, problems: Problem[]): string {
  const before = problems.length;
  const value = resolveSecrets(source, pointer, env, problems);
  if (typeof value === "string" && value.length >= MIN_TOKEN) return value;
  if (problems.length === before) problems.push({ detail: `It must have at least ${MIN_TOKEN} characters.`, pointer });
  return "";
}

function readChannel(
  name: string,
  settings: { readonly kind: string },
  env: Env,
  problems: Problem[],
): ReadyChannel | undefined {
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
  const read = known.read(resolveSecrets(rest, pointer, env, problems));
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

function configInvalid(problems: readonly Problem[]): GantryError {
  const problem = problems.map((one) => (one.pointer ? `${one.pointer}: ${one.detail}` : one.detail)).join(" ");
  return new GantryError("config-invalid", { problem }, { problems });
}
