// The `fetch` of a step: applies the TLS settings of the site's systems, by the origin of the address that is called. Every
// connector uses this `fetch`, so none of them knows about certificates.

import { trustingFetch } from "@gantry/runtime/http/trusting-fetch.ts";
import type { SystemSettings } from "../config.ts";

type Settings = { readonly [name: string]: SystemSettings };

/** Calls `base` unchanged for every address that is none of a system with `ca:` or `insecureSkipVerify:`. */
export function systemFetch(base: typeof fetch, systems: Settings): typeof fetch {
  const special = Object.entries(systems)
    .filter(([, { ca, insecureSkipVerify }]) => ca !== undefined || insecureSkipVerify === true)
    .map(([name, settings]) => ({ origins: originsOf(settings), through: trustingFetch(base, name, settings) }));
  if (special.length === 0) return base;
  return async (address, init) => {
    const { origin } = new URL(address instanceof Request ? address.url : address);
    const found = special.find(({ origins }) => origins.includes(origin));
    return (found?.through ?? base)(address, init);
  };
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
