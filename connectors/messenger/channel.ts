// Messengers that accept a message as one JSON request: CUBE, Slack, Mattermost, Teams, and any other through a template.

import { explain, GantryError } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonValue } from "@gantry/core/json.ts";
import { createMasker } from "@gantry/core/mask/masker.ts";
import type { Channel, ChannelTools, ChannelType, Message } from "@gantry/core/notify/channel.ts";
import { connectionProblem } from "@gantry/core/system-error-words.ts";
import { trustingFetch } from "@gantry/runtime/http/trusting-fetch.ts";
import { z } from "zod";
import { tlsProblem } from "../certificate.ts";
import { type MessengerAnswer, readMessengerAnswer } from "./answer.ts";
import { cubeBody, mattermostBody, slackBody, teamsBody } from "./presets.ts";
import { fillTemplate, placeholderValues, unknownPlaceholders } from "./template.ts";

const url = z.url({ protocol: /^https?$/ });
const json: z.ZodType<JsonValue> = z.json();

const trust = {
  /** PEM file with certificates to trust besides the usual ones. */
  ca: z.string().min(1).optional(),
  /** Accepts any certificate: whoever is between here and the messenger can read the messages and the token. */
  insecureSkipVerify: z.boolean().optional(),
};

export const messengerConfig = z.discriminatedUnion("preset", [
  z.strictObject({
    preset: z.literal("cube"),
    /** The whole address, e.g. `https://cube.example/api/multiMessage`. */
    url,
    account: z.string().min(1),
    token: z.string().min(1),
    /** Recipients when a rule names none. */
    people: z.array(z.string().min(1)).default([]),
    channels: z.array(z.string().min(1)).default([]),
    ...trust,
  }),
  /** The address of an incoming webhook, which is bound to one channel. */
  z.strictObject({ preset: z.literal("slack"), url, ...trust }),
  z.strictObject({
    preset: z.literal("mattermost"),
    url,
    channel: z.string().optional(),
    username: z.string().optional(),
    ...trust,
  }),
  /** The address of a Workflows trigger. */
  z.strictObject({ preset: z.literal("teams"), url, ...trust }),
  z.strictObject({
    preset: z.literal("template"),
    ...trust,
    method: z.enum(["POST", "PUT"]).default("POST"),
    url,
    headers: z
      .record(
        z.string().regex(/^[A-Za-z0-9-]+$/),
        z.string().regex(/^[\t\x20-\x7e]*$/, "must have only ASCII characters"),
      )
      .default({}),
    body: json.refine((body) => unknownPlaceholders(body).length === 0, {
      error: ({ input }) => `there is no placeholder {${unknownPlaceholders(input as JsonValue).join("}, {")}}`,
    }),
  }),
]);
export type MessengerConfig = z.output<typeof messengerConfig>;

export const messengerChannel: ChannelType<MessengerConfig> = {
  kind: "messenger",
  config: messengerConfig,
  open: openMessenger,
};

const MAX_ANSWER = 65_536;

function openMessenger(config: MessengerConfig, tools: ChannelTools): Channel {
  const clean = cleanerOf(config);
  const { host } = new URL(config.url);
  const through = { fetch: trustingFetch(tools.fetch, `the messenger ${host}`, config) };
  return {
    send: async (message, signal) => {
      try {
        return readMessengerAnswer(await post(config, message, through, signal, clean), Date.now());
      } catch (error) {
        if (signal.aborted) return { kind: "retry", problem: "no answer in time" };
        if (error instanceof GantryError) return { kind: "retry", problem: clean(explain(error).why) };
        const untrusted = tlsProblem(error);
        const advice = `the certificate of ${host} is not trusted (${untrusted}): name its authority with ca:, or correct url:`;
        return { kind: "retry", problem: clean(untrusted === undefined ? connectionProblem(error) : advice) };
      }
    },
  };
}

/** Secrets are removed from the answer before it is truncated: half a secret could not be recognised. */
async function post(
  config: MessengerConfig,
  message: Message,
  tools: ChannelTools,
  signal: AbortSignal,
  clean: (text: string) => string,
): Promise<MessengerAnswer> {
  const response = await tools.fetch(config.url, {
    method: config.preset === "template" ? config.method : "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "gantry",
      // Lets receivers recognise a repeated message. Header values must be ASCII.
      "webhook-id": encodeURIComponent(message.key),
      ...(config.preset === "template" ? config.headers : {}),
    },
    body: JSON.stringify(bodyOf(config, message)),
    redirect: "manual",
    signal,
  });
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    text: clean(await readStart(response)),
    retryAfter: response.headers.get("retry-after"),
  };
}

function bodyOf(config: MessengerConfig, message: Message): JsonValue {
  switch (config.preset) {
    case "cube":
      return cubeBody(message, config);
    case "slack":
      return slackBody(message);
    case "mattermost":
      return mattermostBody(message, { channel: config.channel, username: config.username });
    case "teams":
      return teamsBody(message);
    case "template":
      return fillTemplate(config.body, placeholderValues(message));
  }
}

/** A webhook address is a secret as a whole; tokens are sent in bodies and headers and may be repeated in error texts. */
function cleanerOf(config: MessengerConfig): (text: string) => string {
  const { pathname, search } = new URL(config.url);
  const inBody = config.preset === "cube" ? [config.token] : [];
  const inTemplate = config.preset === "template" ? [...Object.values(config.headers), ...textsOf(config.body)] : [];
  const inAddress = [...pathname.split("/"), ...search.slice(1).split(/[&=]/)].filter((part) => part.length >= 8);
  const words = inTemplate
    .flatMap((text) => text.split(/\s+/))
    .filter((word) => word.length >= 8 && !word.includes("{"));
  const masker = createMasker();
  for (const secret of [config.url, ...inBody, ...inAddress, ...words]) masker.add(secret);
  return masker.text;
}

function textsOf(value: JsonValue): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return isJsonObject(value) ? Object.values(value).flatMap(textsOf) : [];
}

async function readStart(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= MAX_ANSWER) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER).toString("utf8");
}
