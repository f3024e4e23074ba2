// The configuration of a notify-agent: the environment (GANTRY_NOTIFY_AGENT_…) overrides the file. Unknown keys are errors,
// and all problems are reported together.

import { readFileSync } from "node:fs";
import { GantryError, type Problem } from "@gantry/core/errors.ts";
import { type CompiledRule, compileRules, defaultRules } from "@gantry/core/notify/compile-rules.ts";
import { ruleSchema } from "@gantry/core/notify/rule.ts";
import { deliveryRetention } from "@gantry/core/retention/policy.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { clientTlsConfig } from "@gantry/runtime/http/client-tls.ts";
import { problemsOf } from "@gantry/runtime/http/problem.ts";
import { serverTlsConfig } from "@gantry/runtime/http/server-tls.ts";
import { type KafkaConfig, kafkaConfig, kafkaSettings } from "@gantry/wire/bus/kafka/config.ts";
import { z } from "zod";
import { CALLBACKS, CHANNEL_KINDS, type ChannelKind, type ReadyChannel } from "./channels.ts";
import { CALLBACK, INBOX } from "./deliveries/delivery.ts";

const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ""));
/** A secret: the text itself, or the file or variable that contains it. */
const secret = z.union(
  [z.string(), z.strictObject({ file: z.string() }), z.strictObject({ env: z.string() })],
  "text, or a map with `file` or `env`",
);
const MIN_TOKEN = 16;
const ms = z.int().min(10);
const HOUR = 3_600_000;

export const notifySchema = z.strictObject({
  /** The folder of the journal. */
  data: z.string().default(".data/notify"),
  host: z.string().default("127.0.0.1"),
  /** 0 selects a free port. */
  port: z.int().min(0).max(65_535).default(0),
  /** PEM files; without them the agent speaks plain HTTP. */
  tls: serverTlsConfig.optional(),
  /** Allow plain HTTP on addresses of other machines; otherwise such a host or address is refused. */
  allowPlainHttp: z.boolean().default(false),
  /** The token with which portal-api authenticates. */
  token: secret,
  /** With it, `/metrics` needs this token. */
  metricsToken: secret.optional(),
  /** The task-agent whose feed is read. With `source` it provides only the live settings, and is optional. */
  agent: z
    .strictObject({
      url,
      token: secret,
      /** PEM file: the authority of its certificate. */
      ca: clientTlsConfig.ca,
    })
    .optional(),
  /** Reads events from Kafka instead of the feed. Notify-agents of one group share the tasks. See docs/events.md. */
  source: z
    .strictObject({
      kafka: kafkaSettings(secret).extend({ group: z.string().min(1).max(200).default("gantry-notify") }),
    })
    .optional(),
  /** The base of task addresses that have no host. */
  portalUrl: url.optional(),
  logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  /** The channels by name: their kind and its settings. The channel `inbox` always exists. */
  channels: z
    .record(
      z
        .string()
        .regex(/^[a-z][a-z0-9-]*$/)
        .max(63),
      z.looseObject({ kind: z.string() }),
    )
    .default({}),
  /** Lets tasks tell addresses of their end: who may be told, and the key of the signatures. Default: nobody is told. */
  callbacks: z.looseObject({}).optional(),
  /** Default: every ended task, every held job and every new app, on all channels. */
  rules: z.array(ruleSchema).max(200).optional(),
  /** Take the rules from the folder `rules` of the definitions in force instead. See docs/definitions.md. */
  rulesFromDefinitions: z.boolean().default(false),
  /** How often the task-agent is asked for them, in ms. */
  rulesPollMs: ms.default(5_000),
  delivery: z
    .strictObject({
      firstRetryMs: ms.default(2_000),
      maxRetryMs: ms.default(15 * 60_000),
      maxTries: z.int().min(1).default(500),
      /** Also the age from which on events are ignored. */
      giveUpAfterMs: ms.default(72 * HOUR),
      sendMs: ms.default(30_000),
    })
    .prefault({}),
  /** How long deliveries stay in the journal before they move to the archive. See docs/operations.md. */
  retention: deliveryRetention.prefault({}),
  /** The folder of the archive. Default: `archive` in `data`. */
  archive: z.string().optional(),
});

export type NotifyConfigInput = z.input<typeof notifySchema>;
export type NotifyConfig = Omit<
  z.output<typeof notifySchema>,
  "channels" | "rules" | "token" | "metricsToken" | "agent" | "source"
> & {
  readonly token: string;
  readonly metricsToken: string | undefined;
  readonly source: EventSource;
  /** The task-agent that provides the live settings, also when events come from Kafka. */
  readonly agent: Peer | undefined;
  readonly channels: ReadonlyMap<string, ReadyChannel>;
  readonly rules: readonly CompiledRule[];
};

export type Peer = { readonly url: string; readonly token: string; readonly ca?: string };

/** Where events come from: the feed of a task-agent, or Kafka. */
export type EventSource =
  | { readonly kind: "feed"; readonly agent: Peer }
  | { readonly kind: "kafka"; readonly kafka: KafkaConfig; readonly group: string };

type Env = { readonly [name: string]: string | undefined };

/**
 * Validates a whole configuration: structure, secrets, the settings of every channel, every rule. `{file: PATH}` and
 * `{env: NAME}` are replaced by their text, in tokens and anywhere in the settings of a channel. Throws `config-invalid`
 * with all problems.
 */
export function parseConfig(input: NotifyConfigInput, env: Env): NotifyConfig {
  const parsed = notifySchema.safeParse(input);
  if (!parsed.success) throw configInvalid(problemsOf(parsed.error, input));
  const { agent: given, source: _, ...config } = parsed.data;
  const problems: Problem[] = [];
  const token = readToken(config.token, "/token", env, problems);
  const metricsToken = config.metricsToken && readToken(config.metricsToken, "/metricsToken", env, problems);
  const agent = given && {
    url: given.url,
    token: readToken(given.token, "/agent/token", env, problems),
    ...(given.ca === undefined ? {} : { ca: given.ca }),
  };
  const source = readEventSource(parsed.data, agent, env, problems);

  const channels = new Map<string, ReadyChannel>();
  const callbacks = config.callbacks && readSettings(CALLBACKS, config.callbacks, "/callbacks", env, problems);
  if (callbacks) channels.set(CALLBACK, callbacks);
  for (const [name, settings] of Object.entries(config.channels)) {
    const channel = readChannel(name, settings, env, problems);
    if (channel) channels.set(name, channel);
  }
  if (config.rulesFromDefinitions) problems.push(...followingProblems(parsed.data));
  const names = [INBOX, ...Object.keys(config.channels)];
  const compiled = compileRules(config.rules ?? defaultRules(names), names);
  problems.push(...compiled.problems);
  if (problems.length > 0 || source === undefined) throw configInvalid(problems);
  return { ...config, token, metricsToken, source, agent, channels, rules: compiled.rules };
}

function followingProblems({ rules, agent }: z.output<typeof notifySchema>): readonly Problem[] {
  const problems: Problem[] = [];
  const twice = "`rules` and `rulesFromDefinitions` are both given: remove one of them.";
  if (rules) problems.push({ detail: twice, pointer: "/rules" });
  const absent = "`rulesFromDefinitions` reads the rules from the task-agent: give its address in `agent`.";
  if (!agent) problems.push({ detail: absent, pointer: "/agent" });
  return problems;
}

function readEventSource(
  { source }: z.output<typeof notifySchema>,
  agent: Peer | undefined,
  env: Env,
  problems: Problem[],
): EventSource | undefined {
  if (source) {
    const { group, ...settings } = source.kafka;
    const given = resolveSecrets(settings, "/source/kafka", env, problems);
    const kafka = kafkaConfig.safeParse(given);
    if (kafka.success) return { kind: "kafka", kafka: kafka.data, group };
    problems.push(...problemsOf(kafka.error, given, "/source/kafka"));
    return undefined;
  }
  if (agent) return { kind: "feed", agent };
  problems.push({
    detail: "An event source is missing: set `agent` (a task-agent) or `source.kafka`.",
    pointer: "/agent",
  });
  return undefined;
}

function readToken(source: z.infer<typeof secret>, pointer: string, env: Env, problems: Problem[]): string {
  const before = problems.length;
  const value = resolveSecrets(source, pointer, env, problems);
  if (typeof value === "string" && value.length >= MIN_TOKEN) return value;
  if (problems.length === before)
    problems.push({ detail: `The token must have at least ${MIN_TOKEN} characters.`, pointer });
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
  if (name === INBOX || name === CALLBACK) {
    const instead = name === CALLBACK ? ": use `callbacks`" : "";
    problems.push({ detail: `The channel ${name} is built in and cannot be configured${instead}.`, pointer });
    return undefined;
  }
  const known = CHANNEL_KINDS.find((one) => one.kind === kind);
  if (!known) {
    const kinds = CHANNEL_KINDS.map((one) => one.kind);
    const detail = `Unknown kind of channel ${kind}${didYouMean(kind, kinds)}. The kinds are ${kinds.join(", ")}.`;
    problems.push({ detail, pointer: `${pointer}/kind` });
    return undefined;
  }
  return readSettings(known, rest, pointer, env, problems);
}

function readSettings(
  kind: ChannelKind,
  settings: object,
  pointer: string,
  env: Env,
  problems: Problem[],
): ReadyChannel | undefined {
  const given = resolveSecrets(settings, pointer, env, problems);
  const read = kind.read(given);
  if (read.ok) return read.channel;
  problems.push(...problemsOf(read.error, given, pointer));
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
    problems.push({ detail: `The file ${file} cannot be read: ${fileProblem(error)}.`, pointer });
    return "";
  }
}

function configInvalid(problems: readonly Problem[]): GantryError {
  const problem = problems.map((one) => (one.pointer ? `${one.pointer}: ${one.detail}` : one.detail)).join(" ");
  return new GantryError("config-invalid", { problem }, { problems });
}
