// Text of people, made harmless for each markup. Titles and error texts come from pipelines, logs and outside systems:
// none of them may ring everybody's telephone or show a link that leads elsewhere than it says.

const ZERO_WIDTH_SPACE = "\u200b";

/** For messengers without markup: only the words that call everybody are broken. */
export function escapePlain(text: string): string {
  return text.replace(/@(?=(?:all|here|channel|everyone|team)\b)/gi, `@${ZERO_WIDTH_SPACE}`);
}

/** Slack: `<…>` is its only way to links and mentions, and its own rule is these three entities. */
export function escapeSlack(text: string): string {
  return escapePlain(text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"));
}

/** Where `@name` anywhere in a text notifies. */
export function escapeMentions(text: string): string {
  return text.replaceAll("@", `@${ZERO_WIDTH_SPACE}`);
}

/** Mattermost: Markdown. Exactly the signs that its Markdown lets be escaped get a backslash. */
export function escapeMattermost(text: string): string {
  return escapeMentions(text.replace(/[\\`*_{}[\]()>#+\-.!|~]/g, "\\$&"));
}

/** Adaptive Cards, where a fact's value knows a part of Markdown: links and emphasis are broken. */
export function escapeCard(text: string): string {
  return escapePlain(text.replaceAll("](", `]${ZERO_WIDTH_SPACE}(`).replace(/[\\`*_[\]]/g, "\\$&"));
}

/** At most `limit` UTF-16 units, cut at a character, with an ellipsis when something is missing. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, Math.max(0, limit - 1)).replace(/[\ud800-\udbff]$/, "")}…`;
}
