// Finds the primary. Done before every connection, because a failover changes the answer.

import type { Redis } from "ioredis";
import { connect, type Place, textOf, unavailable } from "./client.ts";
import type { RedisOptions } from "./options.ts";

export async function findPrimary(options: RedisOptions, prefix: string): Promise<Place> {
  const { address } = options;
  if ("host" in address) return { host: address.host, port: address.port };
  if ("sentinels" in address) {
    const account = { username: options.sentinelUsername, password: options.sentinelPassword };
    return firstAnswer(options, address.sentinels, account, async (client) => {
      const found = await client.call("SENTINEL", "get-master-addr-by-name", address.name);
      if (!Array.isArray(found)) throw new Error(`this sentinel does not know ${address.name}`);
      return { host: String(found[0]), port: Number(found[1]) };
    });
  }
  return firstAnswer(options, address.cluster, options, async (client, asked) => {
    const slot = Number(await client.call("CLUSTER", "KEYSLOT", prefix));
    const ranges = (await client.call("CLUSTER", "SLOTS")) as [number, number, [string, number]][];
    const range = ranges.find(([first, last]) => first <= slot && slot <= last);
    if (!range) throw new Error(`no node has the hash slot ${slot}`);
    const [host, port] = range[2];
    // A node that does not know its own name leaves it empty; then it is the node that was asked.
    return { host: host || asked.host, port: Number(port) };
  });
}

export function parsePlace(text: string): Place {
  const cut = text.lastIndexOf(":");
  const port = Number(text.slice(cut + 1));
  if (cut < 1 || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new TypeError(`not host:port: ${JSON.stringify(text)}`);
  return { host: text.slice(0, cut), port };
}

async function firstAnswer(
  options: RedisOptions,
  places: readonly string[],
  account: { readonly username?: string | undefined; readonly password?: string | undefined },
  ask: (client: Redis, asked: Place) => Promise<Place>,
): Promise<Place> {
  const problems: string[] = [];
  for (const text of places) {
    const place = parsePlace(text);
    let client: Redis | undefined;
    try {
      client = await connect(place, options, account);
      return await ask(client, place);
    } catch (error) {
      problems.push(`${text}: ${textOf(error)}`);
    } finally {
      client?.disconnect();
    }
  }
  throw unavailable(`The primary cannot be found. ${problems.join("; ")}`);
}
