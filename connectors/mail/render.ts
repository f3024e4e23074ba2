// Renders one message as a mail: as plain text, and the same as HTML. Nothing is loaded from the network.

import { linksOf, type Message } from "@gantry/core/notify/channel.ts";
import { STATE_LOOKS, type State } from "@gantry/core/task/states.ts";
import { truncate } from "@gantry/core/truncate.ts";

const MAX_SUBJECT = 200;
const MAX_TEXT = 20_000;

const COLORS: { readonly [H in (typeof STATE_LOOKS)[State]["hue"]]: string } = {
  grey: "#6b7280",
  amber: "#b26a00",
  blue: "#2563eb",
  green: "#2e7d4f",
  red: "#c0303c",
  orange: "#c2610c",
  faint: "#8a8f98",
  violet: "#6d3fd0",
};

/** One line without control characters, because a line end would start another header. */
export function mailSubject(prefix: string, title: string): string {
  return truncate(oneLine(`${prefix} ${title}`), MAX_SUBJECT);
}

export function mailText(message: Message): string {
  const facts = message.facts.map(([name, value]) => `${oneLine(name)}: ${oneLine(value)}`).join("\n");
  const link = linksOf(message)
    .map(({ label, url }) => `${label}: ${url}`)
    .join("\n");
  const parts = [message.title, truncate(message.text, MAX_TEXT), facts, link];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

export function mailHtml(message: Message): string {
  const color = COLORS[STATE_LOOKS[message.state].hue];
  const rows = message.facts.map(
    ([name, value]) =>
      `<tr><td style="padding:2px 16px 2px 0;color:#6b7280;vertical-align:top">${escapeHtml(name)}</td>` +
      `<td style="padding:2px 0">${escapeHtml(value)}</td></tr>`,
  );
  const text = escapeHtml(truncate(message.text, MAX_TEXT)).replaceAll("\n", "<br>");
  const links = linksOf(message).map(
    ({ label, url }) => `<a href="${escapeHtml(url)}" style="color:#2563eb">${escapeHtml(label)}</a>`,
  );
  const link = links.length === 0 ? "" : `<p>${links.join(" &nbsp; ")}</p>`;
  return [
    '<!doctype html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head>',
    '<body style="font-family:system-ui,sans-serif;font-size:15px;line-height:1.5">',
    `<p style="border-left:4px solid ${color};padding-left:12px;font-weight:600">${escapeHtml(message.title)}</p>`,
    text === "" ? "" : `<p>${text}</p>`,
    rows.length === 0 ? "" : `<table role="presentation" style="border-collapse:collapse">${rows.join("")}</table>`,
    link,
    "</body></html>",
  ].join("");
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to remove.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\s]+/g, " ").trim();
}

function escapeHtml(text: string): string {
  const entities: { readonly [sign: string]: string } = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}
