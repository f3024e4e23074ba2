// Where the portal is and with which token: from flags, the environment, a context, or the data folder of `gantry start`.

import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { isPlainBeyondLoopback } from "@gantry/runtime/http/plain-http.ts";
import { z } from "zod";
import { type PortalClient, portalClient } from "./client.ts";
import type { Io } from "./io.ts";
import { contextNamed, LOCAL, readContexts, type SavedContext } from "./sign-in/contexts.ts";

/** What PORTAL_FLAGS are on a command line. */
export type PortalFlags = {
  readonly portal?: string | undefined;
  readonly context?: string | undefined;
  readonly data?: string | undefined;
  readonly "allow-plain-http": boolean;
};

const DATA = ".data";

/**
 * Throws `unauthenticated` when there is no token, `argument-unusable` for an address or folder that is none, and `config-invalid` for a
 * line that others can read.
 */
export function portalFor(flags: PortalFlags, io: Io, signal?: AbortSignal): PortalClient {
  const context = contextFor(flags, io);
  const url = addressOf(flags, context, io);
  return portalClient(url, tokenFor(url, flags, context, io), signal);
}

/** The address of the portal that `portalFor` opens. */
export function portalUrlFor(flags: PortalFlags, io: Io): string {
  return addressOf(flags, contextFor(flags, io), io);
}

/** An address as the CLI uses it. Throws as `portalFor`. */
export function checkedUrl(text: string, flags: Pick<PortalFlags, "allow-plain-http">, io: Io): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    const problem = "It must be like https://gantry.example.com.";
    throw new GantryError("argument-unusable", { argument: text, problem });
  }
  const isAllowed = flags["allow-plain-http"] || io.env.GANTRY_ALLOW_PLAIN_HTTP === "true";
  if (!isAllowed && isPlainBeyondLoopback(text)) {
    const problem = `your token would be sent to ${url.host} by plain HTTP, which others can read. Use the https address of the portal, or --allow-plain-http`;
    throw new GantryError("config-invalid", { problem });
  }
  return text.replace(/\/+$/, "");
}

/** The context in force: a flag, the environment, or the current one; undefined when something else names the portal. */
function contextFor({ portal, context, data }: PortalFlags, io: Io): SavedContext | undefined {
  const isNamed = portal !== undefined || data !== undefined;
  const name = context ?? (isNamed || io.env.GANTRY_PORTAL !== undefined ? undefined : io.env.GANTRY_CONTEXT);
  if (name === LOCAL) return undefined;
  if (name !== undefined) return contextNamed(readContexts(io), name);
  if (isNamed || io.env.GANTRY_PORTAL !== undefined) return undefined;
  const all = readContexts(io);
  return all.current === undefined ? undefined : contextNamed(all, all.current);
}

function addressOf(flags: PortalFlags, context: SavedContext | undefined, io: Io): string {
  const named = flags.portal ?? context?.url ?? (flags.context === LOCAL ? undefined : io.env.GANTRY_PORTAL);
  return checkedUrl(named ?? portalOf(flags.data, io), flags, io);
}

/** A token of a context is only sent to the address that it was made for. */
function tokenFor(url: string, { data }: PortalFlags, context: SavedContext | undefined, io: Io): string {
  const { GANTRY_TOKEN: token, GANTRY_TOKEN_FILE: file } = io.env;
  if (token !== undefined) return token;
  if (file !== undefined) return readText(file, "The file of GANTRY_TOKEN_FILE", io).trim();
  const saved = context ?? (data === undefined ? savedFor(url, io) : undefined);
  if (saved?.token !== undefined) return saved.token;
  if (saved === undefined) {
    const found = read(join(data ?? DATA, "admin-token"), io);
    if (typeof found === "string") return found.trim();
    if (data !== undefined) throw found.error;
  }
  throw new GantryError("unauthenticated", {
    why: `There is no token for ${url}.`,
    todo: `Run \`gantry login ${url}\`, or set GANTRY_TOKEN or GANTRY_TOKEN_FILE.`,
  });
}

function savedFor(url: string, io: Io): SavedContext | undefined {
  return Object.values(readContexts(io).contexts).find((one) => one.url === url);
}

/** The token of the portal that `gantry start` runs in this folder, if that is its address. */
export function localToken(url: string, io: Io): string | undefined {
  const text = read(join(DATA, "gantry.json"), io);
  if (typeof text !== "string" || portalOf(undefined, io) !== url) return undefined;
  const token = read(join(DATA, "admin-token"), io);
  return typeof token === "string" ? token : undefined;
}

/** The portal that `gantry start` runs with this data folder. */
function portalOf(data: string | undefined, io: Io): string {
  const text = read(join(data ?? DATA, "gantry.json"), io);
  if (typeof text !== "string") {
    if (data !== undefined) throw text.error;
    throw new GantryError("unauthenticated", {
      why: `No portal is named, and there is no folder ${DATA} of \`gantry start\` here.`,
      todo: "Run `gantry login https://gantry.example.com` with the address of your portal, or `gantry start` to try Gantry on this machine.",
    });
  }
  const { ports } = z.object({ ports: z.object({ portal: z.int() }) }).parse(JSON.parse(text));
  return `http://127.0.0.1:${ports.portal}`;
}

/** The text of a file in a data folder, or the error that says why it cannot be read. */
function read(file: string, io: Io): string | { readonly error: GantryError } {
  const hint =
    "`gantry start` makes it. For a portal that runs elsewhere, give --portal URL and set GANTRY_TOKEN or GANTRY_TOKEN_FILE.";
  try {
    return readText(file, `The data folder ${file.replace(/[/\\][^/\\]*$/, "")}`, io, hint);
  } catch (error) {
    if (error instanceof GantryError) return { error };
    throw error;
  }
}

function readText(file: string, argument: string, io: Io, hint = ""): string {
  try {
    return io.readFile(file);
  } catch (error) {
    const problem = `${file} cannot be read: ${fileProblem(error)}. ${hint}`.trimEnd();
    throw new GantryError("argument-unusable", { argument, problem }, { cause: error });
  }
}
