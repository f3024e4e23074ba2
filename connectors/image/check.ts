// What Gantry's account may do in a registry that is not Harbor.

import type { RegistrySystem } from "@gantry/core/site/systems.ts";
import { type Check, each, examine, yes } from "../examine.ts";
import { mayPush } from "../oci/may-push.ts";
import { createTransport } from "../oci/transport.ts";
import { siteRegistryOptions } from "./site-registry.ts";

export const checkRegistry: Check<RegistrySystem> = async (system, known, access) => {
  const registry = createTransport(siteRegistryOptions(access, system));
  return examine(
    "registry",
    system,
    async () => {
      await (await registry({ method: "GET", address: "v2/", scopes: [], what: "sign in" })).body?.cancel();
      return yes(system.username === undefined ? "without an account" : `as ${system.username}`);
    },
    { push: () => each(known.images, "no app has an image yet", (repository) => mayPush(registry, repository)) },
  );
};
