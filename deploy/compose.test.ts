import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { ROOT, read } from "./files.fixture.ts";

type Service = {
  readonly image: string;
  readonly profiles: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks: readonly string[] | object;
  readonly environment?: Readonly<Record<string, string>>;
};
type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: object;
  readonly networks: object;
};

const compose = parse(read("deploy/compose.yaml"), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const entry = read("deploy/image/gantry-entry");

function networksOf({ networks }: Service): readonly string[] {
  return Array.isArray(networks) ? (networks as string[]) : Object.keys(networks);
}

for (const [name, service] of services) {
  test(`compose: ${name} has a health check, a restricted container and a volume`, () => {
    assert.ok(service.healthcheck?.test.length, "`up --wait` needs a health check");
    // The start script of the Kafka image writes its configuration next to its programs.
    if (name !== "kafka") assert.equal(service.read_only, true);
    assert.deepEqual(service.cap_drop, ["ALL"]);
    assert.deepEqual(service.security_opt, ["no-new-privileges:true"]);
    assert.match(service.image, /:[^:]*\d/, "a version of its image");
    assert.doesNotMatch(service.image, /:latest/);
    assert.ok(service.profiles.every((profile) => ["single", "scaled"].includes(profile)));
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/);
    for (const secret of service.secrets ?? [])
      assert.ok(compose.secrets[secret], `the secret ${secret} is not listed`);
    for (const network of networksOf(service)) assert.ok(Object.hasOwn(compose.networks, network), network);
    for (const [variable, value] of Object.entries(service.environment ?? {})) {
      if (/TOKEN|PASSWORD|SECRET/.test(variable)) assert.match(`${variable}=${value}`, /_FILE=\/run\/secrets\//);
    }
    for (const volume of service.volumes ?? []) {
      const [source = ""] = volume.split(":");
      if (source.startsWith("./")) assert.ok(existsSync(`${ROOT}deploy/${source}`), `${source} is missing`);
      else assert.ok(Object.hasOwn(compose.volumes, source), source);
    }
  });
}

test("compose: every Gantry process is one that the image can start, with the right health check", () => {
  const ours = services.filter(([, { image }]) => image.includes("GANTRY_IMAGE"));
  assert.ok(ours.length >= 6);
  for (const [name, { command, healthcheck }] of ours) {
    const [process = ""] = command ?? [];
    assert.match(entry, new RegExp(`[ |]${process}\\b`), name);
    const question = process === "task-runner" ? "ready" : "health";
    assert.deepEqual(healthcheck?.test, ["CMD", "gantry-entry", question, process], name);
  }
});

test("compose: a site's runner shares its network only with the task-agent, and its secrets with no service", () => {
  for (const [name, service] of services.filter(([one]) => /^runner-(?!platform)/.test(one))) {
    const { secrets } = service;
    const [network = "", ...more] = networksOf(service);
    assert.deepEqual(more, [], name);
    const others = services.filter(([other, their]) => other !== name && networksOf(their).includes(network));
    assert.ok(others.length > 0 && others.every(([other]) => other.startsWith("task-agent")), name);
    const holders = services.filter(([, service]) => service.secrets?.includes(secrets?.[0] ?? ""));
    assert.equal(holders.length, 1, name);
  }
});

test("compose: every profile has everything that a task needs", () => {
  for (const profile of new Set(services.flatMap(([, { profiles }]) => profiles))) {
    const commands = services
      .filter(([, { profiles }]) => profiles.includes(profile))
      .flatMap(([, { command }]) => command ?? []);
    for (const process of ["task-agent", "notify-agent", "portal-api", "task-runner"]) {
      assert.ok(commands.includes(process), `${profile} lacks ${process}`);
    }
  }
});

test("compose: the script creates every listed secret", () => {
  const script = read("deploy/compose/make-secrets");
  for (const [name, { file }] of Object.entries(compose.secrets)) {
    assert.equal(file, `./compose/secrets/${name}`);
    assert.match(script, new RegExp(`\\b${name}\\b`), name);
  }
});
