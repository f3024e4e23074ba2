// The `fetch` of a step: applies the TLS settings of the site's systems, by the origin of the address that is called, and
// guards all other addresses. Every connector uses this `fetch`, so none of them knows about certificates.

import { guardedFetch } from "@gantry/runtime/http/guarded-fetch.ts";
import { trustingFetch } from "@gantry/runtime/http/trusting-fetch.ts";
import type { SystemSettings } from "../config.ts";

type Settings = { readonly [name: string]: SystemSettings };

/**
 * Calls the systems of the site as their settings say, and every other address only if the guard allows it: also after a
 * redirect, and only the address that was checked. Rejects with `address-refused`. Without `allow` every address is called.
 */
export function systemFetch(base: typeof fetch, systems: Settings, allow?: readonly string[]): typeof fetch {
  const known = Object.entries(systems).map(([name, settings]) => ({
    origins: originsOf(settings),
    through: trustingFetch(base, name, settings),
  }));
  const others = allow ? guardedFetch(base, allow) : base;
  return async (address, init) => {
    const { origin } = new URL(address instanceof Request ? address.url : address);
    const found = known.find(({ origins }) => origins.includes(origin));
    if (found) return found.through(address, init);
    return others(address, init);
  };
}

function originsOf(settings: SystemSettings): readonly string[] {
  const addresses = [
    settings.url,
    ...("api" in settings && settings.api !== undefined ? [settings.api] : []),
    ...("cloneBase" in settings && settings.cloneBase !== undefined ? [settings.cloneBase] : []),
    ...("registry" in settings && settings.registry !== undefined
      ? [`${new URL(settings.url).protocol}//${settings.registry}`]
      : []),
  ];
  return addresses.map((one) => new URL(one).origin);
}
