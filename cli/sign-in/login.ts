// `gantry login` and `logout`: a personal token, made in the browser and kept for this person only.

import { hostname } from "node:os";
import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { portalClient } from "../client.ts";
import type { Io } from "../io.ts";
import { checkedUrl, localToken } from "../portal-access.ts";
import { type Call, type Outcome, UsageError } from "../table/command.ts";
import { type Contexts, contextNamed, contextsFile, LOCAL, readContexts, writeContexts } from "./contexts.ts";
import { readMe } from "./whoami.ts";

type Login = {
  readonly "token-stdin": boolean;
  readonly context: string | undefined;
  readonly "allow-plain-http": boolean;
};

/** The token is kept only when the portal accepts it. */
export async function login({
  io,
  flags,
  args: [given],
}: Call<Login, readonly [string | undefined]>): Promise<Outcome> {
  const contexts = readContexts(io);
  const { url, name } = placeOf(contexts, given, flags, io);
  await checkPortal(url);
  const token = (flags["token-stdin"] ? await io.readInput() : (localToken(url, io) ?? (await ask(url, io)))).trim();
  if (!/^[\x21-\x7e]{1,1000}$/.test(token))
    throw new UsageError("That is no token: it must be one word, without spaces");
  const { name: who, role } = await readMe(portalClient(url, token)).catch((error: unknown) => {
    throw isRefused(error) ? notAccepted(url) : error;
  });
  // Read again: another command may have written it while a person looked for the token.
  const { contexts: saved } = readContexts(io);
  writeContexts(io, { current: name, contexts: { ...saved, [name]: { url, token } } });
  const text = `Signed in to ${url} as ${who} (role ${role}).\nThe token is kept in ${contextsFile(io.env)}.\nNext: gantry app list\n`;
  return { value: { context: name, url, name: who, role }, text };
}

/** Before a person makes a token for a wrong address. Throws `unavailable`. */
async function checkPortal(url: string): Promise<void> {
  await portalClient(url, "")
    .get("/version", z.looseObject({ version: z.string() }))
    .catch((error: unknown) => {
      throw error instanceof GantryError && url.startsWith("https:") ? orPlain(error, url) : error;
    });
}

function isRefused(error: unknown): boolean {
  return error instanceof GantryError && error.code === "unauthenticated";
}

function notAccepted(url: string): GantryError {
  return new GantryError("unauthenticated", {
    why: `${url} does not accept this token.`,
    todo: `It may be incomplete, expired or revoked: create another one at ${url}/profile.`,
  });
}

function orPlain(error: GantryError, url: string): GantryError {
  if (!isLoopback(url)) return error;
  const plain = `If it speaks plain HTTP: \`gantry login ${url.replace("https:", "http:")}\`.`;
  const { what = "", problem = "" } = error.details;
  return new GantryError(
    "unavailable",
    { what, problem: `${String(problem).replace(/\.?$/, ".")} ${plain}` },
    { cause: error },
  );
}

function isLoopback(url: string): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])$/.test(new URL(url).hostname);
}

function placeOf(
  contexts: Contexts,
  given: string | undefined,
  flags: Login,
  io: Io,
): { readonly url: string; readonly name: string } {
  const named = flags.context ?? (given === undefined ? contexts.current : undefined);
  if (given === undefined) {
    if (named === undefined) throw new UsageError("URL is missing: give the address of your portal");
    return { url: checkedUrl(contextNamed(contexts, named).url, flags, io), name: named };
  }
  const address = /^https?:\/\//.test(given) ? given : `https://${given}`;
  const url = checkedUrl(address, flags, io).replace(/^(https?:\/\/[^/]+)\/.*$/, "$1");
  const name = named ?? new URL(url).host;
  if (name === LOCAL)
    throw new UsageError(`--context ${LOCAL} stands for the portal of \`gantry start\`: use another name`);
  return { url, name };
}

async function ask(url: string, io: Io): Promise<string> {
  if (!io.askSecret)
    throw new UsageError("Nobody can be asked for the token here: use --token-stdin, or set GANTRY_TOKEN");
  const hint = isLoopback(url)
    ? "For a portal of `gantry start`, use the token in the file admin-token of its data folder.\n\n"
    : "";
  io.stderr(
    `Open this page, sign in, and create a personal token, for example with the name ${tokenName()}:\n\n  ${url}/profile\n\n${hint}`,
  );
  return io.askSecret("Paste the token (it is not shown): ");
}

/** As the portal accepts names of tokens. */
function tokenName(): string {
  const host = hostname()
    .toLowerCase()
    .replace(/\..*$/, "")
    .replace(/[^a-z0-9-]+/g, "-");
  return `cli-${host}`.slice(0, 40);
}

export async function logout({ io, args: [given] }: Call<object, readonly [string | undefined]>): Promise<Outcome> {
  const contexts = readContexts(io);
  const name = given ?? contexts.current;
  if (name === undefined) throw new UsageError("You are not signed in to a portal");
  const { url } = contextNamed(contexts, name);
  writeContexts(io, { ...contexts, contexts: { ...contexts.contexts, [name]: { url } } });
  const text = `The token for ${url} is forgotten. It stays valid until you revoke it at ${url}/profile.\n`;
  return { value: { context: name, url }, text };
}
