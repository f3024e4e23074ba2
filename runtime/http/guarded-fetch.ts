// A `fetch` for addresses that people choose: it dials only what the guard has checked.

import { GantryError } from "@gantry/core/errors.ts";
import { Agent, buildConnector } from "undici";
import { type OutboundGuard, openOutboundGuard } from "./outbound-guard.ts";

/** One guard per list, because its connections are kept with it. */
const guards = new Map<string, GuardedAgent>();
type GuardedAgent = { readonly guard: OutboundGuard; readonly agent: Agent };

/** The guard for what may be called besides public and private addresses; see `openOutboundGuard`. */
export function guardFor(allow: readonly string[]): OutboundGuard {
  return guarded(allow).guard;
}

/** Also after a redirect. Rejects with `address-refused`. */
export function guardedFetch(base: typeof fetch, allow: readonly string[]): typeof fetch {
  return async (address, init) => {
    const { guard, agent } = guarded(allow);
    guard.checkLiteral(new URL(address instanceof Request ? address.url : address).hostname);
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
