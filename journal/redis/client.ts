// One client of one Redis. It never resends a command and never queues one while offline: a change that is sent twice must
// carry the same operation id, and only writer.ts does that.

import { GantryError } from "@gantry/core/errors.ts";
import { connectionProblem } from "@gantry/core/system-error-words.ts";
import { Redis } from "ioredis";
import type { RedisOptions } from "./options.ts";

export type Place = { readonly host: string; readonly port: number };

const CONNECT_MS = 3_000;
const COMMAND_MS = 2_000;

/** Connects. Rejects with `store-refused` for wrong credentials and with `unavailable` for everything else. */
export async function connect(
  place: Place,
  options: RedisOptions,
  account: { readonly username?: string | undefined; readonly password?: string | undefined } = options,
): Promise<Redis> {
  const client = new Redis({
    host: place.host,
    port: place.port,
    ...(account.username === undefined ? {} : { username: account.username }),
    ...(account.password === undefined ? {} : { password: account.password }),
    ...(options.tls ? { tls: options.tls } : {}),
    connectionName: "gantry",
    lazyConnect: true,
    connectTimeout: options.connectTimeoutMs ?? CONNECT_MS,
    commandTimeout: options.commandTimeoutMs ?? COMMAND_MS,
    maxLoadingRetryTime: 500,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    // Leave a primary that became a replica at once; resend nothing.
    reconnectOnError: (error) => (error.message.startsWith("READONLY") ? 1 : false),
    // connections.ts makes a new connection, because the primary may have moved.
    retryStrategy: () => null,
  });
  let problem: Error | undefined;
  client.on("error", (error: Error) => {
    problem = error;
  });
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.disconnect();
    throw connectError(place, problem ?? error);
  }
}

export function unavailable(problem: string, cause?: unknown): GantryError {
  return new GantryError("unavailable", { what: "The journal", problem }, cause === undefined ? {} : { cause });
}

export function nameOf(place: Place): string {
  return `${place.host}:${place.port}`;
}

export function textOf(error: unknown): string {
  return connectionProblem(error);
}

function connectError(place: Place, error: unknown): GantryError {
  const text = textOf(error);
  if (/^(WRONGPASS|NOAUTH|NOPERM)/.test(text)) {
    return new GantryError(
      "store-refused",
      { address: nameOf(place), problem: `Redis answered: ${text}` },
      { cause: error },
    );
  }
  return unavailable(`Redis at ${nameOf(place)} cannot be reached: ${text}`, error);
}
