// `gantry settings`: shows and changes live settings through the API of the portal.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import { SETTINGS, type SettingKey } from "@gantry/core/settings/settings.ts";
import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { type SettingView, settingsChange, settingsView } from "@gantry/wire/settings/settings.ts";
import type { Io } from "./io.ts";
import { PORTAL_FLAGS, PORTAL_HELP, type PortalFlags, portalFlagsOf, portalFor } from "./portal-access.ts";

const HELP = `Usage: gantry settings [get [KEY]]              show the values and what is allowed
       gantry settings set KEY VALUE [--why TEXT]
       gantry settings unset KEY [--why TEXT]   reset to the default
       gantry settings history                  list the changes

${PORTAL_HELP}
Write a list as a,b,c. A change takes effect in all processes within 10 seconds.
`;

export async function settings(argv: readonly string[], io: Io): Promise<number> {
  const read = readArguments(argv);
  if (typeof read === "string") {
    (read === "" ? io.stdout : io.stderr)(`${read === "" ? "" : `${read}\n\n`}${HELP}`);
    return read === "" ? 0 : 2;
  }
  const portal = portalFor(read, io);
  const print = (value: object, text: string): void =>
    io.stdout(read.json ? `${JSON.stringify(value, null, 2)}\n` : text);
  const [verb = "get", key, value] = read.positionals;
  if (verb === "history") {
    const { items } = await portal.get("/v1/settings/history?limit=50", page(settingsChange));
    const lines = items.map(({ at, by, reason, changes }) => {
      const what = changes.map((one) => `${one.key}: ${show(one.from)} → ${show(one.to)}`).join(", ");
      return `${at}  ${by}  ${what}${reason === undefined ? "" : `  (${reason})`}\n`;
    });
    print(items, lines.length === 0 ? "No setting has been changed.\n" : lines.join(""));
    return 0;
  }
  const now = await portal.get("/v1/settings", settingsView);
  if (verb === "get") {
    const items = key === undefined ? now.items : now.items.filter((one) => one.key === key);
    if (items.length === 0) throw new GantryError("not-found", { kind: "setting", name: key ?? "" });
    print({ ...now, items }, items.map(lines).join(""));
    return 0;
  }
  const to = verb === "unset" ? null : parseValue(key ?? "", value ?? "");
  const reason = read.why === undefined ? {} : { reason: read.why };
  const body = { version: now.version, changes: { [key ?? ""]: to }, ...reason };
  const after = await portal.post("/v1/settings", body, settingsView);
  print(
    after,
    after.items
      .filter((one) => one.key === key)
      .map(lines)
      .join(""),
  );
  return 0;
}

type Arguments = PortalFlags & {
  readonly positionals: readonly string[];
  readonly why: string | undefined;
  readonly json: boolean;
};

/** The arguments, an empty text for `--help`, or an error message. */
function readArguments(argv: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parseFlags(argv, { ...PORTAL_FLAGS, why: { type: "string" } });
    if (values.help) return "";
    const [verb = "get"] = positionals;
    const wanted: Readonly<Record<string, readonly number[]>> = { get: [0, 1, 2], set: [3], unset: [2], history: [1] };
    if (!Object.hasOwn(wanted, verb)) return `Unknown command: gantry settings ${verb}`;
    if (!wanted[verb]?.includes(positionals.length))
      return `Wrong number of arguments for \`gantry settings ${verb}\`.`;
    return {
      positionals,
      why: values.why,
      json: values.json,
      ...portalFlagsOf(values),
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
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
