// The `fetch` of a step: applies the TLS settings of the site's systems, by the origin of the address that is called, and
// guards all other addresses. Every connector uses this `fetch`, so none of them knows about certificates.

import { GantryError } from "@gantry/core/errors.ts";
import { type OutboundGuard, openOutboundGuard } from "@gantry/runtime/http/outbound-guard.ts";
import { trustingFetch } from "@gantry/runtime/http/trusting-fetch.ts";
import { Agent, buildConnector } from "undici";
import type { SystemSettings } from "../config.ts";

type Settings = { readonly [name: string]: SystemSettings };

/** One guard per list, because its connections are kept with it. */
const guards = new Map<string, GuardedAgent>();
type GuardedAgent = { readonly guard: OutboundGuard; readonly agent: Agent };

/** The guard for a list of `outbound.allow`. */
export function guardFor(allow: readonly string[]): OutboundGuard {
  return guarded(allow).guard;
}

/**
 * Calls the systems of the site as their settings say, and every other address only if the guard allows it: also after a
 * redirect, and only the address that was checked. Rejects with `address-refused`. Without `allow` every address is called.
 */
export function systemFetch(base: typeof fetch, systems: Settings, allow?: readonly string[]): typeof fetch {
  const known = Object.entries(systems).map(([name, settings]) => ({
    origins: originsOf(settings),
    through: trustingFetch(base, name, settings),
  }));
  return async (address, init) => {
    const { origin, hostname } = new URL(address instanceof Request ? address.url : address);
    const found = known.find(({ origins }) => origins.includes(origin));
    if (found) return found.through(address, init);
    if (!allow) return base(address, init);
    const { guard, agent } = guarded(allow);
    guard.checkLiteral(hostname);
    try {
      return await base(address, { ...init, dispatcher: agent } as RequestInit);
    } catch (error) {
      throw error instanceof Error && error.cause instanceof GantryError ? error.cause : error;
    }
  };
}

function guarded(allow: readonly string[]): GuardedAgent {
  const key = JSON.stringify(allow);
  const known = guards.get(key);
  if (known) return known;
  const guard = openOutboundGuard(allow);
  const connect = buildConnector({ lookup: guard.lookup });
  const agent = new Agent({
    // Node looks up no host that is an address, so those are checked here: a redirect may lead to one.
    connect: (options, done) => {
      try {
        guard.checkLiteral(options.hostname);
      } catch (error) {
        done(error as GantryError, null);
        return;
      }
      connect(options, done);
    },
  });
  guards.set(key, { guard, agent });
  return { guard, agent };
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
