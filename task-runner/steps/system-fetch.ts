// The `fetch` of a step: applies the TLS settings of the site's systems, by the origin of the address that is called. Every
// connector uses this `fetch`, so none of them knows about certificates.

import { readFile } from "node:fs/promises";
import { getCACertificates } from "node:tls";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { Agent } from "undici";
import type { SystemSettings } from "../config.ts";

/** Node reads only the first certificate of a text, so each one has to be given separately. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

type Settings = { readonly [name: string]: SystemSettings };

/** Agents are kept for the life of the process, because they hold the connections; there is one per kind of trust. */
const agents = new Map<string, Agent>();

/** Calls `base` unchanged for every address that is none of a system with `ca:` or `insecureSkipVerify:`. */
export function systemFetch(base: typeof fetch, systems: Settings): typeof fetch {
  const special = Object.entries(systems)
    .filter(([, { ca, insecureSkipVerify }]) => ca !== undefined || insecureSkipVerify === true)
    .map(([name, settings]) => ({ name, settings, origins: originsOf(settings) }));
  if (special.length === 0) return base;
  return async (address, init) => {
    const { origin } = new URL(address instanceof Request ? address.url : address);
    const found = special.find(({ origins }) => origins.includes(origin));
    if (!found) return base(address, init);
    const dispatcher = await agentOf(found.name, found.settings);
    return base(address, { ...init, dispatcher } as RequestInit);
  };
}

/** The content of `ca:`. Throws `authority-unreadable`. It is read for every call, so that it can be renewed. */
export async function authorityOf(name: string, { ca }: Pick<SystemSettings, "ca">): Promise<string | undefined> {
  if (ca === undefined) return undefined;
  const refuse = (problem: string): GantryError => new GantryError("authority-unreadable", { system: name, problem });
  const text = await readFile(ca, "utf8").catch((error: unknown) => {
    throw refuse(`The file ${ca} cannot be read: ${fileProblem(error)}.`);
  });
  if (!text.includes("-----BEGIN CERTIFICATE-----")) throw refuse(`${ca} holds no PEM certificate.`);
  return text;
}

async function agentOf(name: string, settings: SystemSettings): Promise<Agent> {
  const authority = await authorityOf(name, settings);
  const key = JSON.stringify([authority, settings.insecureSkipVerify === true]);
  const known = agents.get(key);
  if (known) return known;
  const agent = new Agent({
    connect: {
      ...(authority === undefined ? {} : { ca: [...getCACertificates(), ...(authority.match(CERTIFICATE) ?? [])] }),
      ...(settings.insecureSkipVerify === true ? { rejectUnauthorized: false } : {}),
    },
  });
  agents.set(key, agent);
  return agent;
}

function originsOf(settings: SystemSettings): readonly string[] {
  const addresses = [
    settings.url,
    ...("api" in settings && settings.api !== undefined ? [settings.api] : []),
    ...("cloneBase" in settings && settings.cloneBase !== undefined ? [settings.cloneBase] : []),
    ...("registry" in settings && settings.registry !== undefined ? [`https://${settings.registry}`] : []),
  ];
  return addresses.map((one) => new URL(one).origin);
}
