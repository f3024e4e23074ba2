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
  readonly "allow-plain-http"?: boolean;
};

/** The flags that `portalFor` needs, out of those of a command. */
export function portalFlagsOf({ portal, data, "allow-plain-http": allowPlainHttp = false }: PortalFlags): PortalFlags {
  return { portal, data, "allow-plain-http": allowPlainHttp };
}

/** Throws `secret-unreadable` when the folder has no token or address, and `config-invalid` for a line that others can read. */
export function portalFor({ portal, data, ...flags }: PortalFlags, io: Io): PortalClient {
  const url = portal ?? io.env.GANTRY_PORTAL ?? portalOf(data, io);
  const isAllowed = flags["allow-plain-http"] === true || io.env.GANTRY_ALLOW_PLAIN_HTTP === "true";
  if (!isAllowed && isPlainBeyondLoopback(readUrl(url))) {
    const problem = `your token would be sent to ${new URL(url).host} by plain HTTP, which others can read. Use the https address of the portal, or --allow-plain-http`;
    throw new GantryError("config-invalid", { problem });
  }
  const file = io.env.GANTRY_TOKEN_FILE ?? join(data, "admin-token");
  const token = io.env.GANTRY_TOKEN ?? readText(file, "The token for the portal", io).trim();
  return portalClient(url.replace(/\/+$/, ""), token, AbortSignal.timeout(DEADLINE_MS));
}

function readUrl(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new GantryError("config-invalid", {
    problem: `the address of the portal must be like https://gantry.example.com`,
  });
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
    const problem = `The file ${file} cannot be read: ${fileProblem(error)}. GANTRY_PORTAL has the address of the portal, and GANTRY_TOKEN or GANTRY_TOKEN_FILE a token; --data names the folder of \`gantry start\`.`;
    throw new GantryError("secret-unreadable", { what, problem }, { cause: error });
  }
}
