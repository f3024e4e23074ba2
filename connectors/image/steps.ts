// image/build-push: makes an image of a Dockerfile and brings it into the site's registry, sending only what is missing.

import { copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { failed, failureOf, type StepOutcome, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { createRegistry, type Registry } from "../oci/client.ts";
import { parsePlatform } from "../oci/manifest.ts";
import { type ImageReference, isRepositoryName, isTag, registryUrl } from "../oci/reference.ts";
import { outlastRestart } from "../outlast.ts";
import { readPlainFile } from "../plain-file.ts";
import { assembleImage, platformArguments } from "./assemble.ts";
import { readIgnoreText } from "./build-context.ts";
import { type BuildRequest, findBuilders, ignoreFile, prepareBuild, runBuilder } from "./builders.ts";
import { type Builder, decideBuilder, findObstacle, REAL_BUILDERS, type RealBuilder } from "./decide-builder.ts";
import { hostsOf } from "./decide-hosts.ts";
import { type Dockerfile, parseDockerfile } from "./dockerfile/dockerfile.ts";
import { readLayout } from "./oci-layout.ts";
import { type BuiltImage, digestOf, findMarked, type PushResult, pushImage, tagImage } from "./push-image.ts";
import { type ReferencedImage, referencedImages } from "./referenced-images.ts";
import {
  accountOf,
  type ImageSystem,
  imageSystem,
  REGISTRY_KINDS,
  registryHost,
  siteRegistry,
} from "./site-registry.ts";

const inputSchema = z.strictObject({
  context: z.string().default(".").describe("Folder of the build context, below the workspace."),
  dockerfile: z.string().default("Dockerfile").describe("Path of the Dockerfile, below the context."),
  repository: z
    .string()
    .refine((name) => isRepositoryName(name) && name.includes("/"), "must be project/name in lower case")
    .describe("project/name in the site's registry."),
  system: z.string().optional().describe("Which registry, where the site has several."),
  tags: z.array(z.string().refine(isTag, "must be a tag: letters, digits, `_`, `.` and `-`")).min(1).max(20),
  labels: z.record(z.string().min(1), z.string()).default({}),
  buildArgs: z.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/), z.string()).default({}),
  platform: z
    .string()
    .refine((text) => parsePlatform(text) !== undefined, "must be os/architecture")
    .optional(),
  builder: z.enum(["auto", "assembler", ...REAL_BUILDERS]).default("auto"),
});
type Input = z.output<typeof inputSchema>;

const outputSchema = z.object({
  image: z.string(),
  digest: z.string(),
  ref: z.string(),
  tags: z.array(z.string()),
  builder: z.string(),
  blobsPushed: z.int(),
  blobsPresent: z.int(),
});
/** A Dockerfile that is wrong, or does not build. */
const USERS_MISTAKES: readonly string[] = ["dockerfile-invalid", "build-failed", "script-failed", "address-refused"];
type Output = z.output<typeof outputSchema>;
type Context = StepContext<Input, "harbor" | "registry">;

export const buildPush = defineStep<Input, Output, "harbor" | "registry">({
  name: "image/build-push",
  title: "Build the image and push it",
  input: inputSchema,
  output: outputSchema,
  needs: [...REGISTRY_KINDS],
  acts: ({ repository, system }) => [{ kind: "image", access: "change", repository, system }],
  runsCode: true,
  effects: ["push"],
  retry: USUAL_RETRY,
  timeoutMs: 60 * 60_000,
  plan: async (context) => {
    const { input } = context;
    const image = `${registryHost(imageSystem(context, input.system))}/${input.repository}`;
    const builder = input.builder === "auto" ? "the first builder that can" : input.builder;
    return [
      `Build ${join(input.context, input.dockerfile)} with ${builder}.`,
      `Push ${image} with the tags ${input.tags.join(", ")}, sending only the blobs that it lacks.`,
    ];
  },
  run: (context) => outlastRestart(context, (_, outageMs) => buildInScratch(context, outageMs > 0)),
});

async function buildInScratch(context: Context, isAfterOutage: boolean): Promise<StepOutcome<Output>> {
  // Nothing is built again for a registry that is still away.
  if (isAfterOutage) await mustAnswer(context);
  const scratch = await mkdtemp(join(context.home, "image-"));
  try {
    return await buildAndPush(context, scratch);
  } catch (error) {
    // A Dockerfile that is wrong, or does not build, is the user's work failing.
    if (error instanceof GantryError && USERS_MISTAKES.includes(error.code)) {
      return failed(failureOf(error));
    }
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function mustAnswer(context: Context): Promise<void> {
  const { repository, system, tags } = context.input;
  const registry = siteRegistry(context, context.system("harbor", system));
  await registry.headManifest(repository, tags[0] ?? "latest");
}

async function buildAndPush(context: Context, scratch: string): Promise<StepOutcome<Output>> {
  const { input, log } = context;
  const site = imageSystem(context, input.system);
  const folder = await folderBelow(context.workspace, input.context, "context");
  const file = await folderBelow(folder, input.dockerfile, "dockerfile");
  const { dockerfile, problems } = parseDockerfile(
    await readDockerfile(folder, file, input.dockerfile),
    input.dockerfile,
  );
  const [first] = problems;
  if (first) {
    throw new GantryError("dockerfile-invalid", { problem: `line ${first.line}: ${first.detail}` }, { problems });
  }
  const buildArgs = argumentsOf(dockerfile, input, site);
  const known = { ...platformArguments(input.platform), ...buildArgs };
  const readable = referencedImages(dockerfile, known, registryHost(site));
  // Base images are read with the account of the site, which can read those of every app.
  for (const { repository } of readable)
    context.require({ kind: "image", access: "read", repository, system: input.system });
  const built = await build(context, { dockerfile, folder, file, buildArgs, known, scratch, site, readable });
  const registry = siteRegistry(context, site);
  const { digest, blobsPushed, blobsPresent } = await push(context, registry, built.image, scratch);
  const image = `${registryHost(site)}/${input.repository}`;
  log(`${image}@${digest}: ${blobsPushed} blobs sent, ${blobsPresent} were there`);
  return succeeded({
    image,
    digest,
    ref: `${image}@${digest}`,
    tags: input.tags,
    builder: built.builder,
    blobsPushed,
    blobsPresent,
  });
}

const MAX_DOCKERFILE = 1_048_576;

async function readDockerfile(folder: string, file: string, name: string): Promise<string> {
  const text = await readPlainFile(folder, file, { name, maxBytes: MAX_DOCKERFILE });
  if (text !== undefined) return text;
  throw new GantryError("bad-input", { step: "image/build-push", problem: `dockerfile: there is no ${name}` });
}

type Build = {
  readonly dockerfile: Dockerfile;
  readonly folder: string;
  readonly file: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** The build arguments with those that every build has, such as TARGETARCH. */
  readonly known: Readonly<Record<string, string>>;
  readonly scratch: string;
  readonly site: ImageSystem;
  /** Repositories of the site's registry that may be read with its account. */
  readonly readable: readonly ReferencedImage[];
};

async function build(context: Context, work: Build): Promise<{ builder: Builder; image: BuiltImage }> {
  const { input, log, exec } = context;
  const obstacle = findObstacle(work.dockerfile, work.known);
  const realNeeded = obstacle !== undefined || !["auto", "assembler"].includes(input.builder);
  const available = realNeeded ? await findBuilders(exec) : [];
  const builder = decideBuilder({ requested: input.builder, available, obstacle, file: input.dockerfile });
  if (obstacle) log(`line ${obstacle.line}: ${obstacle.instruction} ${obstacle.why}; building with ${builder}`);
  if (builder !== "assembler") return { builder, image: await buildWith(context, work, builder) };
  try {
    return { builder, image: await assemble(context, work) };
  } catch (error) {
    // Only the base image showed that a real builder is needed.
    if (!(error instanceof GantryError) || error.code !== "no-builder" || input.builder !== "auto") throw error;
    const [other] = await findBuilders(exec);
    if (!other) throw error;
    log(`${error.details.problem} Building with ${other}.`);
    return { builder: other, image: await buildWith(context, work, other) };
  }
}

function assemble(
  context: Context,
  { dockerfile, folder, buildArgs, scratch, site, readable }: Build,
): Promise<BuiltImage> {
  const own = siteRegistry(context, site);
  return assembleImage({
    dockerfile,
    context: folder,
    file: context.input.dockerfile,
    buildArgs,
    labels: context.input.labels,
    platform: context.input.platform,
    registryOf: (reference) => {
      const isReadable =
        reference.host === registryHost(site) && readable.some(({ repository }) => repository === reference.repository);
      return isReadable ? own : otherRegistry(context, reference);
    },
    scratch,
    cache: context.cache,
  });
}

async function buildWith(context: Context, work: Build, builder: RealBuilder): Promise<BuiltImage> {
  const { input, exec } = context;
  const { site, scratch, readable } = work;
  await checkHosts(context, work);
  const dockerfile = await copyDockerfile(context, work);
  const request: BuildRequest = {
    builder,
    context: work.folder,
    dockerfile,
    layout: join(scratch, "layout"),
    scratch,
    bases: readable.map(({ name }) => name),
    buildArgs: work.buildArgs,
    labels: input.labels,
    platform: input.platform,
    insecure: new URL(site.url).protocol === "http:",
  };
  const account = accountOf(site);
  await prepareBuild(request, {
    host: registryHost(site),
    ...(account ?? { username: "", password: "" }),
    repositories: account ? readable.map(({ repository }) => repository) : [],
  });
  await runBuilder(request, exec, { dockerfile: work.dockerfile, file: input.dockerfile });
  return readLayout(request.layout, builder);
}

/** A builder calls what the Dockerfile names, and quotes the answers in its output. Throws `address-refused`. */
async function checkHosts({ checkHost }: Context, { dockerfile, known, site }: Build): Promise<void> {
  for (const { host, line, instruction } of hostsOf(dockerfile, known)) {
    if (host === registryHost(site)) continue;
    await checkHost(new URL(`http://${host}`).hostname).catch((error: unknown) => {
      if (!(error instanceof GantryError) || error.code !== "address-refused") throw error;
      const address = `${host} (line ${line}, ${instruction})`;
      throw new GantryError(error.code, { ...error.details, address }, { cause: error });
    });
  }
}

/** Every builder gets the ignore patterns of the assembler, so all of them see the same files. */
async function copyDockerfile({ input }: Context, { folder, file, scratch }: Build): Promise<string> {
  const copy = join(scratch, "dockerfile", basename(file));
  await mkdir(dirname(copy));
  await copyFile(file, copy);
  await writeFile(ignoreFile({ dockerfile: copy }), await readIgnoreText(folder, input.dockerfile));
  return copy;
}

function push(context: Context, registry: Registry, image: BuiltImage, scratch: string): Promise<PushResult> {
  const { input, log } = context;
  const { repository, tags } = input;
  const digest = digestOf(image);
  const options = { registry, repository, image, tags, scratch, log };
  return context.effect({
    name: "push",
    what: `push ${repository}:${tags.join(",")} (${digest.slice(0, 19)})`,
    probe: async (key) => {
      const there = await Promise.all(tags.map((tag) => registry.headManifest(repository, tag)));
      const blobsPresent = image.blobs.length;
      if (there.every((one) => one === digest)) return { digest, blobsPushed: 0, blobsPresent };
      // An image that cannot be built twice has another digest now. What an earlier attempt pushed and marked counts.
      const marked = await findMarked(registry, repository, tags[0] ?? "", key);
      if (image.reproducible || marked === undefined) return undefined;
      for (const tag of tags) await tagImage(options, marked, tag);
      return { digest: marked, blobsPushed: 0, blobsPresent };
    },
    perform: (key) => pushImage(image.reproducible ? options : { ...options, mark: key }),
  });
}

/** Build arguments, and the site's registry for a Dockerfile that asks for it with `ARG REGISTRY`. */
function argumentsOf(dockerfile: Dockerfile, input: Input, site: ImageSystem): Readonly<Record<string, string>> {
  const asks = dockerfile.args.some(({ pairs }) => pairs.some(([name]) => name === "REGISTRY"));
  return { ...(asks ? { REGISTRY: registryHost(site) } : {}), ...input.buildArgs };
}

/** Base images of elsewhere are read without credentials. */
function otherRegistry({ fetch, signal, nowMs }: Context, { host }: ImageReference): Registry {
  return createRegistry({ title: host, url: registryUrl(host), isForeign: true, fetch, signal, nowMs });
}

/** A path below a folder, with all links followed; it must not lead out. */
async function folderBelow(root: string, path: string, field: string): Promise<string> {
  const bad = (problem: string): GantryError =>
    new GantryError("bad-input", { step: "image/build-push", problem: `${field}: ${problem}` });
  const inside = await realpath(root);
  let real: string;
  try {
    real = await realpath(resolve(inside, path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw bad(`there is no ${path} in the workspace`);
  }
  const way = relative(inside, real);
  if (isAbsolute(way) || way === ".." || way.startsWith(`..${sep}`)) throw bad(`${path} leads out of the workspace`);
  return real;
}
