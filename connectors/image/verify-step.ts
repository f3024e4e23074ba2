// image/verify and image/verify-images: ask the registry for images before anything is changed that names them.

import { GantryError } from "@gantry/core/errors.ts";
import { failed, failureOf, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { isDigest, isRepositoryName } from "../oci/reference.ts";
import { outlastRestart } from "../outlast.ts";
import { imageSystem, REGISTRY_KINDS, registryHost, siteRegistry } from "./site-registry.ts";

const image = z.strictObject({
  repository: z
    .string()
    .refine((name) => isRepositoryName(name) && name.includes("/"), "must be project/name in lower case")
    .describe("project/name in the site's registry."),
  digest: z.string().refine(isDigest, "must be a digest: sha256: and 64 hexadecimal digits"),
  system: z.string().optional().describe("Which registry, where the site has several."),
});
const found = z.object({ image: z.string(), digest: z.string(), ref: z.string() });

export const verify = defineStep({
  name: "image/verify",
  title: "Verify that the image exists",
  input: image,
  output: found,
  needs: [...REGISTRY_KINDS],
  acts: ({ repository, system }) => [{ kind: "image", access: "read", repository, system }],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 15 * 60_000,
  plan: async () => [],
  run: (context) =>
    outlastRestart(context, async () => {
      const { missing, ...there } = await lookUp(context, context.input);
      return missing ? failed(failureOf(missing)) : succeeded(there);
    }),
});

export const verifyImages = defineStep({
  name: "image/verify-images",
  title: "Verify that the images exist",
  input: z.strictObject({
    images: z
      .array(image.extend({ name: z.string().min(1).max(512) }))
      .min(1)
      .max(50),
  }),
  output: z.object({ images: z.array(found.extend({ name: z.string() })) }),
  needs: [...REGISTRY_KINDS],
  acts: ({ images }) => images.map(({ repository, system }) => ({ kind: "image", access: "read", repository, system })),
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 15 * 60_000,
  plan: async () => [],
  run: (context) =>
    outlastRestart(context, async () => {
      const images: (z.output<typeof found> & { name: string })[] = [];
      for (const { name, ...one } of context.input.images) {
        const { missing, ...there } = await lookUp(context, one);
        if (missing) return failed(failureOf(missing));
        images.push({ name, ...there });
      }
      return succeeded({ images });
    }),
});

async function lookUp(
  context: StepContext<unknown, "harbor" | "registry">,
  { repository, digest, system }: z.output<typeof image>,
): Promise<z.output<typeof found> & { readonly missing?: GantryError }> {
  const site = imageSystem(context, system);
  const name = `${registryHost(site)}/${repository}`;
  const there = { image: name, digest, ref: `${name}@${digest}` };
  if ((await siteRegistry(context, site).headManifest(repository, digest)) === undefined) {
    const missing = new GantryError("image-missing", { image: there.ref, system: site.title ?? site.name });
    return { ...there, missing };
  }
  context.log(`${there.ref} exists`);
  return there;
}
