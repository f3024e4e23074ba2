// Where the portal is and with which token: from flags, the environment, or the data folder of `gantry start`.

import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { isPlainBeyondLoopback } from "@gantry/runtime/http/plain-http.ts";
import { z } from "zod";
import { type PortalClient, portalClient } from "./client.ts";
import type { Io } from "./io.ts";

export const PORTAL_HELP = `  --portal URL   address of the portal (default: GANTRY_PORTAL, else from --data)
  --data DIR     data folder of \`gantry start\` (default .data). It provides the administrator's token unless
                 GANTRY_TOKEN or GANTRY_TOKEN_FILE is set.
  --json         print the response of the portal
  --allow-plain-http   send the token to another machine by plain HTTP (GANTRY_ALLOW_PLAIN_HTTP=true)
`;
const DEADLINE_MS = 15_000;

/** The flags of commands that talk to the portal. */
export const PORTAL_FLAGS = {
  portal: { type: "string" },
  data: { type: "string", default: ".data" },
  json: { type: "boolean", default: false },
  "allow-plain-http": { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

export type PortalFlags = {
  readonly portal?: string | undefined;
  readonly data: string;
  readonly "allow-plain-http": boolean;
};

/** Those of them that `portalFor` needs, out of all flags of a command. */
export function portalFlagsOf({ portal, data, "allow-plain-http": allowPlainHttp }: PortalFlags): PortalFlags {
  return { portal, data, "allow-plain-http": allowPlainHttp };
}

/**
 * `deadlineMs`: of all requests together. Throws `argument-unusable` when the folder has no token or address, and `config-invalid` for a line
 * that others can read.
 */
export function portalFor({ portal, data, ...flags }: PortalFlags, io: Io, deadlineMs = DEADLINE_MS): PortalClient {
  const url = portal ?? io.env.GANTRY_PORTAL ?? portalOf(data, io);
  const isAllowed = flags["allow-plain-http"] || io.env.GANTRY_ALLOW_PLAIN_HTTP === "true";
  if (!isAllowed && isPlainBeyondLoopback(readUrl(url))) {
    const problem = `your token would be sent to ${new URL(url).host} by plain HTTP, which others can read. Use the https address of the portal, or --allow-plain-http`;
    throw new GantryError("config-invalid", { problem });
  }
  const token = io.env.GANTRY_TOKEN ?? readToken(data, io).trim();
  return portalClient(url.replace(/\/+$/, ""), token, AbortSignal.timeout(deadlineMs));
}

function readUrl(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  const problem = "It must be like https://gantry.example.com.";
  throw new GantryError("argument-unusable", { argument: url, problem });
}

function readToken(data: string, io: Io): string {
  const named = io.env.GANTRY_TOKEN_FILE;
  return named === undefined ? readOf(data, "admin-token", io) : readText(named, "The file of GANTRY_TOKEN_FILE", io);
}

function portalOf(data: string, io: Io): string {
  const text = readOf(data, "gantry.json", io);
  const { ports } = z.object({ ports: z.object({ portal: z.int() }) }).parse(JSON.parse(text));
  return `http://127.0.0.1:${ports.portal}`;
}

function readOf(data: string, name: string, io: Io): string {
  const hint =
    "`gantry start` makes it. For a portal that runs elsewhere, give --portal URL and set GANTRY_TOKEN or GANTRY_TOKEN_FILE.";
  return readText(join(data, name), `The data folder ${data}`, io, hint);
}

function readText(file: string, argument: string, io: Io, hint = ""): string {
  try {
    return io.readFile(file);
  } catch (error) {
    const problem = `${file} cannot be read: ${fileProblem(error)}. ${hint}`.trimEnd();
    throw new GantryError("argument-unusable", { argument, problem }, { cause: error });
  }
}
