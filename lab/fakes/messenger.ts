// Fake messenger with five dialects: CUBE's multiMessage, and the webhooks of Slack, Mattermost, Teams and Discord. It also
// accepts any JSON at /any. It refuses what the real messengers refuse. Messages are kept on disk.
//
//   POST /cube/api/multiMessage              POST /slack/services/{team}/{bot}/{secret}
//   POST /mattermost/hooks/{key}             POST /teams/workflows/{id}/triggers/manual?sig=
//   POST /discord/api/webhooks/{id}/{token}
//   POST /any/{name}                         GET, DELETE /_lab/messages

import { isJsonObject, type JsonValue } from "@gantry/core/json.ts";
import type Koa from "koa";
import { Answer, type FakeServer, type FakeServerOptions, openState, readJson, serve } from "./fake-server.ts";

export type LabMessage = {
  readonly id: number;
  readonly at: string;
  readonly service: "cube" | "slack" | "mattermost" | "teams" | "discord" | "any";
  /** The webhook-id header, decoded: the key of the delivery. */
  readonly key: string;
  /** The recipients, if the body names them. */
  readonly to: readonly string[];
  /** What a person reads first. */
  readonly title: string;
  /** All texts of the message in their order. */
  readonly text: string;
  readonly body: JsonValue;
};

/** What the CUBE dialect accepts; every other account or token is refused. */
export const LAB_CUBE = { account: "gantry", token: "lab-cube-token" } as const;

type Content = Pick<LabMessage, "to" | "title" | "text">;

const SLACK_LIMITS = { blocks: 50, header: 150, section: 3_000, fields: 10, field: 2_000, total: 13_000 };
const MATTERMOST_TEXT = 16_383;
const TEAMS_BYTES = 28_672;
const DISCORD_LIMITS = {
  content: 2_000,
  title: 256,
  description: 4_096,
  fields: 25,
  name: 256,
  value: 1_024,
  total: 6_000,
};
const CARD = "application/vnd.microsoft.card.adaptive";
/** When there are more, the oldest are removed. */
const MAX_KEPT = 5_000;

export function startMessenger(options: FakeServerOptions): Promise<FakeServer> {
  const { state, save } = openState(options, () => ({ next: 1, messages: [] as LabMessage[] }));

  const keep = (ctx: Koa.Context, service: LabMessage["service"], body: JsonValue, content: Content): void => {
    const key = decodeURIComponent(ctx.get("webhook-id"));
    state.messages.push({ id: state.next, at: new Date().toISOString(), service, key, ...content, body });
    state.next += 1;
    if (state.messages.length > MAX_KEPT) state.messages.splice(0, state.messages.length - MAX_KEPT);
    save();
  };

  return serve(options, (router) => {
    router.get("/_lab/messages", (ctx) => {
      ctx.body = { items: state.messages };
    });
    router.delete("/_lab/messages", (ctx) => {
      state.messages.length = 0;
      save();
      ctx.status = 204;
    });

    router.post("/cube/api/multiMessage", async (ctx) => {
      const body = await readBody(ctx);
      keep(ctx, "cube", body, readCube(body));
      ctx.body = { result: "success" };
    });

    router.post("/slack/services/:team/:bot/:secret", async (ctx) => {
      const body = await readBody(ctx, () => new Answer(400, "invalid_payload"));
      keep(ctx, "slack", body, readSlack(body));
      ctx.body = "ok";
    });

    router.post("/mattermost/hooks/:key", async (ctx) => {
      const body = await readBody(ctx);
      keep(ctx, "mattermost", body, readMattermost(body));
      ctx.body = "ok";
    });

    router.post("/teams/workflows/:id/triggers/manual", async (ctx) => {
      const body = await readBody(ctx);
      keep(ctx, "teams", body, readTeams(body));
      ctx.status = 202;
    });

    router.post("/discord/api/webhooks/:id/:token", async (ctx) => {
      const body = await readBody(ctx, () => discordError(50_109, "The request body contains invalid JSON."));
      keep(ctx, "discord", body, readDiscord(body));
      ctx.status = 204;
    });

    router.all("/any/:name", async (ctx) => {
      const body = await readBody(ctx);
      keep(ctx, "any", body, { to: [], title: textsOf(body)[0] ?? "", text: textsOf(body).join("\n") });
      ctx.body = {};
    });
  });
}

async function readBody(
  ctx: Koa.Context,
  bad: () => Answer = () => new Answer(400, { message: "the body is not a JSON object" }),
): Promise<{ readonly [key: string]: JsonValue }> {
  const body = await readJson(ctx);
  if (!isJsonObject(body) || !ctx.get("content-type").includes("json")) throw bad();
  return body;
}

function readCube(body: { readonly [key: string]: JsonValue }): Content {
  const { uniqueName, token, uniqueNameList, channelList, msg } = body;
  if (uniqueName !== LAB_CUBE.account || token !== LAB_CUBE.token) {
    throw new Answer(401, { result: "fail", message: `unknown account or token ${String(token)}` });
  }
  const to = [...listOf(uniqueNameList), ...listOf(channelList).map((name) => `#${name}`)];
  if (typeof msg !== "string" || msg === "" || to.length === 0) {
    throw new Answer(400, { result: "fail", message: "msg and a receiver are required" });
  }
  return { to, title: msg.split("\n")[0] ?? "", text: msg };
}

function readSlack(body: { readonly [key: string]: JsonValue }): Content {
  const { text, blocks = [] } = body;
  if (typeof text !== "string" && !Array.isArray(blocks)) throw new Answer(400, "no_text");
  if (!Array.isArray(blocks) || blocks.length > SLACK_LIMITS.blocks) throw new Answer(400, "invalid_blocks");
  for (const block of blocks) if (!isSlackBlock(block)) throw new Answer(400, "invalid_blocks");
  const texts = textsOf(blocks);
  if (texts.join("").length > SLACK_LIMITS.total) throw new Answer(400, "msg_blocks_too_long");
  return { to: [], title: texts[0] ?? String(text), text: [text, ...texts].join("\n") };
}

function isSlackBlock(block: JsonValue): boolean {
  if (!isJsonObject(block)) return false;
  const fields = block.fields ?? [];
  if (block.type === "header") return textLength(block.text) > 0 && textLength(block.text) <= SLACK_LIMITS.header;
  if (block.type !== "section") return ["actions", "context", "divider"].includes(String(block.type));
  if (!Array.isArray(fields) || fields.length > SLACK_LIMITS.fields) return false;
  if (fields.some((field: JsonValue) => textLength(field) === 0 || textLength(field) > SLACK_LIMITS.field))
    return false;
  if (block.text === undefined) return fields.length > 0;
  return textLength(block.text) > 0 && textLength(block.text) <= SLACK_LIMITS.section;
}

/** Length of a text object; 0 when it is none, or empty, which Slack refuses alike. */
function textLength(value: JsonValue | undefined): number {
  if (!isJsonObject(value) || (value.type !== "plain_text" && value.type !== "mrkdwn")) return 0;
  return typeof value.text === "string" ? value.text.length : 0;
}

function readMattermost(body: { readonly [key: string]: JsonValue }): Content {
  const { text = "", attachments = [], channel } = body;
  const refuse = (id: string, message: string): Answer => new Answer(400, { id, message, status_code: 400 });
  if (typeof text !== "string" || !Array.isArray(attachments)) throw refuse("web.incoming_webhook.parse.app_error", "");
  if (text === "" && attachments.length === 0) throw refuse("web.incoming_webhook.text.app_error", "No text specified");
  const texts = [...(text === "" ? [] : [text]), ...textsOf(attachments)];
  if (texts.some((one) => one.length > MATTERMOST_TEXT)) {
    throw refuse("web.incoming_webhook.text.length.app_error", "Maximum text length is 16383 characters");
  }
  const [first] = attachments;
  const title = isJsonObject(first) && typeof first.title === "string" ? first.title : (texts[0] ?? "");
  return { to: typeof channel === "string" ? [channel] : [], title, text: texts.join("\n") };
}

function readTeams(body: { readonly [key: string]: JsonValue }): Content {
  if (Buffer.byteLength(JSON.stringify(body)) > TEAMS_BYTES)
    throw new Answer(413, { error: { code: "RequestTooLarge" } });
  const [attachment] = Array.isArray(body.attachments) ? body.attachments : [];
  const card: JsonValue | undefined = isJsonObject(attachment) ? attachment.content : undefined;
  const isCard = isJsonObject(attachment) && attachment.contentType === CARD && isJsonObject(card);
  if (body.type !== "message" || !isCard) throw new Answer(400, { error: { code: "TriggerInputSchemaMismatch" } });
  const texts = textsOf(card.body);
  return { to: [], title: texts[0] ?? "", text: texts.join("\n") };
}

function discordError(code: number, message: string): Answer {
  return new Answer(400, { code, message });
}

/** https://discord.com/developers/docs/resources/message#embed-object-embed-limits; texts are trimmed before they are measured. */
function readDiscord(body: { readonly [key: string]: JsonValue }): Content {
  const { content = "", embeds = [], username = "gantry" } = body;
  const invalid = (field: string): Answer => discordError(50_035, `Invalid Form Body: ${field}`);
  const texts: string[] = [];
  const read = (value: JsonValue | undefined, field: string, limit: number, least = 0): string => {
    const text = value === undefined ? "" : typeof value === "string" ? value.trim() : undefined;
    if (text === undefined || text.length < least || text.length > limit) throw invalid(field);
    texts.push(text);
    return text;
  };
  if (/discord|clyde/i.test(read(username, "username", 80, 1))) throw invalid("username");
  texts.length = 0;
  if (!Array.isArray(embeds) || embeds.length > 10) throw invalid("embeds");
  for (const embed of embeds) {
    if (!isJsonObject(embed)) throw invalid("embeds");
    const { title, description, fields = [] } = embed;
    read(title, "title", DISCORD_LIMITS.title);
    read(description, "description", DISCORD_LIMITS.description);
    if (!Array.isArray(fields) || fields.length > DISCORD_LIMITS.fields) throw invalid("fields");
    for (const field of fields) {
      if (!isJsonObject(field)) throw invalid("fields");
      read(field.name, "name", DISCORD_LIMITS.name, 1);
      read(field.value, "value", DISCORD_LIMITS.value, 1);
    }
  }
  if (texts.join("").length > DISCORD_LIMITS.total) throw invalid("embeds: the texts are too long in total");
  const said = read(content, "content", DISCORD_LIMITS.content);
  if (texts.every((text) => text === "")) throw discordError(50_006, "Cannot send an empty message");
  return { to: [], title: said || (texts[0] ?? ""), text: texts.join("\n") };
}

/** The values of `text`, `title`, `name`, `value`, `fallback` and `msg`, in reading order. */
function textsOf(value: JsonValue | undefined): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const isText = ["text", "title", "value", "name", "fallback", "msg"].includes(key);
    return typeof inner === "string" ? (isText ? [inner] : []) : textsOf(inner);
  });
}

function listOf(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
