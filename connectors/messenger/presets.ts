// Renders one message in the format of each messenger. Pure. Limits and formats are those of the published documents (see
// README.md). Every text is truncated to stay below the limits, because a message that is too long is refused as a whole.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { linksOf, type Message } from "@gantry/core/notify/channel.ts";
import type { State } from "@gantry/core/task/states.ts";
import { truncate, truncateEscaped } from "@gantry/core/truncate.ts";
import {
  escapeCard,
  escapeDiscord,
  escapeMattermost,
  escapeMentions,
  escapePlain,
  escapeSlack,
  ZERO_WIDTH_SPACE,
} from "./escape.ts";

/** Slack refuses a message of more than about 13,000 characters in total, with an undocumented error. */
const SLACK_TOTAL = 10_000;
const SLACK_SECTION = 3_000;
const SLACK_HEADER = 150;
const SLACK_FIELDS = 10;
const MATTERMOST_TEXT = 16_383;
/** Teams refuses 28,672 bytes; this leaves room for what the service adds. */
const TEAMS_BYTES = 21_000;
const CUBE_TEXT = 4_000;
/** Discord refuses more in one message: title, text, names and values of fields together. */
const DISCORD_TOTAL = 6_000;
const DISCORD_TITLE = 256;
const DISCORD_TEXT = 3_000;
const DISCORD_NAME = 100;
const FACT = 500;
const MAX_FACTS = 20;

const COLORS: { readonly [S in State]: string } = {
  queued: "#8a8f98",
  waiting: "#c98a00",
  running: "#2f6fdf",
  finalizing: "#2f6fdf",
  held: "#7a4fd0",
  succeeded: "#2e8b57",
  failed: "#c62f3b",
  errored: "#d9701e",
  "timed-out": "#c62f3b",
  canceled: "#8a8f98",
  skipped: "#8a8f98",
};

const CARD_COLORS: { readonly [S in State]: "Default" | "Good" | "Attention" | "Warning" | "Accent" } = {
  queued: "Default",
  waiting: "Warning",
  running: "Accent",
  finalizing: "Accent",
  held: "Accent",
  succeeded: "Good",
  failed: "Attention",
  errored: "Warning",
  "timed-out": "Attention",
  canceled: "Default",
  skipped: "Default",
};

/** Texts in blocks have the type plain_text, in which Slack reads no markup. */
export function slackBody(message: Message): JsonObject {
  const text = truncateEscaped(message.text, SLACK_SECTION, escapeSlack);
  const links = linksOf(message);
  const facts = message.facts.slice(0, SLACK_FIELDS).map(([name, value]) => `${name}: ${value}`);
  const room = SLACK_TOTAL - text.length - 2 * SLACK_HEADER;
  const each = Math.min(FACT, Math.floor(room / Math.max(1, facts.length)));
  const blocks: JsonValue[] = [
    { type: "header", text: slackText(truncateEscaped(message.title, SLACK_HEADER, escapeSlack)) },
    ...(text === "" ? [] : [{ type: "section", text: slackText(text) }]),
    ...(facts.length === 0
      ? []
      : [{ type: "section", fields: facts.map((fact) => slackText(truncateEscaped(fact, each, escapeSlack))) }]),
    ...(links.length === 0
      ? []
      : [
          {
            type: "actions",
            elements: links.map(({ label, url }) => ({
              type: "button",
              text: slackText(truncateEscaped(label, 75, escapeSlack)),
              url,
            })),
          },
        ]),
  ];
  return { text: truncateEscaped(message.title, SLACK_HEADER, escapeSlack), blocks };
}

export function mattermostBody(
  message: Message,
  options: { readonly channel: string | undefined; readonly username: string | undefined },
): JsonObject {
  const channel = message.to ?? options.channel;
  return {
    ...(channel === undefined ? {} : { channel }),
    ...(options.username === undefined ? {} : { username: options.username }),
    attachments: [
      {
        fallback: truncateEscaped(message.title, 500, escapeMentions),
        color: COLORS[message.state],
        // Mattermost shows a title with a link verbatim, and reads Markdown in a title without one.
        ...(message.link
          ? { title: truncateEscaped(message.title, 500, escapeMentions), title_link: message.link.url }
          : { title: truncateEscaped(message.title, 500, escapeMattermost) }),
        text: `${truncateEscaped(message.text, MATTERMOST_TEXT / 2, escapeMattermost)}${linksInMarkdown(message, escapeMattermost)}`,
        fields: message.facts.slice(0, MAX_FACTS).map(([name, value]) => ({
          title: truncateEscaped(name, 100, escapeMattermost),
          value: truncateEscaped(value, FACT, escapeMattermost),
          short: value.length <= 40,
        })),
      },
    ],
  };
}

/** One embed. `allowed_mentions` makes Discord notify nobody, whatever the texts are. It refuses fields without a text. */
export function discordBody(message: Message, options: { readonly username: string | undefined }): JsonObject {
  const title = truncateEscaped(message.title, DISCORD_TITLE, escapeDiscord);
  const links = linksInMarkdown(message, escapeDiscord);
  const text = `${truncateEscaped(message.text, DISCORD_TEXT - links.length, escapeDiscord)}${links}`;
  const facts = message.facts.slice(0, MAX_FACTS);
  const room = Math.floor((DISCORD_TOTAL - title.length - text.length) / Math.max(1, facts.length)) - DISCORD_NAME;
  return {
    ...(options.username === undefined ? {} : { username: options.username }),
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title: visible(title),
        ...(message.link ? { url: message.link.url } : {}),
        ...(text === "" ? {} : { description: text }),
        color: Number.parseInt(COLORS[message.state].slice(1), 16),
        timestamp: message.at.toISOString(),
        fields: facts.map(([name, value]) => ({
          name: visible(truncateEscaped(name, DISCORD_NAME, escapeDiscord)),
          value: visible(truncateEscaped(value, Math.min(FACT, room), escapeDiscord)),
          inline: value.length <= 40,
        })),
      },
    ],
  };
}

function visible(text: string): string {
  return text.trim() === "" ? ZERO_WIDTH_SPACE : text;
}

/** Addresses of the portal: their parts are encoded. */
function linksInMarkdown({ actions = [] }: Message, escapeText: (text: string) => string): string {
  const links = actions.map(
    ({ label, url }) => `[${escapeText(label)}](${url.replaceAll("(", "%28").replaceAll(")", "%29")})`,
  );
  return links.length === 0 ? "" : `\n\n${links.join(" · ")}`;
}

/** An Adaptive Card for a Workflows address. Title and text are TextRuns, in which no markup is read. */
export function teamsBody(message: Message): JsonObject {
  for (let length = 4_000, facts = MAX_FACTS; ; length = Math.floor(length / 2), facts = Math.ceil(facts / 2)) {
    const body = teamsCard(message, length, facts);
    if (length < 100 || Buffer.byteLength(JSON.stringify(body)) <= TEAMS_BYTES) return body;
  }
}

/**
 * Plain text to people and channels. `to` is a comma-separated list; a name that begins with # is a channel. The field
 * names come from public code of third parties: the messenger has no public documentation, see README.md.
 */
export function cubeBody(
  message: Message,
  account: {
    readonly account: string;
    readonly token: string;
    readonly people: readonly string[];
    readonly channels: readonly string[];
  },
): JsonObject {
  const named = message.to?.split(",").map((name) => name.trim());
  const people = named?.filter((name) => name !== "" && !name.startsWith("#")) ?? account.people;
  const channels = named?.filter((name) => name.startsWith("#")).map((name) => name.slice(1)) ?? account.channels;
  const lines = [
    message.title,
    message.text,
    ...message.facts.slice(0, MAX_FACTS).map(([name, value]) => `${name}: ${truncate(value, FACT)}`),
  ];
  const actions = message.actions?.map(({ label, url }) => `\n${label}: ${url}`).join("") ?? "";
  const link = `${actions}${message.link ? `\n${message.link.url}` : ""}`;
  const text = truncateEscaped(lines.filter((line) => line !== "").join("\n"), CUBE_TEXT - link.length, escapePlain);
  return {
    uniqueName: account.account,
    token: account.token,
    uniqueNameList: [...people],
    channelList: [...channels],
    msg: text + link,
  };
}

function slackText(text: string): JsonObject {
  return { type: "plain_text", text, emoji: false };
}

function teamsCard(message: Message, length: number, facts: number): JsonObject {
  const run = (text: string, look: JsonObject): JsonObject => ({
    type: "RichTextBlock",
    inlines: [{ type: "TextRun", text, ...look }],
  });
  const title = run(truncateEscaped(message.title, 300, escapePlain), {
    weight: "Bolder",
    size: "Medium",
    color: CARD_COLORS[message.state],
  });
  const card = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    fallbackText: truncateEscaped(message.title, 300, escapeCard),
    body: [
      title,
      ...(message.text === "" ? [] : [run(truncateEscaped(message.text, length, escapePlain), {})]),
      {
        type: "FactSet",
        facts: message.facts.slice(0, facts).map(([name, value]) => ({
          title: truncateEscaped(name, 100, escapeCard),
          value: truncateEscaped(value, Math.min(FACT, length), escapeCard),
        })),
      },
    ],
    actions: linksOf(message).map(({ label, url }) => ({
      type: "Action.OpenUrl",
      title: truncate(label, 75),
      url,
    })),
  };
  return {
    type: "message",
    attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", contentUrl: null, content: card }],
  };
}
