import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@gantry/core/json.ts";
import type { Message } from "@gantry/core/notify/channel.ts";
import type { MessengerConfig } from "./channel.ts";
import { cubeBody, discordBody, mattermostBody, slackBody, teamsBody } from "./presets.ts";
import { placeholderValues } from "./template.ts";

const ACCOUNT = { account: "gantry", token: "t", people: ["1"], channels: [] };
const BODIES: Readonly<Record<MessengerConfig["preset"], (message: Message) => JsonValue>> = {
  cube: (message) => cubeBody(message, ACCOUNT),
  slack: slackBody,
  mattermost: (message) => mattermostBody(message, { channel: undefined, username: undefined }),
  teams: teamsBody,
  discord: (message) => discordBody(message, { username: undefined }),
  template: placeholderValues,
};

function withText(text: string): Message {
  const [key, thread, at] = ["k", "t", new Date(0)];
  const link = { label: text, url: "https://portal.example/tasks/1" };
  return { key, thread, to: undefined, state: "failed", title: text, text, facts: [[text, text]], link, at };
}

function textsOf(value: JsonValue): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

/** Each is repeated until every limit of every messenger is passed, at three offsets. */
const PIECES = ["<", "&", ">", "🚀", "\u{20000}", "👨‍👩‍👧", "🇰🇷", "_", "\\", "](", "@all", "*`", "é"];

for (const [preset, render] of Object.entries(BODIES)) {
  test(`${preset}: no limit cuts a character, an entity or a backslash escape`, () => {
    for (const piece of PIECES) {
      for (const before of ["", "y", "yy"]) {
        const texts = textsOf(render(withText(before + piece.repeat(20_000 / piece.length))));
        for (const text of texts) {
          assert.ok(text.isWellFormed(), `${piece}: ${text.slice(-8)}`);
          if (preset === "slack") assert.doesNotMatch(text, /&(?!(amp|lt|gt);)/, piece);
          // Fallback and linked title are shown verbatim; only the long text is Markdown.
          if (preset === "discord") assert.doesNotMatch(text, /(?<!\\)(\\\\)*\\…$/, piece);
          if (preset === "mattermost" && text.length > 500) assert.doesNotMatch(text, /(?<!\\)(\\\\)*\\…$/, piece);
          if (/\p{Extended_Pictographic}|\u{20000}/u.test(piece) && text.endsWith("…")) {
            assert.ok(text.slice(before.length, -1).replaceAll(piece, "") === "", `${piece}: ${text.slice(-12)}`);
          }
        }
      }
    }
  });
}

for (const [preset, render] of Object.entries(BODIES).filter(([name]) => name !== "template"))
  test(`${preset}: what the reader can do is shown beside the link`, () => {
    const url = "https://portal.example/tasks/1/answer/deploy%5Ba(b)%5D?plan=sha256%3A1&answer=approve";
    const actions = [{ label: "Approve", url }];
    const texts = textsOf(render({ ...withText("Ship it?"), actions })).join("\n");
    assert.ok(texts.includes("Approve"));
    assert.ok(texts.includes(["mattermost", "discord"].includes(preset) ? url.replace("(b)", "%28b%29") : url), texts);
    assert.ok(texts.includes("https://portal.example/tasks/1"));
  });
