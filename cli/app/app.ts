// `gantry app`: the apps of the portal.

import type { ErrorCode } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import { inOneLine, startError } from "@gantry/runtime/process/start-error.ts";
import { appOutcome } from "@gantry/wire/agent/agent-api.ts";
import { type AppView, appView } from "@gantry/wire/agent/views.ts";
import { stringify } from "yaml";
import type { PortalClient } from "../client.ts";
import type { Io } from "../io.ts";
import { PORTAL_FLAGS, PORTAL_HELP, portalFor } from "../portal-access.ts";
import { allApps, apply } from "./apply.ts";
import { exported } from "./decide-plan.ts";

const HELP = `Usage: gantry app [list]                        list the apps
       gantry app view NAME                     show an app with its record
       gantry app adopt -f FILE [--dry-run]     adopt apps that are not known yet
       gantry app apply -f FILE [--dry-run]     adopt and change apps until they are as the files say
       gantry app export [NAME…]                print apps as such a file
       gantry app rename NAME NEW-NAME
       gantry app forget NAME                   the app is not known any more; nothing outside changes

  -f, --file FILE   apps.yaml (docs/apps.md); may be given several times
  --dry-run         show and check what would be done, and write nothing

The exit code is 0, or 1 when the portal refused something, 2 for a wrong command or file, 3 when not signed in,
4 when it is not allowed, 5 when there is no such app, 8 when the portal cannot be reached.

${PORTAL_HELP}`;

/** Of all requests of an \`apply\` together. */
const APPLY_MS = 10 * 60_000;

const CODES: { readonly [code in ErrorCode]?: number } = {
  unauthenticated: 3,
  forbidden: 4,
  "app-unknown": 5,
  "not-found": 5,
  unavailable: 8,
  "bad-request": 2,
  "config-invalid": 2,
  "secret-unreadable": 2,
};

export async function app(argv: readonly string[], io: Io): Promise<number> {
  const read = readArguments(argv);
  if (typeof read === "string") {
    (read === "" ? io.stdout : io.stderr)(`${read === "" ? "" : `${read}\n\n`}${HELP}`);
    return read === "" ? 0 : 2;
  }
  try {
    return await RUN[read.verb](read, io);
  } catch (error) {
    const fault = startError(error);
    if (!fault) throw error;
    io.stderr(`${inOneLine(fault)}\n`);
    return CODES[fault.code] ?? 1;
  }
}

const VERBS = ["list", "view", "adopt", "apply", "export", "rename", "forget"] as const;
type Verb = (typeof VERBS)[number];

const RUN: { readonly [verb in Verb]: (read: Arguments, io: Io) => Promise<number> } = {
  list: async (read, io) => {
    const apps = await allApps(portalFor(read, io));
    print(read, io, apps, apps.length === 0 ? "There are no apps yet.\n" : table(apps));
    return 0;
  },
  view: async (read, io) => {
    const found = await getApp(portalFor(read, io), read.names[0] ?? "");
    print(read, io, found, viewInWords(found));
    return 0;
  },
  adopt: (read, io) => applyFiles(read, io, true),
  apply: (read, io) => applyFiles(read, io, false),
  export: async (read, io) => {
    const portal = portalFor(read, io);
    const named = await Promise.all(read.names.map((name) => getApp(portal, name)));
    const found = read.names.length === 0 ? await allApps(portal) : named;
    const apps = found.filter(({ state }) => state === "ready").map(exported);
    print(read, io, { apps }, stringify({ apps }, { lineWidth: 0 }));
    return 0;
  },
  rename: async (read, io) => {
    const [name = "", to = ""] = read.names;
    const path = `/v1/apps/${encodeURIComponent(name)}/rename`;
    const outcome = await portalFor(read, io).post(path, { to }, appOutcome);
    print(read, io, outcome.app, `The app ${name} is now ${to}. Names in other systems stay.\n`);
    return 0;
  },
  forget: async (read, io) => {
    const [name = ""] = read.names;
    await portalFor(read, io).delete(`/v1/apps/${encodeURIComponent(name)}?undo=false`);
    print(read, io, { name }, `The app ${name} is forgotten. Its repositories and everything else outside stay.\n`);
    return 0;
  },
};

function applyFiles({ files, dryRun, json, ...flags }: Arguments, io: Io, onlyNew: boolean): Promise<number> {
  return apply(() => portalFor(flags, io, APPLY_MS), { files, dryRun, onlyNew, json }, io);
}

function getApp(portal: PortalClient, name: string): Promise<AppView> {
  return portal.get(`/v1/apps/${encodeURIComponent(name)}`, appView);
}

function print({ json }: Arguments, io: Io, value: unknown, text: string): void {
  io.stdout(json ? `${JSON.stringify(value, null, 2)}\n` : text);
}

function table(apps: readonly AppView[]): string {
  const rows = apps.map(({ name, state, record }) => [
    name,
    state,
    textOf(record.team),
    repositoryOf(record.source),
    targetsOf(record),
  ]);
  const all = [["APP", "STATE", "TEAM", "SOURCE", "TARGETS"], ...rows];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const lineOf = (row: readonly string[]): string => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ");
  return all.map((row) => `${lineOf(row).trimEnd()}\n`).join("");
}

function viewInWords({ name, state, createdBy, createdAt, task, record, facts, latest }: AppView): string {
  const made = `${task === "" ? "adopted" : "created"} by ${createdBy} at ${createdAt}`;
  const image = typeof facts.image === "string" ? `image: ${facts.image}@${textOf(facts.digest)}\n` : "";
  const tasks = Object.entries(latest).map(([pipeline, id]) => `newest ${pipeline}: ${id}\n`);
  return `${name}: ${state}, ${made}\n${image}${tasks.join("")}\n${stringify(exported({ name, record }), { lineWidth: 0 })}`;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function repositoryOf(value: JsonValue | undefined): string {
  return isJsonObject(value) ? `${textOf(value.project)}/${textOf(value.slug)}` : "";
}

function targetsOf({ targets }: JsonObject): string {
  const all = Array.isArray(targets) ? (targets as readonly JsonValue[]) : [];
  return all.map((one) => (isJsonObject(one) ? textOf(one.name) : "")).join(", ");
}

type Arguments = {
  readonly verb: Verb;
  readonly names: readonly string[];
  readonly files: readonly string[];
  readonly dryRun: boolean;
  readonly portal?: string | undefined;
  readonly data: string;
  readonly "allow-plain-http": boolean;
  readonly json: boolean;
};

/** How many names each command takes. */
const NAMES: { readonly [verb in Verb]: (count: number) => boolean } = {
  list: (count) => count === 0,
  view: (count) => count === 1,
  adopt: (count) => count === 0,
  apply: (count) => count === 0,
  export: () => true,
  rename: (count) => count === 2,
  forget: (count) => count === 1,
};

/** The arguments, an empty text for `--help`, or an error message. */
function readArguments(argv: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parseFlags(argv, {
      ...PORTAL_FLAGS,
      file: { type: "string", short: "f", multiple: true },
      "dry-run": { type: "boolean", default: false },
    });
    const { help, file: files = [], "dry-run": dryRun, ...flags } = values;
    if (help) return "";
    const [given = "list", ...names] = positionals;
    const verb = VERBS.find((one) => one === given);
    if (verb === undefined) return `Unknown command: gantry app ${given}${didYouMean(given, VERBS)}`;
    if (!NAMES[verb](names.length)) return `Wrong number of arguments for \`gantry app ${verb}\`.`;
    const readsFiles = verb === "adopt" || verb === "apply";
    if (readsFiles && files.length === 0) return `\`gantry app ${verb}\` needs a file: -f apps.yaml`;
    if (!readsFiles && (files.length > 0 || dryRun)) return `\`gantry app ${verb}\` has no flags --file and --dry-run.`;
    return { verb, names, files, dryRun, ...flags };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
