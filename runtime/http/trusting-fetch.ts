// A `fetch` that trusts more certificates than the usual ones, or any, for one system or channel.

import { readFile } from "node:fs/promises";
import { getCACertificates } from "node:tls";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { Agent } from "undici";

export type Trust = {
  /** PEM file with certificates to trust besides the usual ones. */
  readonly ca?: string | undefined;
  /** Accepts any certificate. */
  readonly insecureSkipVerify?: boolean | undefined;
};

/** Node reads only the first certificate of a text, so each one has to be given separately. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Agents are kept for the life of the process, because they hold the connections; there is one per kind of trust. */
const agents = new Map<string, Agent>();

/** `base` itself when nothing special is to be trusted. A call throws `authority-unreadable`; `name` is for that error. */
export function trustingFetch(base: typeof fetch, name: string, trust: Trust): typeof fetch {
  if (trust.ca === undefined && trust.insecureSkipVerify !== true) return base;
  return async (address, init) => base(address, { ...init, dispatcher: await agentOf(name, trust) } as RequestInit);
}

/** The content of `ca:`. Throws `authority-unreadable`. It is read for every call, so that it can be renewed. */
export async function authorityOf(name: string, { ca }: Trust): Promise<string | undefined> {
  if (ca === undefined) return undefined;
  const refuse = (problem: string): GantryError => new GantryError("authority-unreadable", { system: name, problem });
  const text = await readFile(ca, "utf8").catch((error: unknown) => {
    throw refuse(`The file ${ca} cannot be read: ${fileProblem(error)}.`);
  });
  if (!text.includes("-----BEGIN CERTIFICATE-----")) throw refuse(`${ca} does not contain a PEM certificate.`);
  return text;
}

async function agentOf(name: string, trust: Trust): Promise<Agent> {
  const authority = await authorityOf(name, trust);
  const key = JSON.stringify([authority, trust.insecureSkipVerify === true]);
  const known = agents.get(key);
  if (known) return known;
  const agent = new Agent({
    connect: {
      ...(authority === undefined ? {} : { ca: [...getCACertificates(), ...(authority.match(CERTIFICATE) ?? [])] }),
      ...(trust.insecureSkipVerify === true ? { rejectUnauthorized: false } : {}),
    },
  });
  agents.set(key, agent);
  return agent;
}
