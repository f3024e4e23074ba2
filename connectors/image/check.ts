// What Gantry's account may do in a registry that is not Harbor.

import type { RegistrySystem } from "@gantry/core/site/systems.ts";
import { type Check, each, examine, yes } from "../examine.ts";
import { mayPull, mayPush } from "../oci/may-use.ts";
import { createTransport } from "../oci/transport.ts";
import { siteRegistryOptions } from "./site-registry.ts";

const NO_IMAGE = "no app has an image yet";

export const checkRegistry: Check<RegistrySystem> = async (system, known, access) => {
  const registry = createTransport(siteRegistryOptions(access, system));
  return examine(
    "registry",
    system,
    async () => {
      await (await registry({ method: "GET", address: "v2/", scopes: [], what: "sign in" })).body?.cancel();
      return yes(system.username === undefined ? "without an account" : `as ${system.username}`);
    },
    {
      pull: () => each(known.images, NO_IMAGE, (repository) => mayPull(registry, repository)),
      push: () => each(known.images, NO_IMAGE, (repository) => mayPush(registry, repository)),
    },
    system.site === undefined ? undefined : ["pull"],
  );
};
