// The files that users of deploy/compose.yaml write themselves, here for the lab: systems and secrets of the sites, channels,
// and images where the engine can pull none.

import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";
import type { Lab, LabRunner } from "../../start.ts";
import { type MadeImage, makeImage } from "./machine-images.ts";

const run = promisify(execFile);

const DEPLOY = fileURLToPath(new URL("../../../deploy/", import.meta.url));
/** The folder of the fake scanner program. */
const BIN = fileURLToPath(new URL("../../fakes/bin", import.meta.url));
export const COMPOSE_FILE = join(DEPLOY, "compose.yaml");

/** Name → image made of this machine's programs, for images that the engine neither has nor can pull. */
export type Made = { readonly [name in MadeImage]?: string };
type Services = Record<string, { volumes?: readonly string[]; image?: string; build?: object }>;
type Compose = {
  readonly services: Readonly<Record<string, { readonly image: string; readonly build?: object }>>;
  readonly secrets: object;
};

export async function makeMissingImages(): Promise<Made> {
  const compose = await readCompose();
  const [, base = ""] = /^ARG BASE=(.*)$/m.exec(await readFile(join(DEPLOY, "Dockerfile"), "utf8")) ?? [];
  const wanted = { node: base, redis: compose.services.redis?.image, kafka: compose.services.kafka?.image };
  const made: Record<string, string> = {};
  for (const name of ["node", "redis", "kafka"] as const) {
    const image = wanted[name] ?? "";
    const isHere = await succeeds("docker", "image", "inspect", image);
    if (!isHere && !(await succeeds("docker", "pull", "--quiet", image))) made[name] = await makeImage(name);
  }
  return made;
}

/** Writes a second file for `docker compose -f … -f` and returns its path. */
export async function writeOverride(dir: string, lab: Lab, made: Made): Promise<string> {
  const compose = await readCompose();
  const services: Services = {};
  for (const [name, { build }] of Object.entries(compose.services)) {
    services[name] = build !== undefined && made.node !== undefined ? { build: buildFrom(made.node) } : {};
  }
  for (const runner of lab.runners) {
    const name = `runner-${runner.site}`;
    services[name] = { ...services[name], volumes: await runnerVolumes(dir, runner) };
  }
  const configFile = join(dir, "notify-agent.yaml");
  await writeFile(configFile, JSON.stringify({ channels: lab.channels }));
  services["notify-agent"] = {
    ...services["notify-agent"],
    volumes: [`${configFile}:/etc/gantry/notify-agent.yaml:ro`],
  };
  for (const name of ["redis", "redis-replica"]) if (made.redis !== undefined) services[name] = { image: made.redis };
  if (made.kafka !== undefined) services.kafka = { image: made.kafka };

  await copyFile(join(DEPLOY, "compose/make-secrets"), join(dir, "make-secrets"));
  await run(join(dir, "make-secrets"));
  const names = Object.keys(compose.secrets);
  const npmrc = join(dir, "npmrc");
  await writeFile(npmrc, "cafile=/etc/ssl/certs/ca-certificates.crt\n");
  const secrets = Object.fromEntries([
    ...names.map((name) => [name, { file: join(dir, "secrets", name) }]),
    ["npmrc", { file: npmrc }],
  ]);
  const file = join(dir, "lab.json");
  await writeFile(file, JSON.stringify({ services, secrets }));
  return file;
}

/** The base image of this machine already has the packages and the certificate authorities. */
function buildFrom(base: string): object {
  return { args: { BASE: base, PACKAGES: "" }, secrets: ["npmrc"] };
}

async function runnerVolumes(dir: string, { site, name, systems, labels, slots, secrets = {} }: LabRunner) {
  const folder = join(dir, `secrets-of-${site}`);
  await mkdir(folder);
  const inside: Record<string, { file: string }> = {};
  for (const [secret, source] of Object.entries(secrets)) {
    if (!("file" in source)) throw new Error(`the secret ${secret} of the lab is in no file`);
    await copyFile(source.file, join(folder, secret));
    await chmod(join(folder, secret), 0o444);
    inside[secret] = { file: `/run/lab/${secret}` };
  }
  const file = join(dir, `runner-${site}.yaml`);
  const config = {
    name,
    site,
    systems,
    labels,
    slots,
    secrets: inside,
    agent: "http://task-agent:7001",
    allowPlainHttp: true,
  };
  await writeFile(file, JSON.stringify({ ...config, drainSeconds: 20, path: "/opt/lab:/usr/local/bin:/usr/bin:/bin" }));
  return [`${file}:/etc/gantry/task-runner.yaml:ro`, `${folder}:/run/lab:ro`, `${BIN}:/opt/lab:ro`];
}

async function readCompose(): Promise<Compose> {
  return parse(await readFile(COMPOSE_FILE, "utf8"), { merge: true }) as Compose;
}

async function succeeds(program: string, ...argv: string[]): Promise<boolean> {
  try {
    await run(program, argv);
    return true;
  } catch {
    return false;
  }
}
