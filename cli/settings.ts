// `gantry settings`: shows and changes live settings through the API of the portal.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import { SETTINGS, type SettingKey } from "@gantry/core/settings/settings.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { type SettingView, settingsChange, settingsView } from "@gantry/wire/settings/settings.ts";
import type { Call, Outcome } from "./table/command.ts";

export async function getSettings({
  portal,
  args: [key],
}: Call<object, readonly [string | undefined]>): Promise<Outcome> {
  const now = await portal().get("/v1/settings", settingsView);
  const items = key === undefined ? now.items : now.items.filter((one) => one.key === key);
  if (items.length === 0) throw new GantryError("not-found", { kind: "setting", name: key ?? "" });
  return { value: { ...now, items }, text: items.map(lines).join("") };
}

type Why = { readonly why: string | undefined };

export function setSetting({ args: [key, value], ...call }: Call<Why, readonly [string, string]>): Promise<Outcome> {
  return change(call, key, parseValue(key, value));
}

export function unsetSetting({ args: [key], ...call }: Call<Why, readonly [string]>): Promise<Outcome> {
  return change(call, key, null);
}

async function change(
  { portal, flags: { why } }: Pick<Call<Why>, "portal" | "flags">,
  key: string,
  to: JsonValue,
): Promise<Outcome> {
  const client = portal();
  const { version } = await client.get("/v1/settings", settingsView);
  const body = { version, changes: { [key]: to }, ...(why === undefined ? {} : { reason: why }) };
  const after = await client.post("/v1/settings", body, settingsView);
  const changed = after.items.filter((one) => one.key === key);
  return { value: after, text: changed.map(lines).join("") };
}

export async function settingsHistory({ portal }: Call): Promise<Outcome> {
  const { items } = await portal().get("/v1/settings/history?limit=50", page(settingsChange));
  const text = items.map(({ at, by, reason, changes }) => {
    const what = changes.map((one) => `${one.key}: ${show(one.from)} → ${show(one.to)}`).join(", ");
    return `${at}  ${by}  ${what}${reason === undefined ? "" : `  (${reason})`}\n`;
  });
  return { value: items, text: text.length === 0 ? "No setting has been changed.\n" : text.join("") };
}

/** The value that a text stands for in a setting. When none fits, the portal reports what is allowed. */
function parseValue(key: string, text: string): JsonValue {
  const list = text.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
  const candidates: readonly JsonValue[] = [jsonOf(text), text, list];
  const schema = Object.hasOwn(SETTINGS, key) ? SETTINGS[key as SettingKey].schema : undefined;
  return candidates.find((one) => schema?.safeParse(one).success) ?? candidates[0] ?? text;
}

function jsonOf(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

function lines({ key, title, value, unset, allowed }: SettingView): string {
  const now = value === null ? `not set (${unset})` : show(value);
  return `${key} = ${now}\n    ${title}; ${allowed}\n`;
}

function show(value: JsonValue): string {
  if (value === null) return "not set";
  return Array.isArray(value) ? value.join(",") || "(none)" : typeof value === "string" ? value : JSON.stringify(value);
}
