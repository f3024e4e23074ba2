// Escapes text for the markup of each messenger. Titles and error texts come from pipelines, logs and outside systems: none
// of them may notify everybody, or show a link whose target differs from its text.

export const ZERO_WIDTH_SPACE = "\u200b";

/** For messengers without markup: breaks only the words that notify everybody. */
export function escapePlain(text: string): string {
  return text.replace(/@(?=(?:all|here|channel|everyone|team)\b)/gi, `@${ZERO_WIDTH_SPACE}`);
}

/** Slack: links and mentions need `<…>`, and its documented rule is to escape these three characters. */
export function escapeSlack(text: string): string {
  return escapePlain(text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"));
}

/** For messengers in which `@name` anywhere in a text notifies. */
export function escapeMentions(text: string): string {
  return text.replaceAll("@", `@${ZERO_WIDTH_SPACE}`);
}

/** Mattermost: Markdown. Escapes exactly the characters that its Markdown allows to be escaped. */
export function escapeMattermost(text: string): string {
  return escapeMentions(text.replace(/[\\`*_{}[\]()>#+\-.!|~]/g, "\\$&"));
}

/** Discord: Markdown, and `<…>` for mentions, emoji and times. A backslash stops any of these characters. */
export function escapeDiscord(text: string): string {
  return escapeMentions(text.replace(/[\\`*_{}[\]()<>#+\-.!|~]/g, "\\$&"));
}

/** Adaptive Cards, whose facts support a subset of Markdown: breaks links and emphasis. */
export function escapeCard(text: string): string {
  return escapePlain(text.replaceAll("](", `]${ZERO_WIDTH_SPACE}(`).replace(/[\\`*_[\]]/g, "\\$&"));
}
