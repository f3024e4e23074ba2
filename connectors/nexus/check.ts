// What Gantry's account may do in a Nexus.

import type { NexusSystem } from "@gantry/core/site/systems.ts";
import { type Check, each, examine, no, unknown, yes } from "../examine.ts";
import { createNexus, type Repository } from "./client.ts";

export const checkNexus: Check<NexusSystem> = async (system, _known, { fetch, signal }) => {
  const nexus = createNexus(system, fetch, signal);
  const names = Object.values(system.repositories).filter((name) => name !== undefined);
  let listed: readonly Repository[] = [];
  return examine(
    "nexus",
    system,
    async () => {
      listed = await nexus.repositories();
      if (system.username === undefined) return unknown("without an account, as anonymous");
      // Nexus shows nothing to an account without rights; a wrong password is refused with 401.
      return yes(`as ${system.username}`);
    },
    {
      download: () =>
        each(names, "`repositories:` of the system names none", async (name) => {
          const found = listed.find((one) => one.name === name);
          if (found === undefined) return no(`${name} does not exist, or the account may not see it`);
          return found.online ? yes(name) : no(`${name} is offline`);
        }),
    },
  );
};
