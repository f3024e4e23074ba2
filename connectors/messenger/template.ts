// A request body as a JSON template. A string that is exactly one placeholder becomes that value with its type;
// placeholders inside a longer string are replaced by text. The body is serialised afterwards, so no value can escape from
// its string.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { Message } from "@gantry/core/notify/channel.ts";
import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import { truncateEscaped } from "@gantry/core/truncate.ts";
import { escapePlain } from "./escape.ts";

export const PLACEHOLDERS = ["title", "text", "facts", "link", "to", "key", "thread", "state", "at"] as const;

/** The value of each placeholder; texts are plain. */
export function placeholderValues(message: Message): JsonObject {
  return {
    title: truncateEscaped(message.title, 300, escapePlain),
    text: truncateEscaped(message.text, 4_000, escapePlain),
    facts: message.facts.map(([name, value]) => ({
      name: truncateEscaped(name, 200, escapePlain),
      value: truncateEscaped(value, 1_000, escapePlain),
    })),
    link: message.link?.url ?? null,
    to: message.to ?? null,
    key: message.key,
    thread: message.thread,
    state: STATE_LOOKS[message.state].word,
    at: message.at.toISOString(),
  };
}

export function fillTemplate(template: JsonValue, values: JsonObject): JsonValue {
  if (typeof template === "string") return fillText(template, values);
  if (Array.isArray(template)) return template.map((item: JsonValue) => fillTemplate(item, values));
  if (typeof template !== "object" || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fillTemplate(value, values)]));
}

/** Names in braces that are not placeholders: a misspelt one would otherwise be sent verbatim. */
export function unknownPlaceholders(template: JsonValue): readonly string[] {
  if (typeof template === "string") {
    const names = [...template.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1] ?? "");
    return names.filter((name) => !PLACEHOLDERS.some((known) => known === name));
  }
  if (typeof template !== "object" || template === null) return [];
  return Object.values(template).flatMap(unknownPlaceholders);
}

function fillText(template: string, values: JsonObject): JsonValue {
  const whole = /^\{([a-z]+)\}$/.exec(template)?.[1];
  if (whole !== undefined && Object.hasOwn(values, whole)) return values[whole] ?? null;
  return template.replace(/\{([a-z]+)\}/g, (braces, name: string) =>
    Object.hasOwn(values, name) ? asText(values[name] ?? null) : braces,
  );
}

function asText(value: JsonValue): string {
  if (value === null) return "";
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return JSON.stringify(value);
  return value.map((fact: JsonValue) => factText(fact)).join("\n");
}

function factText(fact: JsonValue): string {
  if (typeof fact !== "object" || fact === null || !("name" in fact) || !("value" in fact)) return JSON.stringify(fact);
  return `${String(fact.name)}: ${String(fact.value)}`;
}
