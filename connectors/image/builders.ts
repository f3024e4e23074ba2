// The real builders: which of them a runner has, and how each writes an image into a folder. None of them
// pushes: pushing is the same for all images, and no builder needs the password for it.

import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Exec } from "@gantry/core/step/step.ts";
import { buildFailure } from "./decide-build-failure.ts";
import { REAL_BUILDERS, type RealBuilder } from "./decide-builder.ts";
import type { Dockerfile } from "./dockerfile/dockerfile.ts";

export type BuildRequest = {
  readonly builder: RealBuilder;
  /** Absolute paths. */
  readonly context: string;
  /** A copy of the Dockerfile; its ignore file is beside it, named as builders look for it. */
  readonly dockerfile: string;
  /** Where the builder leaves the image: an OCI layout, or the folder that the transport `dir:` makes. */
  readonly layout: string;
  /** Small files of this build; gone after it. */
  readonly scratch: string;
  /** Images of the site's registry that the Dockerfile begins with or copies from. */
  readonly bases: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly platform: string | undefined;
  /** The registry of the site has no TLS. */
  readonly insecure: boolean;
};

/** One program to run. */
/** Of the output of a builder: enough to hold the end of a failed build. */
const KEPT_LINES = 2_000;

export type Command = {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** It executes the commands of the Dockerfile, or works with what these may have written. */
  readonly confined?: "image-build";
};

export type RegistryLogin = {
  readonly host: string;
  readonly username: string;
  readonly password: string;
  /** What may be read with it. */
  readonly repositories: readonly string[];
};

/** Docker starts the programs that its settings name; a script of the job may have written some to HOME. */
const NO_SETTINGS = { HOME: "/nonexistent", DOCKER_CONFIG: "/nonexistent" };

/** The real builders on PATH; Kaniko works only where its own image put it. Docker counts only when its daemon answers, and is asked only when nothing else is there. */
export async function findBuilders(exec: Exec): Promise<readonly RealBuilder[]> {
  const script =
    'for one in "$@"; do if command -v "$one" >/dev/null 2>&1; then echo "$one"; fi; done; if [ -x /kaniko/executor ]; then echo kaniko; fi';
  const onPath = REAL_BUILDERS.filter((name) => name !== "kaniko");
  const { stdout } = await exec(["sh", "-c", script, "sh", ...onPath], { stdout: "capture", env: NO_SETTINGS });
  const found = stdout.split("\n");
  const here = REAL_BUILDERS.filter((name) => found.includes(name));
  if (here.length !== 1 || here[0] !== "docker") return here.filter((name) => name !== "docker");
  const { exitCode } = await exec(["docker", "version", "--format", "{{.Server.Version}}"], {
    stdout: "capture",
    env: NO_SETTINGS,
  });
  return exitCode === 0 ? here : [];
}

/** Those whose credentials can be for single repositories (containers-auth.json). The others know whole registries only. */
const LOGIN_PER_REPOSITORY: readonly RealBuilder[] = ["buildah", "podman"];

/**
 * Writes what the builder needs besides its arguments. The password is in a file of mode 0600 and nowhere else, and not even
 * there for a build that reads nothing with it.
 */
export async function prepareBuild(request: BuildRequest, login: RegistryLogin): Promise<void> {
  await mkdir(request.scratch, { recursive: true });
  const auth = Buffer.from(`${login.username}:${login.password}`).toString("base64");
  const file = authFile(request);
  const { host, repositories } = login;
  const places = LOGIN_PER_REPOSITORY.includes(request.builder)
    ? repositories.map((repository) => `${host}/${repository}`)
    : repositories.slice(0, 1).map(() => host);
  const auths = Object.fromEntries(places.map((place) => [place, { auth }]));
  await writeFile(file, JSON.stringify({ auths }), { mode: 0o600 });
  await chmod(file, 0o600);
  await writeFile(policyFile(request), JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
}

/**
 * The programs to run, in order. Pure. Buildah and Podman write the format of Docker: in that of OCI they leave out ONBUILD,
 * SHELL and HEALTHCHECK.
 */
export function buildCommands(request: BuildRequest): readonly Command[] {
  return COMMANDS[request.builder](request);
}

/**
 * Runs the builder. Throws what `buildFailure` makes of its output when it fails: the usual cause is the user's Dockerfile.
 * `file` is the path of the Dockerfile as people know it.
 */
export async function runBuilder(
  request: BuildRequest,
  exec: Exec,
  { dockerfile, file }: { readonly dockerfile: Dockerfile; readonly file: string },
): Promise<void> {
  for (const { argv, env, confined } of buildCommands(request)) {
    // Base images are there: nobody needs the account of the registry while strangers' commands run.
    if (confined && request.builder === "buildah") await rm(authFile(request), { force: true });
    const lines: string[] = [];
    const onLine = (line: string): void => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
    };
    // Builders start the programs that settings below HOME name (containers.conf, buildkitd.toml, plugins of Docker). A script
    // of the job may have written to the HOME of the job, so this one is ours.
    const options = {
      cwd: request.context,
      env: { HOME: request.scratch, ...env },
      onLine,
      ...(confined ? { confined } : {}),
    };
    const { exitCode, signal } = await exec(argv, options);
    if (exitCode !== 0) throw buildFailure({ program: argv[0], exitCode, signal, lines }, dockerfile, file);
  }
}

const COMMANDS: { readonly [B in RealBuilder]: (request: BuildRequest) => readonly Command[] } = {
  buildah: (request) => {
    const image = `localhost/gantry-build-${idOf(request)}`;
    // chroot and vfs work without the privileges that a container or a small runner lacks. Each build has a store of its own:
    // commands of a Dockerfile could change the images in it.
    const store = [
      "--root",
      join(request.scratch, "store"),
      "--runroot",
      join(request.scratch, "run"),
      "--storage-driver",
      "vfs",
    ];
    const policy = ["--signature-policy", policyFile(request)];
    const tls = request.insecure ? ["--tls-verify=false"] : [];
    const account = ["--authfile", authFile(request)];
    const platform = request.platform === undefined ? [] : ["--platform", request.platform];
    // Settings in a HOME that commands of the Dockerfile can write would name programs to start.
    const own = (argv: readonly string[], confined?: "image-build"): Command => ({
      argv: ["buildah", ...store, ...argv],
      env: { HOME: "/nonexistent" },
      ...(confined ? { confined } : {}),
    });
    const build = [
      "bud",
      ...policy,
      "--isolation",
      "chroot",
      "--format",
      "docker",
      "--timestamp",
      "0",
      ...tls,
      "--ignorefile",
      ignoreFile(request),
      ...common(request),
      "--tag",
      image,
      request.context,
    ];
    return [
      ...request.bases.map((base) => own(["pull", ...policy, ...account, ...tls, ...platform, base])),
      own(build, "image-build"),
      own(["push", ...policy, "--format", "v2s2", image, `dir:${request.layout}`], "image-build"),
    ];
  },
  podman: (request) => {
    const image = `localhost/gantry-build-${idOf(request)}`;
    const tls = request.insecure ? ["--tls-verify=false"] : [];
    const build = ["build", "--format", "docker", "--timestamp", "0", "--authfile", authFile(request), ...tls];
    const ignore = ["--ignorefile", ignoreFile(request)];
    return [
      building(["podman", ...build, ...ignore, ...common(request), "--tag", image, request.context]),
      command(["podman", "save", "--format", "docker-dir", "--compress", "--output", request.layout, image]),
      command(["podman", "rmi", image]),
    ];
  },
  buildctl: (request) => {
    const slash = request.dockerfile.lastIndexOf("/");
    const options = [
      ["filename", request.dockerfile.slice(slash + 1)],
      ...(request.platform === undefined ? [] : [["platform", request.platform]]),
      ...Object.entries(request.buildArgs).map(([name, value]) => [`build-arg:${name}`, value]),
      ...Object.entries(request.labels).map(([name, value]) => [`label:${name}`, value]),
      ["build-arg:SOURCE_DATE_EPOCH", "0"],
    ].flatMap(([name, value]) => ["--opt", `${name}=${value}`]);
    const local = [
      "--local",
      `context=${request.context}`,
      "--local",
      `dockerfile=${request.dockerfile.slice(0, slash)}`,
    ];
    const output = ["--output", `type=oci,tar=false,rewrite-timestamp=true,dest=${request.layout}`];
    const argv = ["buildctl", "build", "--frontend", "dockerfile.v0", ...local, ...options, ...output] as const;
    return [{ argv, env: { DOCKER_CONFIG: request.scratch }, confined: "image-build" }];
  },
  docker: (request) => {
    const image = `gantry-build-${idOf(request)}`;
    const env = { DOCKER_CONFIG: request.scratch };
    const archive = join(request.scratch, "image.tar");
    return [
      { argv: ["docker", "build", ...common(request), "--tag", image, request.context], env, confined: "image-build" },
      { argv: ["docker", "save", "--output", archive, image], env },
      command(["mkdir", "-p", request.layout]),
      command(["tar", "-xf", archive, "-C", request.layout]),
      { argv: ["docker", "rmi", image], env },
    ];
  },
  kaniko: (request) => {
    const argv = [
      "/kaniko/executor",
      "--context",
      `dir://${request.context}`,
      "--dockerfile",
      request.dockerfile,
      "--no-push",
      "--reproducible",
      "--oci-layout-path",
      request.layout,
      ...(request.insecure ? ["--insecure-pull"] : []),
      ...(request.platform === undefined ? [] : ["--custom-platform", request.platform]),
      ...pairs("--build-arg", request.buildArgs),
      ...pairs("--label", request.labels),
    ] as const;
    return [{ argv, env: { DOCKER_CONFIG: request.scratch }, confined: "image-build" }];
  },
};

function command(argv: readonly [string, ...string[]]): Command {
  return { argv, env: {} };
}

function building(argv: readonly [string, ...string[]]): Command {
  return { argv, env: {}, confined: "image-build" };
}

function common(request: BuildRequest): string[] {
  return [
    "--file",
    request.dockerfile,
    ...(request.platform === undefined ? [] : ["--platform", request.platform]),
    ...pairs("--build-arg", request.buildArgs),
    ...pairs("--label", request.labels),
  ];
}

function pairs(flag: string, values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
}

/** The file name that Docker and compatible programs expect in DOCKER_CONFIG. */
function authFile({ scratch }: BuildRequest): string {
  return join(scratch, "config.json");
}

export function ignoreFile({ dockerfile }: Pick<BuildRequest, "dockerfile">): string {
  return `${dockerfile}.dockerignore`;
}

function policyFile({ scratch }: BuildRequest): string {
  return join(scratch, "policy.json");
}

/** A unique image name, because several jobs of a runner build in one store concurrently. */
function idOf({ scratch }: BuildRequest): string {
  return scratch
    .slice(scratch.lastIndexOf("/") + 1)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
