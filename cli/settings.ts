// `gantry settings`: what can be changed while everything runs, by the portal's API.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import { SETTINGS, type SettingKey } from "@gantry/core/settings/settings.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { type SettingView, settingsChange, settingsView } from "@gantry/wire/settings/settings.ts";
import { z } from "zod";
import { type PortalClient, portalClient } from "./client.ts";
import type { Io } from "./io.ts";

const HELP = `Usage: gantry settings [get [KEY]]              what is set, and what may be
       gantry settings set KEY VALUE [--why TEXT]
       gantry settings unset KEY [--why TEXT]   as it was configured
       gantry settings history                  who has changed what, and when

  --portal URL   the portal (default: GANTRY_PORTAL, or that of --data)
  --data DIR     data folder of \`gantry start\` (default .data); also for the token where GANTRY_TOKEN and
                 GANTRY_TOKEN_FILE are not set. It must be the token of an administrator.
  --json         the portal's answer as it is

A list is written a,b,c. A change is in force everywhere within 10 seconds.
`;
const DEADLINE_MS = 15_000;

export async function settings(argv: readonly string[], io: Io): Promise<number> {
  const read = readArguments(argv);
  if (typeof read === "string") {
    (read === "" ? io.stdout : io.stderr)(`${read === "" ? "" : `${read}\n\n`}${HELP}`);
    return read === "" ? 0 : 2;
  }
  const portal = openPortal(read, io);
  const say = (value: object, text: string): void =>
    io.stdout(read.json ? `${JSON.stringify(value, null, 2)}\n` : text);
  const [verb = "get", key, value] = read.words;
  if (verb === "history") {
    const { items } = await portal.get("/v1/settings/history?limit=50", page(settingsChange));
    const lines = items.map(({ at, by, reason, changes }) => {
      const what = changes.map((one) => `${one.key}: ${show(one.from)} → ${show(one.to)}`).join(", ");
      return `${at}  ${by}  ${what}${reason === undefined ? "" : `  (${reason})`}\n`;
    });
    say(items, lines.length === 0 ? "Nothing was ever changed.\n" : lines.join(""));
    return 0;
  }
  const now = await portal.get("/v1/settings", settingsView);
  if (verb === "get") {
    const items = key === undefined ? now.items : now.items.filter((one) => one.key === key);
    if (items.length === 0) throw new GantryError("not-found", { kind: "setting", name: key ?? "" });
    say({ ...now, items }, items.map(lines).join(""));
    return 0;
  }
  const to = verb === "unset" ? null : meaningOf(key ?? "", value ?? "");
  const reason = read.why === undefined ? {} : { reason: read.why };
  const body = { version: now.version, changes: { [key ?? ""]: to }, ...reason };
  const after = await portal.post("/v1/settings", body, settingsView);
  say(
    after,
    after.items
      .filter((one) => one.key === key)
      .map(lines)
      .join(""),
  );
  return 0;
}

type Arguments = {
  readonly words: readonly string[];
  readonly portal: string | undefined;
  readonly data: string;
  readonly why: string | undefined;
  readonly json: boolean;
};

/** The arguments, or what is wrong with them; nothing is wrong where help is asked for. */
function readArguments(argv: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        portal: { type: "string" },
        data: { type: "string", default: ".data" },
        why: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return "";
    const [verb = "get"] = positionals;
    const wanted: Readonly<Record<string, readonly number[]>> = { get: [0, 1, 2], set: [3], unset: [2], history: [1] };
    if (!Object.hasOwn(wanted, verb)) return `There is no \`gantry settings ${verb}\`.`;
    if (!wanted[verb]?.includes(positionals.length)) return `\`gantry settings ${verb}\` wants other arguments.`;
    return { words: positionals, portal: values.portal, data: values.data, why: values.why, json: values.json };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function openPortal({ portal, data }: Arguments, io: Io): PortalClient {
  const url = portal ?? io.env.GANTRY_PORTAL ?? portalOf(data, io);
  const file = io.env.GANTRY_TOKEN_FILE ?? join(data, "admin-token");
  const token = io.env.GANTRY_TOKEN ?? readText(file, "The token of an administrator", io).trim();
  return portalClient(url.replace(/\/+$/, ""), token, AbortSignal.timeout(DEADLINE_MS));
}

function portalOf(data: string, io: Io): string {
  const text = readText(join(data, "gantry.json"), "The address of the portal", io);
  const { ports } = z.object({ ports: z.object({ portal: z.int() }) }).parse(JSON.parse(text));
  return `http://127.0.0.1:${ports.portal}`;
}

function readText(file: string, what: string, io: Io): string {
  try {
    return io.readFile(file);
  } catch (error) {
    const problem = `The file ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}).`;
    throw new GantryError("secret-unreadable", { what, problem }, { cause: error });
  }
}

/** What a text means is up to the setting; what no meaning fits is sent as it is, and the portal says what is allowed. */
function meaningOf(key: string, text: string): JsonValue {
  const list = text.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
  const meanings: readonly JsonValue[] = [jsonOf(text), text, list];
  const schema = Object.hasOwn(SETTINGS, key) ? SETTINGS[key as SettingKey].schema : undefined;
  return meanings.find((one) => schema?.safeParse(one).success) ?? meanings[0] ?? text;
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
