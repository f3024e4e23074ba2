// Messengers that accept a message as one JSON request: CUBE, Slack, Mattermost, Teams, Discord, and any other through a template.

import { isJsonObject, type JsonValue } from "@gantry/core/json.ts";
import type { Channel, ChannelTools, ChannelType, Message } from "@gantry/core/notify/channel.ts";
import { z } from "zod";
import { postTo, reachOf, receiver } from "../channel-post.ts";
import { cubeBody, discordBody, mattermostBody, slackBody, teamsBody } from "./presets.ts";
import { fillTemplate, placeholderValues, unknownPlaceholders } from "./template.ts";

const json = z.json();

export const messengerConfig = z.discriminatedUnion("preset", [
  z.strictObject({
    preset: z.literal("cube"),
    /** `url` is the whole address, e.g. `https://cube.example/api/multiMessage`. */
    ...receiver,
    account: z.string().min(1),
    token: z.string().min(1),
    /** Recipients when a rule names none. */
    people: z.array(z.string().min(1)).default([]),
    channels: z.array(z.string().min(1)).default([]),
  }),
  /** The address of an incoming webhook, which is bound to one channel. */
  z.strictObject({ preset: z.literal("slack"), ...receiver }),
  z.strictObject({
    preset: z.literal("mattermost"),
    ...receiver,
    channel: z.string().optional(),
    username: z.string().optional(),
  }),
  /** The address of a Workflows trigger. */
  z.strictObject({ preset: z.literal("teams"), ...receiver }),
  /** The address of a webhook, which is bound to one channel. `username`: shown in place of the name of the webhook. */
  z.strictObject({ preset: z.literal("discord"), ...receiver, username: z.string().min(1).max(80).optional() }),
  z.strictObject({
    preset: z.literal("template"),
    ...receiver,
    method: z.enum(["POST", "PUT"]).default("POST"),
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

function openMessenger(config: MessengerConfig, tools: ChannelTools): Channel {
  const body = (message: Message): JsonValue => bodyOf(config, message);
  const request = config.preset === "template" ? { method: config.method, headers: config.headers, body } : { body };
  const to = { ...config, secrets: secretsOf(config) };
  return { send: postTo(to, request, tools), check: reachOf(to, tools) };
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
    case "discord":
      return discordBody(message, { username: config.username });
    case "template":
      return fillTemplate(config.body, placeholderValues(message));
  }
}

/** Tokens in bodies and headers. The address is removed from problems anyway. */
function secretsOf(config: MessengerConfig): readonly string[] {
  if (config.preset === "cube") return [config.token];
  if (config.preset !== "template") return [];
  const words = [...Object.values(config.headers), ...textsOf(config.body)].flatMap((text) => text.split(/\s+/));
  return words.filter((word) => word.length >= 8 && !word.includes("{"));
}

function textsOf(value: JsonValue): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return isJsonObject(value) ? Object.values(value).flatMap(textsOf) : [];
}
