// The built-in assembler: makes an image of files and metadata without any builder. The same Dockerfile, files, base image
// and labels give the same digest in every attempt, on every day and on every runner: the image depends on no task, time or
// machine. Layers of the base image are only referred to.

import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { Registry } from "../oci/client.ts";
import {
  type Descriptor,
  type ImageConfig,
  OCI_CONFIG,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
  ociType,
  type Platform,
  parsePlatform,
  platformText,
  sha256,
} from "../oci/manifest.ts";
import type { ImageReference } from "../oci/reference.ts";
import { blobOfBytes, blobOfFile } from "../oci/upload.ts";
import { type Accounts, type BaseImage, filesOf, readBaseImage, type WantedPlatform } from "./base-image.ts";
import {
  type FileTree,
  parentsOf,
  readContext,
  readIgnoreText,
  type SourceFile,
  withParents,
} from "./build-context.ts";
import { entriesOf } from "./copy-files.ts";
import { decideBuilder, findObstacle, findStage } from "./decide-builder.ts";
import type { Dockerfile, Stage } from "./dockerfile/dockerfile.ts";
import { parseIgnore } from "./dockerfile/dockerignore.ts";
import {
  type Arguments,
  baseOf,
  interpretStage,
  PLATFORM_ARGUMENT,
  platformOf,
  runtimeOf,
} from "./dockerfile/interpret.ts";
import { type LayerEntry, packLayer } from "./layer.ts";
import type { BuiltImage, ImageBlob } from "./push-image.ts";

export type AssembleOptions = {
  readonly dockerfile: Dockerfile;
  /** Absolute path of the build context, and the name of the Dockerfile below it. */
  readonly context: string;
  readonly file: string;
  readonly buildArgs: Arguments;
  /** Labels of the image's config; those of `org.opencontainers.image.*` are also annotations of the manifest. */
  readonly labels: Readonly<Record<string, string>>;
  /** `linux/amd64`; undefined: `DEFAULT_PLATFORM`, and a base image may be for another one. */
  readonly platform: string | undefined;
  readonly registryOf: (reference: ImageReference) => Registry;
  /** A folder for layers; they must stay until the image is pushed. */
  readonly scratch: string;
  /** A folder that outlives the job. */
  readonly cache: string;
};

/** Throws `no-builder` when a real builder is needed, `dockerfile-invalid` for mistakes, and what registries throw. */
export async function assembleImage(options: AssembleOptions): Promise<BuiltImage> {
  const { dockerfile, file, buildArgs } = options;
  const target = dockerfile.stages.at(-1);
  if (!target) throw new GantryError("dockerfile-invalid", { problem: "there is no stage" });
  const given = { ...platformArguments(options.platform), ...buildArgs };
  const own = Object.keys(buildArgs).find((name) => PLATFORM_ARGUMENT.test(name));
  if (own !== undefined)
    throw new GantryError("no-builder", {
      problem: `The step sets the build argument ${own}, which every build has. The built-in assembler cannot do that.`,
    });
  const obstacle = findObstacle(dockerfile, given);
  decideBuilder({ requested: "assembler", available: [], obstacle, file });
  const context = await readContext(options.context, parseIgnore(await readIgnoreText(options.context, file)));
  const work: Work = {
    ...options,
    given,
    tree: context,
    layers: await mkdtemp(join(options.scratch, "layers-")),
    built: new Map(),
  };
  return imageOf(work, await buildStage(work, target));
}

type Work = AssembleOptions & {
  readonly given: Arguments;
  readonly tree: FileTree;
  readonly layers: string;
  readonly built: Map<Stage, StageResult>;
};

type StageResult = {
  readonly base: BaseImage | undefined;
  readonly config: ImageConfig;
  /** Layers of the base image. The config's diff_ids are theirs. */
  readonly below: readonly ImageBlob[];
  /** Layers of this file. They are packed only when the image needs them. */
  readonly added: readonly (readonly LayerEntry[])[];
  /** Files of this stage and its parents in the same file, without those of the base image. */
  readonly own: ReadonlyMap<string, LayerEntry>;
  /** Directories that these files have made. */
  readonly directories: ReadonlySet<string>;
  /** Working directories, as they are written. */
  readonly workdirs: readonly string[];
  /** Build arguments of this stage; a stage that begins from it inherits them. */
  readonly args: Arguments;
};

/** The date of everything, so that the day of the build does not change the digest. */
const EPOCH = "1970-01-01T00:00:00Z";

async function buildStage(work: Work, stage: Stage): Promise<StageResult> {
  const known = work.built.get(stage);
  if (known) return known;
  const parent = await parentOf(work, stage);
  if ((parent.config.config?.OnBuild ?? []).length > 0) {
    const place = `${work.file}, line ${stage.from.line}`;
    const problem = `${place}: FROM names an image with ONBUILD instructions. The built-in assembler cannot do that.`;
    throw new GantryError("no-builder", { problem });
  }
  const interpreted = interpretStage(work.dockerfile, stage, runtimeOf(parent.config), work.given, parent.args);
  if (interpreted.problems.length > 0) {
    const [first] = interpreted.problems;
    const details = { problem: `line ${first?.line}: ${first?.detail}` };
    throw new GantryError("dockerfile-invalid", details, { problems: interpreted.problems });
  }
  const files = filesOf(parent.base, work.cache);
  const own = new Map(parent.own);
  const directories = new Set(parent.directories);
  const workdirs = [...parent.workdirs];
  const added = [...parent.added];
  const history = [...(parent.config.history ?? [])];
  const changes = [...interpreted.changes];
  for (const { created_by, changesFiles } of interpreted.history) {
    const change = changesFiles ? changes.shift() : undefined;
    const tree = change?.from === undefined ? work.tree : await stageTree(work, stage, change.from);
    const entries = change
      ? await entriesOf(change, tree, {
          scratch: parent.base === undefined,
          own,
          directories,
          workdirs,
          volumes: Object.keys(interpreted.config.Volumes ?? {}),
          base: files.lookup,
          ownerOf: async (text) => files.ownerOf(text, await accountsIn(own)),
        })
      : [];
    if (change?.instruction === "WORKDIR") workdirs.push(change.destination.slice(1));
    history.push({ created: EPOCH, created_by, ...(entries.length === 0 ? { empty_layer: true } : {}) });
    if (entries.length === 0) continue;
    for (const entry of entries) own.set(entry.path, entry);
    for (const path of directoriesOf(entries)) directories.add(path);
    added.push(entries);
  }
  const { architecture, os, variant } = parent.config;
  const author = interpreted.author ?? parent.config.author;
  const config: ImageConfig = {
    created: EPOCH,
    ...(author ? { author } : {}),
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    config: interpreted.config,
    rootfs: parent.config.rootfs,
    // A base image may have no history; a partial history would be wrong.
    ...(parent.base && !parent.config.history ? {} : { history }),
  };
  const result = {
    base: parent.base,
    config,
    below: parent.below,
    added,
    own,
    directories,
    workdirs,
    args: interpreted.args,
  };
  work.built.set(stage, result);
  return result;
}

const MAX_ACCOUNTS = 16 * 1_048_576;

/** Accounts that the Dockerfile copies into the image take precedence over those of the base image. */
async function accountsIn(own: ReadonlyMap<string, LayerEntry>): Promise<Partial<Accounts>> {
  const textOf = async (path: string): Promise<string | undefined> => {
    const { content, size = 0 } = own.get(path) ?? {};
    if (size > MAX_ACCOUNTS) throw new GantryError("dockerfile-invalid", { problem: `/${path} has ${size} bytes` });
    return content && ("text" in content ? content.text : readFile(content.file, "utf8"));
  };
  const [passwd, group] = await Promise.all([textOf("etc/passwd"), textOf("etc/group")]);
  return { ...(passwd === undefined ? {} : { passwd }), ...(group === undefined ? {} : { group }) };
}

function* directoriesOf(entries: Iterable<LayerEntry>): Generator<string> {
  for (const { path, kind } of entries) {
    if (kind === "directory") yield path;
    yield* parentsOf(path);
  }
}

async function parentOf(work: Work, stage: Stage): Promise<StageResult> {
  const { dockerfile, given } = work;
  const name = baseOf(dockerfile, stage, given);
  const earlier = findStage(dockerfile.stages.slice(0, dockerfile.stages.indexOf(stage)), name);
  if (earlier) return buildStage(work, earlier);
  const wanted = wantedPlatform(work, stage);
  if (name === "scratch") {
    const { os, architecture, variant } = wanted.platform;
    const config: ImageConfig = {
      architecture,
      os,
      ...(variant === undefined ? {} : { variant }),
      config: {},
      rootfs: { type: "layers", diff_ids: [] },
      history: [],
    };
    return {
      base: undefined,
      config,
      below: [],
      added: [],
      own: new Map(),
      directories: new Set(),
      workdirs: [],
      args: {},
    };
  }
  const base = await readBaseImage(name, wanted, stage.from.line, work.registryOf);
  const layers = base.layers.map(
    (descriptor): ImageBlob => ({
      descriptor,
      from: { kind: "registry", registry: base.registry, repository: base.repository },
    }),
  );
  return {
    base,
    config: base.config,
    below: layers,
    added: [],
    own: new Map(),
    directories: new Set(),
    workdirs: [],
    args: {},
  };
}

function wantedPlatform(work: Work, stage: Stage): WantedPlatform {
  const own = platformOf(work.dockerfile, stage, work.given);
  const platform = (own ?? work.platform) === undefined ? DEFAULT_PLATFORM : parsePlatform(own ?? work.platform ?? "");
  if (platform) return { platform, isAsked: (own ?? work.platform) !== undefined };
  const detail = `FROM: --platform="${own}" must be os/architecture`;
  const { line } = stage.from;
  throw new GantryError("dockerfile-invalid", { problem: `line ${line}: ${detail}` }, { problems: [{ detail, line }] });
}

/** The files of an earlier stage, as a source of COPY. */
async function stageTree(work: Work, stage: Stage, reference: string): Promise<FileTree> {
  const { stages } = work.dockerfile;
  const earlier = findStage(stages.slice(0, stages.indexOf(stage)), reference);
  if (!earlier) throw new GantryError("no-builder", { problem: `There is no earlier stage ${reference}.` });
  const { own } = await buildStage(work, earlier);
  const files = [...own.values()].map(
    (entry): SourceFile => ({
      ...entry,
      executable: (entry.mode & 0o100) !== 0,
      owner: { uid: entry.uid, gid: entry.gid },
    }),
  );
  return withParents(new Map(files.map((file) => [file.path, file])));
}

async function imageOf(work: Work, { config, below, added }: StageResult): Promise<BuiltImage> {
  const layers = [...below];
  const diffIds = [...config.rootfs.diff_ids];
  for (const entries of added) {
    const { diffId, digest, size, file } = await packLayer(entries, join(work.layers, crypto.randomUUID()));
    diffIds.push(diffId);
    const descriptor = { mediaType: OCI_LAYER_GZIP, digest, size };
    layers.push({ descriptor, from: { kind: "local", blob: blobOfFile(digest, size, file) } });
  }
  const labels = { ...config.config?.Labels, ...work.labels };
  const document = {
    ...config,
    config: { ...config.config, ...(Object.keys(labels).length > 0 ? { Labels: sorted(labels) } : {}) },
    rootfs: { type: "layers", diff_ids: diffIds },
  };
  const configBytes = Buffer.from(JSON.stringify(document));
  const configDescriptor: Descriptor = { mediaType: OCI_CONFIG, digest: sha256(configBytes), size: configBytes.length };
  const annotations = Object.entries(work.labels).filter(([name]) => name.startsWith("org.opencontainers.image."));
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: configDescriptor,
    layers: layers.map(({ descriptor: { mediaType, digest, size } }) => ({
      mediaType: ociType(mediaType),
      digest,
      size,
    })),
    ...(annotations.length > 0 ? { annotations: sorted(Object.fromEntries(annotations)) } : {}),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return {
    manifests: [{ digest: sha256(bytes), mediaType: OCI_MANIFEST, bytes }],
    blobs: [
      ...layers,
      {
        descriptor: configDescriptor,
        from: { kind: "local", blob: blobOfBytes(configDescriptor.digest, configBytes) },
      },
    ],
    reproducible: true,
  };
}

function sorted(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export const DEFAULT_PLATFORM: Platform = { os: "linux", architecture: "amd64" };

/** The build arguments that every build has. */
export function platformArguments(platform: string | undefined): Arguments {
  const parsed = platform === undefined ? DEFAULT_PLATFORM : (parsePlatform(platform) ?? DEFAULT_PLATFORM);
  const text = platformText(parsed);
  const { os, architecture, variant = "" } = parsed;
  return {
    TARGETPLATFORM: text,
    TARGETOS: os,
    TARGETARCH: architecture,
    TARGETVARIANT: variant,
    BUILDPLATFORM: text,
    BUILDOS: os,
    BUILDARCH: architecture,
    BUILDVARIANT: variant,
  };
}
