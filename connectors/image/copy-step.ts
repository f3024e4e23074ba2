// image/copy: brings the images of a build into the registry of the site that deploys them. The runner of that site reads
// from the registry of the site that built them and writes to its own (docs/decisions/0031).

import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { counted } from "@gantry/core/count.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import { failed, failureOf, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { createHarbor } from "../harbor/client.ts";
import { isDigest, isRepositoryName } from "../oci/reference.ts";
import { outlastRestart } from "../outlast.ts";
import { copyImage } from "./copy-image.ts";
import { type ImageSystem, imageSystem, REGISTRY_KINDS, registryHost, siteRegistry } from "./site-registry.ts";

const inputSchema = z.strictObject({
  images: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(512),
        repository: z
          .string()
          .refine((name) => isRepositoryName(name) && name.includes("/"), "must be project/name in lower case")
          .describe("project/name, the same in both registries."),
        digest: z.string().refine(isDigest, "must be a digest: sha256: and 64 hexadecimal digits"),
      }),
    )
    .min(1)
    .max(50),
  from: z.string().min(1).max(63).describe("The site that built the images."),
  copy: z
    .boolean()
    .default(true)
    .describe("False: only say whether they are there, and the names that they would have."),
});
type Input = z.output<typeof inputSchema>;
type Image = Input["images"][number];
type Context = StepContext<Input, (typeof REGISTRY_KINDS)[number]>;

const found = z.object({ name: z.string(), image: z.string(), digest: z.string(), ref: z.string() });

export const copy = defineStep({
  name: "image/copy",
  title: "Bring the images to the registry of the site",
  input: inputSchema,
  output: z.object({
    /** The names that the images have at this site. Empty for a site without a registry. */
    images: z.array(found),
    /** How many of them were not there. */
    copied: z.int(),
  }),
  needs: [...REGISTRY_KINDS],
  acts: ({ images, copy: brings }) =>
    images.map(({ repository }) => ({ kind: "image", access: brings ? "change" : "read", repository })),
  effects: ["create-project", "copy"],
  retry: USUAL_RETRY,
  timeoutMs: 60 * 60_000,
  plan: async (context) => {
    const own = registryOrNone(context);
    if (own === undefined) return [];
    const { images, from, copy: brings } = context.input;
    if (!brings) return [];
    return images.map(({ repository }) => `Copy ${repository} from the registry of ${from} to ${titleOf(own)}.`);
  },
  run: (context) =>
    outlastRestart(context, async () => {
      const { input, log, task } = context;
      const own = registryOrNone(context);
      if (own === undefined) {
        log(`Site ${task.site} has no registry. Its clusters pull from the registry of ${input.from}.`);
        return succeeded({ images: [], copied: 0 });
      }
      // All are looked up first: if one is missing, the others are not copied either.
      const looked: Looked[] = [];
      for (const image of input.images) {
        const one = await lookUp(context, own, image);
        if (one instanceof GantryError) return failed(failureOf(one));
        looked.push(one);
      }
      let copied = 0;
      if (input.copy)
        for (const [index, one] of looked.entries()) if (await bring(context, own, one, index)) copied += 1;
      const images = input.images.map(({ name, repository, digest }) => {
        const path = `${registryHost(own)}/${repository}`;
        return { name, image: path, digest, ref: `${path}@${digest}` };
      });
      return succeeded({ images, copied });
    }),
});

type Looked = Image & {
  readonly isThere: boolean;
  /** The registry to copy it from; undefined: there is nothing to copy. */
  readonly source: ImageSystem | undefined;
};

/** An error: it is in neither registry, or there is nowhere to copy it from. */
async function lookUp(context: Context, own: ImageSystem, image: Image): Promise<Looked | GantryError> {
  const { input, log, task } = context;
  const { repository, digest } = image;
  const ref = `${registryHost(own)}/${repository}@${digest}`;
  const isThere = (await siteRegistry(context, own).headManifest(repository, digest)) !== undefined;
  const other = input.from === task.site ? undefined : registryOrNone(context, input.from);
  if (other === undefined || registryHost(other) === registryHost(own)) {
    if (isThere) {
      log(`${ref} exists`);
      return { ...image, isThere, source: undefined };
    }
    if (input.from === task.site || other !== undefined) return missing(ref, own);
    return new GantryError("image-not-copied", { image: ref, system: titleOf(own), from: input.from, site: task.site });
  }
  context.require({ kind: "image", access: "read", repository, system: other.name });
  if (!isThere && (await siteRegistry(context, other).headManifest(repository, digest)) === undefined)
    return missing(`${registryHost(other)}/${repository}@${digest}`, other);
  return { ...image, isThere, source: other };
}

/** Whether it was not there and was copied. */
async function bring(
  context: Context,
  own: ImageSystem,
  { repository, digest, isThere, source: other }: Looked,
  ordinal: number,
): Promise<boolean> {
  if (other === undefined) return false;
  const { log } = context;
  const [source, target] = [siteRegistry(context, other), siteRegistry(context, own)];
  const ref = `${registryHost(own)}/${repository}@${digest}`;
  if (!isThere) await ensureProject(context, own, repository);
  const work = { source, target, repository, log };
  try {
    const { manifests, blobs } = await context.effect({
      name: "copy",
      ordinal,
      what: `copy ${repository} (${digest.slice(0, 19)}) from ${titleOf(other)} to ${titleOf(own)}`,
      // What an interrupted copy has brought is not sent again.
      probe: async () => undefined,
      perform: async () => {
        const scratch = await mkdtemp(join(context.home, "copy-"));
        try {
          const done = await copyImage({ ...work, scratch }, digest);
          return { manifests: done?.manifests ?? 0, blobs: done?.blobs ?? 0 };
        } finally {
          await rm(scratch, { recursive: true, force: true });
        }
      },
    });
    log(`${ref}: ${counted(manifests, "manifest")} compared, ${counted(blobs, "blob")} copied from ${titleOf(other)}`);
    return !isThere;
  } catch (error) {
    // An image that is there can be deployed while the registry that it came from is away.
    if (!isThere || !(error instanceof GantryError)) throw error;
    log(`${ref} exists. Its signatures and attestations were not looked for: ${explain(error).message}`);
    return false;
  }
}

/** Harbor takes images only into projects that exist. One that exists is used unchanged: its settings belong to its owner. */
async function ensureProject(context: Context, own: ImageSystem, repository: string): Promise<void> {
  if (own.kind !== "harbor") return;
  const [project = ""] = repository.split("/");
  const client = createHarbor(own, context);
  if (await client.findProject(project)) return;
  context.require({ kind: "image-project", access: "create", project, system: own.name });
  await context.effect({
    name: "create-project",
    what: `create the project ${project} in ${titleOf(own)}`,
    probe: async () => ((await client.findProject(project)) ? { created: true } : undefined),
    perform: async () => ({ created: await client.createProject(project, { public: "false", auto_scan: "true" }) }),
  });
  context.log(`created the project ${project} in ${titleOf(own)}`);
}

function missing(ref: string, system: ImageSystem): GantryError {
  return new GantryError("image-missing", { image: ref, system: titleOf(system) });
}

/** Undefined where this site has none, or knows none of that site. */
function registryOrNone(context: Context, ofSite?: string): ImageSystem | undefined {
  try {
    return imageSystem(context, ofSite === undefined ? undefined : { ofSite });
  } catch (error) {
    if (error instanceof GantryError && error.code === "system-missing") return undefined;
    throw error;
  }
}

function titleOf({ title, name }: ImageSystem): string {
  return title ?? name;
}
