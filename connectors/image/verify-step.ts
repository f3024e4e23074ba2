// image/verify: asks the registry for an image before anything is changed that names it.

import { GantryError } from "@gantry/core/errors.ts";
import { failed, failureOf, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { isDigest, isRepositoryName } from "../oci/reference.ts";
import { registryHost, siteRegistry } from "./site-registry.ts";

export const verify = defineStep({
  name: "image/verify",
  title: "Verify that the image exists",
  input: z.strictObject({
    repository: z
      .string()
      .refine((name) => isRepositoryName(name) && name.includes("/"), "must be project/name in lower case")
      .describe("project/name in the site's Harbor."),
    digest: z.string().refine(isDigest, "must be a digest: sha256: and 64 hexadecimal digits"),
    system: z.string().optional().describe("Which Harbor, where the site has several."),
  }),
  output: z.object({ image: z.string(), digest: z.string(), ref: z.string() }),
  needs: ["harbor"],
  acts: ({ repository, system }) => [{ kind: "image", access: "read", repository, system }],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 5 * 60_000,
  plan: async () => [],
  run: async (context) => {
    const { repository, digest } = context.input;
    const harbor = context.system("harbor", context.input.system);
    const image = `${registryHost(harbor)}/${repository}`;
    const ref = `${image}@${digest}`;
    if ((await siteRegistry(context, harbor).headManifest(repository, digest)) === undefined)
      return failed(failureOf(new GantryError("image-missing", { image: ref, system: harbor.title ?? harbor.name })));
    context.log(`${ref} exists`);
    return succeeded({ image, digest, ref });
  },
});
